// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <cstdlib>

#include "base/bytes.h"
#include "kbs_protocol/runtime_data.h"

// The input is a JWK. A key that is hashed once is hashed the same when its runtime data comes back in a token.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace kbs_protocol;
    const auto key = base::json::parse(base::as_text({data, size}), {.max_bytes = 1 << 16});
    if (!key) return 0;
    static_cast<void>(device_runtime_data("nonce", *key));
    const auto runtime_data = primary_runtime_data("nonce", *key, "");
    if (!runtime_data) return 0;
    const auto digest = runtime_data_digest(crypto::HashAlgorithm::sha384, *runtime_data);
    const auto returned = primary_runtime_data("nonce", *runtime_data->find("tee-pubkey"), "");
    if (!digest || !returned || *runtime_data_digest(crypto::HashAlgorithm::sha384, *returned) != *digest) std::abort();
    return 0;
}
