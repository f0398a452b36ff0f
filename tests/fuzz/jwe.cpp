// SPDX-License-Identifier: Apache-2.0
// What parses is written as it was read; what decrypts under the key of kbs-protocol §2.5 was made with it.
#include "crypto/jose/jwe.h"

#include <cstdint>
#include <cstdlib>

#include "crypto/jose/jwk.h"

namespace jose = crypto::jose;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const auto ec =
        *jose::private_key_from_jwk(base::json::Object{{"kty", "EC"},
                                                       {"crv", "P-256"},
                                                       {"x", "AhfmF_C2RDkoJ4-WmZ5pojpPLBUr321s32bluAKC1O0"},
                                                       {"y", "GUp968uXcS0t2jyoWqh2Wlb0X8dYWZZS8ol8ZTBuV5Q"},
                                                       {"d", "ERERERERERERERERERERERERERERERERERERERERERE"}});
    static const auto rsa = *crypto::PrivateKey::generate(crypto::KeyType::rsa);
    const auto json = base::json::parse(base::as_text({data, size}), {.max_bytes = 65536});
    if (!json) return 0;
    const auto jwe = jose::parse_jwe(*json);
    if (!jwe) return 0;
    const auto again = jose::parse_jwe(jose::serialize_jwe(*jwe));
    if (!again || again->protected_header != jwe->protected_header || again->encrypted_key != jwe->encrypted_key ||
        again->iv != jwe->iv || again->ciphertext != jwe->ciphertext || again->tag != jwe->tag ||
        again->aad != jwe->aad) {
        std::abort();
    }
    if (const auto plaintext = jose::decrypt(*jwe, ec); plaintext && plaintext->size() != jwe->ciphertext.size()) {
        std::abort();
    }
    (void)jose::decrypt(*jwe, rsa).has_value();
    return 0;
}
