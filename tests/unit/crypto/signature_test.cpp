// SPDX-License-Identifier: Apache-2.0
#include "crypto/signature.h"

#include <doctest/doctest.h>

#include <array>

using base::ErrorCode;
using crypto::KeyType;
using crypto::PrivateKey;
using crypto::SignatureAlgorithm;

TEST_CASE("each algorithm verifies what it signed and nothing that was changed") {
    const std::array<std::pair<KeyType, SignatureAlgorithm>, 8> cases{{{KeyType::ec_p256, SignatureAlgorithm::es256},
                                                                       {KeyType::ec_p384, SignatureAlgorithm::es384},
                                                                       {KeyType::ec_p521, SignatureAlgorithm::es512},
                                                                       {KeyType::rsa, SignatureAlgorithm::rs256},
                                                                       {KeyType::rsa, SignatureAlgorithm::rs512},
                                                                       {KeyType::rsa, SignatureAlgorithm::ps256},
                                                                       {KeyType::rsa, SignatureAlgorithm::ps384},
                                                                       {KeyType::ed25519, SignatureAlgorithm::eddsa}}};
    for (const auto& [type, algorithm] : cases) {
        CAPTURE(crypto::jose_name(algorithm));
        const auto key = PrivateKey::generate(type);
        const auto data = base::as_bytes("data");
        base::Bytes signature = *crypto::sign(*key, algorithm, data);
        CHECK(crypto::verify(key->public_key(), algorithm, data, signature));
        CHECK(crypto::verify(key->public_key(), algorithm, base::as_bytes("date"), signature).error().code() ==
              ErrorCode::signature_invalid);
        CHECK(!crypto::verify(PrivateKey::generate(type)->public_key(), algorithm, data, signature));
        CHECK(
            !crypto::verify(key->public_key(), algorithm, data, base::ByteView(signature).first(signature.size() - 1)));
        CHECK(!crypto::verify(key->public_key(), algorithm, data, {}));
        signature[signature.size() / 2] ^= 1;
        CHECK(!crypto::verify(key->public_key(), algorithm, data, signature));
        CHECK(*crypto::signature_algorithm_from_jose_name(crypto::jose_name(algorithm)) == algorithm);
    }
    CHECK(!crypto::signature_algorithm_from_jose_name("none"));
    CHECK(!crypto::signature_algorithm_from_jose_name("HS256"));
}

TEST_CASE("an algorithm that does not fit the key is refused before anything is computed") {
    const auto p256 = PrivateKey::generate(KeyType::ec_p256);
    CHECK(crypto::sign(*p256, SignatureAlgorithm::es384, {}).error().code() == ErrorCode::crypto_input_invalid);
    CHECK(crypto::verify(p256->public_key(), SignatureAlgorithm::rs256, {}, {}).error().code() ==
          ErrorCode::crypto_input_invalid);
}

TEST_CASE("all-zero ECDSA signatures are refused") {
    const auto key = PrivateKey::generate(KeyType::ec_p256);
    CHECK(!crypto::verify(key->public_key(), SignatureAlgorithm::es256, base::as_bytes("x"), base::Bytes(64)));
}

TEST_CASE("ECDSA signatures pass between DER and raw, and only strict DER passes") {
    const base::Bytes raw(64, 0x80);
    base::Bytes der = *crypto::ecdsa_raw_to_der(KeyType::ec_p256, raw);
    CHECK(*crypto::ecdsa_der_to_raw(KeyType::ec_p256, der) == raw);
    base::Bytes trailing = der;
    trailing.push_back(0);
    CHECK(!crypto::ecdsa_der_to_raw(KeyType::ec_p256, trailing));
    CHECK(!crypto::ecdsa_der_to_raw(KeyType::ec_p256, base::Bytes{0x30, 0x06, 0x02, 0x01, 0x81, 0x02, 0x01, 0x01}));
    CHECK(
        !crypto::ecdsa_der_to_raw(KeyType::ec_p256, base::Bytes{0x30, 0x81, 0x06, 0x02, 0x01, 0x01, 0x02, 0x01, 0x01}));
    CHECK(!crypto::ecdsa_der_to_raw(KeyType::ed25519, der));
    CHECK(!crypto::ecdsa_raw_to_der(KeyType::ec_p256, base::Bytes(63)));
}
