// SPDX-License-Identifier: Apache-2.0
#include "attestation/formats/spki.h"

#include <doctest/doctest.h>

#include "crypto/key.h"

using attestation::formats::p256_spki;
using attestation::formats::rsa_spki;
using crypto::KeyType;
using crypto::PrivateKey;

TEST_CASE("writes RSA keys of several sizes as OpenSSL does") {
    for (const unsigned bits : {2048U, 3072U}) {
        const auto key = PrivateKey::generate(KeyType::rsa, bits)->public_key();
        CHECK(rsa_spki(key.rsa_numbers()->n, 65537) == key.to_spki_der());
    }
}

TEST_CASE("writes P-256 keys as OpenSSL does, also where a TPM left leading zeros out") {
    for (int i = 0; i < 20; ++i) {
        const auto key = PrivateKey::generate(KeyType::ec_p256)->public_key();
        const auto point = key.ec_point();
        CHECK(p256_spki(point->x, point->y) == key.to_spki_der());
    }
    base::Bytes padded(32);
    padded[31] = 5;
    CHECK(p256_spki(base::Bytes{5}, base::Bytes{5}) == p256_spki(padded, padded));
}
