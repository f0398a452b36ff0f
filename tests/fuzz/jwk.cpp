// SPDX-License-Identifier: Apache-2.0
// A JWK that is accepted is a key whose own JWK is accepted again, as the same key with the same thumbprint.
#include <cstdint>
#include <cstdlib>

#include "base/json.h"
#include "crypto/jose/jwe.h"
#include "crypto/jose/jwk.h"

namespace jose = crypto::jose;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto jwk = base::json::parse(base::as_text({data, size}), {.max_bytes = 16384});
    if (!jwk) return 0;
    if (const auto key = jose::public_key_from_jwk(*jwk)) {
        const auto written = jose::jwk_from_public_key(*key);
        const auto again = jose::public_key_from_jwk(written);
        if (!again || !(*again == *key)) std::abort();
        const auto thumbprint = jose::thumbprint_sha256(*jwk);
        if (!thumbprint || *thumbprint != *jose::thumbprint_sha256(written)) std::abort();
    }
    if (const auto key = jose::private_key_from_jwk(*jwk)) {
        const auto again = jose::private_key_from_jwk(jose::jwk_from_private_key(*key));
        if (!again || !(again->public_key() == key->public_key())) std::abort();
    }
    if (const auto recipient = jose::recipient_from_jwk(*jwk); recipient && !jose::encrypt(*recipient, {}))
        std::abort();
    return 0;
}
