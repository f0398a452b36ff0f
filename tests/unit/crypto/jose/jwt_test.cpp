// SPDX-License-Identifier: Apache-2.0
#include "crypto/jose/jwt.h"

#include <doctest/doctest.h>

namespace jose = crypto::jose;
namespace json = base::json;
using base::ErrorCode;
using crypto::KeyType;
using crypto::PrivateKey;
using crypto::SignatureAlgorithm;
using std::chrono::seconds;

namespace {

const PrivateKey& key() {
    static const PrivateKey generated = *PrivateKey::generate(KeyType::ec_p256);
    return generated;
}

base::Result<jose::VerifiedClaims> check(json::Object claims, std::int64_t now, std::int64_t leeway = 0) {
    const auto token = jose::sign_jwt({}, std::move(claims), key(), SignatureAlgorithm::es256);
    return jose::verify_jwt(*token, key().public_key(), SignatureAlgorithm::es256, base::TimePoint(seconds(now)),
                            seconds(leeway));
}

}  // namespace

TEST_CASE("a token is good until exp and not before nbf, give or take the leeway") {
    CHECK(check({{"exp", 1000}}, 999));
    CHECK(check({{"exp", 1000}}, 1000).error().code() == ErrorCode::token_invalid);
    CHECK(check({{"exp", 1000}}, 1059, 60));
    CHECK(!check({{"exp", 1000}}, 1060, 60));
    CHECK(check({{"exp", 1000}, {"nbf", 500}}, 500));
    CHECK(!check({{"exp", 1000}, {"nbf", 500}}, 499));
    CHECK(check({{"exp", 1000}, {"nbf", 500}}, 440, 60));
    CHECK(check({{"exp", 1000.5}}, 999));
}

TEST_CASE("exp must be there and be a date") {
    CHECK(check({{"sub", "x"}}, 0).error().detail() == "it has no exp");
    CHECK(!check({{"exp", "1000"}}, 0));
    CHECK(!check({{"exp", nullptr}}, 0));
    CHECK(!check({{"exp", 1e300}}, 0));
    CHECK(!check({{"exp", INT64_MAX}}, 0));
    CHECK(!check({{"exp", INT64_MIN}}, 0));
    CHECK(!check({{"exp", 1000}, {"nbf", true}}, 0));
}

TEST_CASE("errors say why and nothing of the token") {
    const auto token = jose::sign_jwt({}, json::Object{{"exp", 1000}}, key(), SignatureAlgorithm::es256);
    const auto other = PrivateKey::generate(KeyType::ec_p256);
    const auto wrong = jose::verify_jwt(*token, other->public_key(), SignatureAlgorithm::es256, {}, seconds(0));
    CHECK(wrong.error().message() == "token-invalid: the signature does not verify");
    CHECK(jose::verify_jwt("x.y", key().public_key(), SignatureAlgorithm::es256, {}, seconds(0)).error().code() ==
          ErrorCode::token_invalid);
}

TEST_CASE("unverified claims are to be had, under that name only") {
    const auto token = jose::sign_jwt({{"kid", "1"}}, json::Object{{"exp", 1000}, {"role", "admin"}}, key(),
                                      SignatureAlgorithm::es256);
    const auto parsed = jose::parse_unverified_jwt(*token);
    CHECK(*parsed->claims.string_at("role") == "admin");
    CHECK(*parsed->header.string_at("kid") == "1");
    CHECK(*parsed->header.string_at("typ") == "JWT");
    CHECK(!jose::parse_unverified_jwt("a.b.c"));
    CHECK(!jose::sign_jwt({}, json::Array(), key(), SignatureAlgorithm::es256));
}
