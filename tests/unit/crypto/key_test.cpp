// SPDX-License-Identifier: Apache-2.0
#include "crypto/key.h"

#include <doctest/doctest.h>

#include "base/encoding.h"

using base::ErrorCode;
using crypto::KeyType;
using crypto::PrivateKey;
using crypto::PublicKey;

TEST_CASE("every kind of key survives PEM and DER in both halves") {
    for (const KeyType type : {KeyType::rsa, KeyType::ec_p256, KeyType::ec_p384, KeyType::ec_p521, KeyType::ed25519}) {
        CAPTURE(crypto::key_type_name(type));
        const auto key = PrivateKey::generate(type);
        REQUIRE(key);
        const auto again = PrivateKey::from_pem(key->to_pem().view());
        REQUIRE(again);
        CHECK(again->type() == type);
        const PublicKey public_key = key->public_key();
        CHECK(again->public_key() == public_key);
        CHECK(*PublicKey::from_pem(public_key.to_pem()) == public_key);
        CHECK(*PublicKey::from_spki_der(public_key.to_spki_der()) == public_key);
        CHECK(PublicKey::from_spki_der(public_key.to_spki_der())->spki_sha256() == public_key.spki_sha256());
    }
}

TEST_CASE("refuses bytes behind a key, cut keys and other PEM blocks") {
    const auto key = PrivateKey::generate(KeyType::ec_p256);
    base::Bytes der = key->public_key().to_spki_der();
    for (std::size_t size = 0; size < der.size(); ++size)
        CHECK(!PublicKey::from_spki_der(base::ByteView(der).first(size)));
    der.push_back(0);
    CHECK(PublicKey::from_spki_der(der).error().code() == ErrorCode::crypto_input_invalid);
    CHECK(!PublicKey::from_pem(key->to_pem().text()));
    CHECK(!PrivateKey::from_pem(base::as_bytes(key->public_key().to_pem())));
    CHECK(!PrivateKey::from_pem(base::as_bytes("")));
}

TEST_CASE("refuses points off the curve, the point at infinity and coordinates of another width") {
    const auto point = PrivateKey::generate(KeyType::ec_p256)->public_key().ec_point();
    REQUIRE(point);
    CHECK(PublicKey::from_ec_point(KeyType::ec_p256, point->x, point->y));
    base::Bytes off = point->y;
    off.back() ^= 1;
    CHECK(!PublicKey::from_ec_point(KeyType::ec_p256, point->x, off));
    CHECK(!PublicKey::from_ec_point(KeyType::ec_p256, base::Bytes(32), base::Bytes(32)));
    CHECK(!PublicKey::from_ec_point(KeyType::ec_p384, point->x, point->y));
    CHECK(!PublicKey::from_ec_point(KeyType::ec_p256, base::ByteView(point->x).first(31), point->y));
    CHECK(!PublicKey::from_ec_point(KeyType::rsa, point->x, point->y));
}

TEST_CASE("refuses weak RSA numbers") {
    const auto numbers = PrivateKey::generate(KeyType::rsa)->public_key().rsa_numbers();
    REQUIRE(numbers);
    CHECK(PublicKey::from_rsa_numbers(numbers->n, numbers->e));
    CHECK(!PublicKey::from_rsa_numbers(numbers->n, base::Bytes{3}));
    CHECK(!PublicKey::from_rsa_numbers(numbers->n, base::Bytes{1, 0, 0}));
    CHECK(!PublicKey::from_rsa_numbers(base::ByteView(numbers->n).first(128), numbers->e));
    CHECK(!PublicKey::from_rsa_numbers(base::Bytes(1025, 0xff), numbers->e));
    CHECK(!PublicKey::from_rsa_numbers({}, {}));
    CHECK(!PrivateKey::generate(KeyType::rsa, 1024));
}
