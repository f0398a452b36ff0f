// SPDX-License-Identifier: Apache-2.0
#include "crypto/jose/jwt.h"

#include <cmath>
#include <optional>

#include "base/encoding.h"
#include "crypto/jose/jws.h"

namespace crypto::jose {
namespace {

using base::json::Value;

base::Fail invalid(std::string why) {
    return base::Fail(base::ErrorCode::token_invalid, std::move(why));
}

base::Result<Value> claims_of(base::ByteView payload) {
    auto claims = base::json::parse(base::as_text(payload), {.max_bytes = max_jws_bytes});
    if (!claims || claims->as_object() == nullptr) return invalid("the claims are not a JSON object");
    return std::move(*claims);
}

/// [RFC7519 §2] a NumericDate may have a fraction. Seconds within 2^53, or an error.
base::Result<std::optional<std::int64_t>> date(const Value& claims, std::string_view name) {
    const Value* value = claims.find(name);
    if (value == nullptr) return std::optional<std::int64_t>();
    constexpr std::int64_t kLimit = std::int64_t{1} << 53;
    if (const std::int64_t* integer = value->as_int(); integer != nullptr && *integer > -kLimit && *integer < kLimit) {
        return std::optional(*integer);
    }
    if (const double* number = value->as_double();
        number != nullptr && std::abs(*number) < static_cast<double>(kLimit)) {
        return std::optional(static_cast<std::int64_t>(std::floor(*number)));
    }
    return invalid(std::string(name) + " is not a date");
}

}  // namespace

base::Result<std::string> sign_jwt(const base::json::Object& header, const Value& claims, const PrivateKey& key,
                                   SignatureAlgorithm algorithm) {
    if (claims.as_object() == nullptr) {
        return base::Fail(base::ErrorCode::crypto_input_invalid, "the claims of a token are an object");
    }
    base::json::Object whole{{"typ", "JWT"}};
    for (const auto& [name, value] : header) whole.set(name, value);
    return sign_compact(whole, base::as_bytes(base::json::serialize_public(claims)), key, algorithm);
}

base::Result<VerifiedClaims> verify_jwt(std::string_view token, const PublicKey& key, SignatureAlgorithm algorithm,
                                        base::TimePoint now, std::chrono::seconds leeway) {
    auto jws = verify_compact(token, key, algorithm);
    if (!jws) return invalid(jws.error().detail().empty() ? "the signature does not verify" : jws.error().detail());
    TRY_ASSIGN(Value claims, claims_of(jws->payload));
    TRY_ASSIGN(const auto expiry, date(claims, "exp"));
    TRY_ASSIGN(const auto begin, date(claims, "nbf"));
    const std::int64_t seconds = now.time_since_epoch().count();
    if (!expiry) return invalid("it has no exp");
    if (seconds >= *expiry + leeway.count()) return invalid("it has expired");
    if (begin && seconds < *begin - leeway.count()) return invalid("it is not valid yet");
    return VerifiedClaims{std::move(jws->header), std::move(claims)};
}

base::Result<UnverifiedClaims> parse_unverified_jwt(std::string_view token) {
    auto jws = parse_unverified_compact(token);
    if (!jws) return invalid(jws.error().detail());
    TRY_ASSIGN(Value claims, claims_of(jws->payload));
    return UnverifiedClaims{std::move(jws->header), std::move(claims)};
}

}  // namespace crypto::jose
