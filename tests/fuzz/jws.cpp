// SPDX-License-Identifier: Apache-2.0
// No text that was not signed with the key verifies; what verifies says what was signed.
#include "crypto/jose/jws.h"

#include <cstdint>
#include <cstdlib>

#include "crypto/jose/jwk.h"

namespace jose = crypto::jose;

namespace {

/// [RFC 8037 A.1] A published key, so that the corpus can hold a text that verifies.
const crypto::PrivateKey& key() {
    static const crypto::PrivateKey key =
        *jose::private_key_from_jwk(base::json::Object{{"kty", "OKP"},
                                                       {"crv", "Ed25519"},
                                                       {"d", "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"},
                                                       {"x", "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}});
    return key;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const crypto::PublicKey public_key = key().public_key();
    const std::string_view text = base::as_text({data, size});
    const auto verified = jose::verify_compact(text, public_key, crypto::SignatureAlgorithm::eddsa);
    const auto unverified = jose::parse_unverified_compact(text);
    if (verified && (!unverified || unverified->payload != verified->payload)) std::abort();
    // What parses can be signed again as the same payload.
    if (unverified) {
        const auto again = jose::sign_compact({}, unverified->payload, key(), crypto::SignatureAlgorithm::eddsa);
        if (!again) std::abort();
        const auto checked = jose::verify_compact(*again, public_key, crypto::SignatureAlgorithm::eddsa);
        if (again->size() <= jose::max_jws_bytes && (!checked || checked->payload != unverified->payload)) std::abort();
    }
    return 0;
}
