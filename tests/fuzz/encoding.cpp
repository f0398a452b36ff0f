// SPDX-License-Identifier: Apache-2.0
#include "base/encoding.h"

#include <cstdlib>

// Strict decoding is canonical: what it accepts is exactly what encoding gives.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text = base::as_text({data, size});
    if (const auto bytes = base::base64_decode(text); bytes && base::base64_encode(*bytes) != text) std::abort();
    if (const auto bytes = base::base64url_decode(text); bytes && base::base64url_encode(*bytes) != text) std::abort();
    const auto strict = base::base64_decode_secret(text);
    const auto lenient = base::base64_decode_lenient(text);
    if (strict && (!lenient || base::as_text(*lenient) != strict->text())) std::abort();
    static_cast<void>(base::hex_decode(text));
    static_cast<void>(base::printable_line(text));
    return 0;
}
