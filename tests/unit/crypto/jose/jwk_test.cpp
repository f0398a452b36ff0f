// SPDX-License-Identifier: Apache-2.0
#include "crypto/jose/jwk.h"

#include <doctest/doctest.h>

#include "base/encoding.h"

namespace jose = crypto::jose;
namespace json = base::json;
using crypto::KeyType;
using crypto::PrivateKey;

namespace {
json::Value parse(std::string_view text) {
    return *json::parse(text, {.max_bytes = 65536});
}
}  // namespace

TEST_CASE("the thumbprint matches RFC 7638 section 3.1") {
    const auto jwk = parse(
        R"({"kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw","e":"AQAB","alg":"RS256","kid":"2011-04-29"})");
    CHECK(*jose::thumbprint_sha256(jwk) == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
}

TEST_CASE("keys survive as JWK in both halves") {
    for (const KeyType type : {KeyType::rsa, KeyType::ec_p256, KeyType::ec_p384, KeyType::ec_p521, KeyType::ed25519}) {
        CAPTURE(crypto::key_type_name(type));
        const auto key = PrivateKey::generate(type);
        const auto public_jwk = jose::jwk_from_public_key(key->public_key());
        CHECK(*jose::public_key_from_jwk(public_jwk) == key->public_key());
        const auto private_jwk = jose::jwk_from_private_key(*key);
        const auto again = jose::private_key_from_jwk(private_jwk);
        REQUIRE(again);
        CHECK(again->public_key() == key->public_key());
        CHECK(!jose::public_key_from_jwk(private_jwk));
        CHECK(!jose::private_key_from_jwk(public_jwk));
    }
}

TEST_CASE("the Ed25519 key of RFC 8037 appendix A has its published halves") {
    const auto key = jose::private_key_from_jwk(parse(
        R"({"kty":"OKP","crv":"Ed25519","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"})"));
    REQUIRE(key);
    CHECK(*jose::thumbprint_sha256(jose::jwk_from_public_key(key->public_key())) ==
          "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
}

TEST_CASE("members have the order in which guests and Trustee write them") {
    const auto key = PrivateKey::generate(KeyType::ec_p256)->public_key();
    const auto point = key.ec_point();
    CHECK(json::serialize_public(jose::jwk_from_public_key(key, "ES256")) ==
          R"({"kty":"EC","crv":"P-256","alg":"ES256","x":")" + base::base64url_encode(point->x) + R"(","y":")" +
              base::base64url_encode(point->y) + "\"}");
}

TEST_CASE("each wrong member is refused") {
    const auto good = jose::jwk_from_public_key(PrivateKey::generate(KeyType::ec_p256)->public_key());
    const auto broken = [&](std::string_view name, json::Value value) {
        json::Value jwk = good;
        jwk.as_object()->set(name, std::move(value));
        return !jose::public_key_from_jwk(jwk);
    };
    CHECK(broken("kty", "oct"));
    CHECK(broken("kty", "OKP"));
    CHECK(broken("crv", "secp256k1"));
    CHECK(broken("crv", "P-384"));
    CHECK(broken("crv", "Ed25519"));
    CHECK(broken("x", "AAAA"));
    CHECK(broken("x", std::string(*good.string_at("x")) + "="));
    CHECK(broken("y", std::string(*good.string_at("x"))));
    CHECK(broken("y", 7));
    CHECK(broken("d", "AAAA"));
    CHECK(!broken("kid", "anything"));
    CHECK(!jose::public_key_from_jwk(json::Value()));
    json::Value rsa = jose::jwk_from_public_key(PrivateKey::generate(KeyType::rsa)->public_key());
    rsa.as_object()->set("e", "AAEAAQ");
    CHECK(!jose::public_key_from_jwk(rsa));
}

TEST_CASE("a private half that does not belong to the public half is refused") {
    for (const KeyType type : {KeyType::ec_p256, KeyType::ec_p384, KeyType::ec_p521, KeyType::rsa, KeyType::ed25519}) {
        CAPTURE(crypto::key_type_name(type));
        json::Value jwk = jose::jwk_from_private_key(*PrivateKey::generate(type));
        CHECK(jose::private_key_from_jwk(jwk));
        const json::Value other = jose::jwk_from_private_key(*PrivateKey::generate(type));
        jwk.as_object()->set("d", *other.find("d"));
        CHECK(jose::private_key_from_jwk(jwk).error().code() == base::ErrorCode::crypto_input_invalid);
    }
}

TEST_CASE("private scalars of zero, of the group's order and of another width are refused") {
    json::Value jwk = jose::jwk_from_private_key(*PrivateKey::generate(KeyType::ec_p256));
    const auto with = [&](base::ByteView d) {
        jwk.as_object()->set("d", base::base64url_encode(d));
        return jose::private_key_from_jwk(jwk).has_value();
    };
    CHECK(!with(base::Bytes(32)));
    CHECK(!with(*base::hex_decode("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551")));
    CHECK(!with(base::Bytes(31, 1)));
    CHECK(!with({}));
}

TEST_CASE("an RSA key with more than two primes, or without one of its numbers, is refused") {
    const json::Value good = jose::jwk_from_private_key(*PrivateKey::generate(KeyType::rsa));
    json::Value more = good;
    more.as_object()->set("oth", json::Array());
    CHECK(!jose::private_key_from_jwk(more));
    for (const char* name : {"d", "p", "q", "dp", "dq", "qi"}) {
        CAPTURE(name);
        json::Value less = good;
        less.as_object()->set(name, nullptr);
        CHECK(jose::private_key_from_jwk(less).error().code() == base::ErrorCode::crypto_input_invalid);
    }
}
