// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <cstdlib>

#include "base/bytes.h"
#include "kbs_protocol/messages.h"
#include "kbs_protocol/unwrap.h"

namespace {

/// Whatever parses is written as text that parses to the same text again.
template <typename Parse>
void check(std::string_view text, Parse parse) {
    const auto message = parse(text);
    if (!message) return;
    const auto written = serialize(*message);
    if (written.size() > kbs_protocol::max_message_bytes) return;
    const auto again = parse(std::string_view(written));
    if (!again || serialize(*again) != written) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace kbs_protocol;
    const std::string_view text = base::as_text({data, size});
    check(text, parse_request);
    check(text, parse_challenge);
    check(text, parse_attestation);
    check(text, parse_error_body);
    check(text, parse_unwrap_request);
    check(text, parse_wrap_request);
    check(text, parse_wrap_response);
    check(text, parse_key_metadata);
    static_cast<void>(parse_token_response(text));
    static_cast<void>(parse_unwrap_response(text));
    if (const auto challenge = parse_challenge(text)) static_cast<void>(selected_hash(*challenge));
    return 0;
}
