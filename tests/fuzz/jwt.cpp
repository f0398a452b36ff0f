// SPDX-License-Identifier: Apache-2.0
// Any claims may be signed; whether they verify depends on nothing but their dates and the clock.
#include "crypto/jose/jwt.h"

#include <cstdint>
#include <cstdlib>

namespace jose = crypto::jose;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const auto key = *crypto::PrivateKey::generate(crypto::KeyType::ed25519);
    static const auto public_key = key.public_key();
    constexpr auto algorithm = crypto::SignatureAlgorithm::eddsa;
    const std::string_view text = base::as_text({data, size});
    // The text as a token: nobody signed it with this key.
    if (jose::verify_jwt(text, public_key, algorithm, base::TimePoint{}, std::chrono::seconds(60))) std::abort();
    (void)jose::parse_unverified_jwt(text).has_value();
    // The text as claims.
    const auto claims = base::json::parse(text, {.max_bytes = 65536});
    if (!claims) return 0;
    const auto token = jose::sign_jwt({}, *claims, key, algorithm);
    if (token.has_value() != (claims->as_object() != nullptr)) std::abort();
    if (!token) return 0;
    for (const std::int64_t now : {std::int64_t{0}, std::int64_t{1'700'000'000}, std::int64_t{1} << 40}) {
        const base::TimePoint at{std::chrono::seconds(now)};
        const bool good = jose::verify_jwt(*token, public_key, algorithm, at, std::chrono::seconds(0)).has_value();
        const auto exp = claims->int_at("exp");
        if (good && exp && *exp <= now) std::abort();
        if (good && claims->find("exp") == nullptr) std::abort();
    }
    return 0;
}
