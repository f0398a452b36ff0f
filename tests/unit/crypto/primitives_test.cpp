// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <set>
#include <string>

#include "base/encoding.h"
#include "crypto/digest.h"
#include "crypto/ecdh.h"
#include "crypto/kdf.h"
#include "crypto/key_wrap.h"
#include "crypto/mac.h"
#include "crypto/random.h"
#include "crypto/rsa.h"

using base::ErrorCode;

namespace {
base::Bytes hex(std::string_view text) {
    return *base::hex_decode(text);
}
}  // namespace

TEST_CASE("digests match FIPS 180-4's example and HMAC the vectors of RFC 4231") {
    CHECK(base::hex_encode(crypto::sha256(base::as_bytes("abc"))) ==
          "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    CHECK(base::hex_encode(crypto::digest(crypto::HashAlgorithm::sha384, base::as_bytes("abc"))) ==
          "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7");
    CHECK(base::hex_encode(crypto::sha512({})).starts_with("cf83e1357eefb8bd"));
    CHECK(
        base::hex_encode(crypto::hmac_sha256(base::as_bytes("Jefe"), base::as_bytes("what do ya want for nothing?"))) ==
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    CHECK(base::hex_encode(crypto::hmac_sha256(
              base::Bytes(131, 0xaa), base::as_bytes("Test Using Larger Than Block-Size Key - Hash Key First"))) ==
          "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
    CHECK(base::hex_encode(crypto::hmac_sha256({}, {})) ==
          "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

TEST_CASE("AES key wrap matches RFC 3394 sections 4.3, 4.5 and 4.6") {
    const base::Bytes kek = hex("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f");
    const std::pair<const char*, const char*> vectors[] = {
        {"00112233445566778899aabbccddeeff", "64e8c3f9ce0f5ba263e9777905818a2a93c8191e7d6e8ae7"},
        {"00112233445566778899aabbccddeeff0001020304050607",
         "a8f9bc1612c68b3ff6e6f4fbe30e71e4769c8b80a32cb8958cd5d17d6b254da1"},
        {"00112233445566778899aabbccddeeff000102030405060708090a0b0c0d0e0f",
         "28c9f404c4b810f4cbccb35cfb87f8263f5786e2d80ed326cbc7f0e71a99f43bfb988b9b7a02dd21"}};
    for (const auto& [key, wrapped] : vectors) {
        CHECK(*crypto::aes256kw_wrap(kek, hex(key)) == hex(wrapped));
        CHECK(base::to_bytes(crypto::aes256kw_unwrap(kek, hex(wrapped))->view()) == hex(key));
    }
}

TEST_CASE("a wrapped key that was changed, cut or wrapped under another key gives the one decryption error") {
    const base::Bytes kek(32, 7);
    base::Bytes wrapped = *crypto::aes256kw_wrap(kek, base::Bytes(32, 9));
    for (std::size_t bit = 0; bit < wrapped.size() * 8; ++bit) {
        wrapped[bit / 8] = static_cast<std::uint8_t>(wrapped[bit / 8] ^ 1U << bit % 8);
        CHECK(crypto::aes256kw_unwrap(kek, wrapped).error().code() == ErrorCode::decryption_failed);
        wrapped[bit / 8] = static_cast<std::uint8_t>(wrapped[bit / 8] ^ 1U << bit % 8);
    }
    for (std::size_t size = 0; size < wrapped.size(); ++size) {
        CHECK(!crypto::aes256kw_unwrap(kek, base::ByteView(wrapped).first(size)));
    }
    CHECK(!crypto::aes256kw_unwrap(base::Bytes(32, 8), wrapped));
    CHECK(crypto::aes256kw_unwrap(base::Bytes(16, 7), wrapped).error().code() == ErrorCode::crypto_input_invalid);
    for (const std::size_t size : {0UL, 8UL, 15UL, 17UL, 4104UL}) CHECK(!crypto::aes256kw_wrap(kek, base::Bytes(size)));
}

TEST_CASE("Concat KDF matches RFC 7518 appendix C and gives more than one block where asked") {
    const base::Bytes z{158, 86, 217, 29,  129, 113, 53,  211, 114, 131, 66,  131, 191, 132, 38,  156,
                        251, 49, 110, 163, 218, 128, 106, 72,  246, 218, 167, 121, 140, 254, 144, 196};
    const auto key = crypto::concat_kdf_sha256(z, "A128GCM", base::as_bytes("Alice"), base::as_bytes("Bob"), 128);
    CHECK(base::base64url_encode(key->view()) == "VqqN6vgjbSBcIijNcacQGg");
    CHECK(crypto::concat_kdf_sha256(z, "A256CBC-HS512", {}, {}, 512)->size() == 64);
    CHECK(!crypto::concat_kdf_sha256(z, "x", {}, {}, 0));
    CHECK(!crypto::concat_kdf_sha256(z, "x", {}, {}, 12));
}

TEST_CASE("ECDH gives both sides the same fixed-width secret and refuses keys of two curves") {
    for (const auto type : {crypto::KeyType::ec_p256, crypto::KeyType::ec_p384, crypto::KeyType::ec_p521}) {
        const auto a = crypto::PrivateKey::generate(type);
        const auto b = crypto::PrivateKey::generate(type);
        const auto left = crypto::ecdh(*a, b->public_key());
        const auto right = crypto::ecdh(*b, a->public_key());
        CHECK(left->size() == crypto::ec_coordinate_size(type));
        CHECK(*left == *right);
    }
    const auto p256 = crypto::PrivateKey::generate(crypto::KeyType::ec_p256);
    const auto p384 = crypto::PrivateKey::generate(crypto::KeyType::ec_p384);
    const auto ed = crypto::PrivateKey::generate(crypto::KeyType::ed25519);
    CHECK(!crypto::ecdh(*p256, p384->public_key()));
    CHECK(!crypto::ecdh(*ed, ed->public_key()));
}

TEST_CASE("RSA-OAEP-256 round trip, wrong key, changed ciphertext, too much plaintext") {
    const auto key = crypto::PrivateKey::generate(crypto::KeyType::rsa);
    const auto other = crypto::PrivateKey::generate(crypto::KeyType::rsa);
    base::Bytes sealed = *crypto::rsa_oaep_sha256_encrypt(key->public_key(), base::as_bytes("secret"));
    CHECK(crypto::rsa_oaep_sha256_decrypt(*key, sealed)->text() == "secret");
    CHECK(crypto::rsa_oaep_sha256_decrypt(*other, sealed).error().code() == ErrorCode::decryption_failed);
    sealed[100] ^= 1;
    CHECK(crypto::rsa_oaep_sha256_decrypt(*key, sealed).error().code() == ErrorCode::decryption_failed);
    CHECK(crypto::rsa_oaep_sha256_decrypt(*key, base::Bytes(3)).error().code() == ErrorCode::decryption_failed);
    CHECK(crypto::rsa_oaep_sha256_encrypt(key->public_key(), base::Bytes(190)));
    CHECK(!crypto::rsa_oaep_sha256_encrypt(key->public_key(), base::Bytes(191)));
}

TEST_CASE("random bytes differ") {
    std::set<std::string> seen;
    for (int i = 0; i < 100; ++i) seen.insert(base::hex_encode(crypto::random_bytes(16)));
    CHECK(seen.size() == 100);
    CHECK(!(crypto::random_secret(32) == crypto::random_secret(32)));
}
