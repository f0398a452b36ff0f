// SPDX-License-Identifier: Apache-2.0
#include "crypto/jose/jwe.h"

#include <doctest/doctest.h>

#include "base/encoding.h"
#include "crypto/aead.h"
#include "crypto/ecdh.h"
#include "crypto/jose/jwk.h"
#include "crypto/kdf.h"
#include "crypto/key_wrap.h"

namespace jose = crypto::jose;
namespace json = base::json;
using base::ErrorCode;
using crypto::KeyType;
using crypto::PrivateKey;

namespace {

json::Value parse(std::string_view text) {
    return *json::parse(text, {.max_bytes = 65536});
}

/// The private key whose scalar is 32 times `byte`; x and y are published with the vector.
PrivateKey scalar_key(std::uint8_t byte, std::string_view x, std::string_view y) {
    return *jose::private_key_from_jwk(json::Object{
        {"kty", "EC"}, {"crv", "P-256"}, {"x", x}, {"y", y}, {"d", base::base64url_encode(base::Bytes(32, byte))}});
}

const PrivateKey& tee_key() {
    static const PrivateKey key =
        scalar_key(0x11, "AhfmF_C2RDkoJ4-WmZ5pojpPLBUr321s32bluAKC1O0", "GUp968uXcS0t2jyoWqh2Wlb0X8dYWZZS8ol8ZTBuV5Q");
    return key;
}

// kbs-protocol §2.5
constexpr const char* kVector =
    R"({"protected":"eyJhbGciOiJFQ0RILUVTK0EyNTZLVyIsImVuYyI6IkEyNTZHQ00iLCJlcGsiOnsiY3J2IjoiUC0yNTYiLCJrdHkiOiJFQyIsIngiOiIxbHFUbDN5cVBSc0lHRkxfVjZlZVJsOFdZRmR6QkxycTFRWGRPa2hZblBNIiwieSI6IlVCaGVpVk55MzJJaDZqb1RkVmZrY18zYloxWHdXOVVIdzhVel9PbkpFb1UifX0","encrypted_key":"Tv226vhM20rpXNoICDhHf0YT2lYcLlnHvVvuv_Fmpi_nXNRYDlyw1A","iv":"RERERERERERERERE","ciphertext":"WPSo_qUm-xnV8dD3kw","tag":"3Onb0DB6ArFzttt9RGWnQg"})";

}  // namespace

TEST_CASE("encrypting with the randomness of the KBS vector gives its very bytes") {
    jose::JweEntropy entropy{
        base::SecretBytes::copy_of(base::Bytes(32, 0x33)), base::Bytes(12, 0x44),
        scalar_key(0x22, "1lqTl3yqPRsIGFL_V6eeRl8WYFdzBLrq1QXdOkhYnPM", "UBheiVNy32Ih6joTdVfkc_3bZ1XwW9UHw8Uz_OnJEoU")};
    const auto jwe =
        jose::insecure_encrypt_with_entropy(tee_key().public_key(), base::as_bytes("hello trustee"), entropy);
    REQUIRE(jwe);
    CHECK(json::serialize_public(jose::serialize_jwe(*jwe)) == kVector);
}

TEST_CASE("decrypts the KBS vector and the one made by the guest specification's authors") {
    CHECK(jose::decrypt(*jose::parse_jwe(parse(kVector)), tee_key())->text() == "hello trustee");
    const auto key = jose::private_key_from_jwk(parse(
        R"({"kty":"EC","crv":"P-256","d":"G1pKfsRrKqqJum6l_qL4nz2vgZabMSDH4ZIv__wu1Mk","x":"vZCgnlfFSker03nVFHjxXbBRxYefZeosH4DCKmKQqDU","y":"jYah0HdrGEx2nzHeJ4EXLfdh117pCbbWGycbh2zc040"})"));
    REQUIRE(key);
    const auto jwe = jose::parse_jwe(parse(
        R"({"protected":"eyJhbGciOiJFQ0RILUVTK0EyNTZLVyIsImVuYyI6IkEyNTZHQ00iLCJlcGsiOnsiY3J2IjoiUC0yNTYiLCJrdHkiOiJFQyIsIngiOiI1bzFkVXhWUWU0cXJTOGlEeFUyQ3ZsdDYzZmlCbm5rcDhWdE5faFZFRi1JIiwieSI6IjA0RDhzR0JLUk5JYnF4UHYyZnh1Uy1tSXB4RVFsOGwxZFBLMmhqcDFTZ00ifX0","encrypted_key":"fdx6EOghHSHLKHYvkU-eDbKc2YRB7lmRiVegcjnANm-Q84T5CoIPkQ","iv":"AAECAwQFBgcICQoL","ciphertext":"t55fd8oYTpOgAQHUBgnowYawUOCI5QHV1pRDBRNDm1Q","tag":"53SP4nL0e-tUCVHM4M5jbw"})"));
    CHECK(jose::decrypt(*jwe, *key)->text() == "0123456789abcdef0123456789abcdef");
    // The steps between, as published with it (coco-guest §7.4 F).
    const auto ephemeral = jose::public_key_from_jwk(parse(
        R"({"kty":"EC","crv":"P-256","x":"5o1dUxVQe4qrS8iDxU2Cvlt63fiBnnkp8VtN_hVEF-I","y":"04D8sGBKRNIbqxPv2fxuS-mIpxEQl8l1dPK2hjp1SgM"})"));
    REQUIRE(ephemeral);
    const auto shared = crypto::ecdh(*key, *ephemeral);
    CHECK(base::hex_encode(shared->view()) == "f960c15086120ba7003a0a7d39b1c0e261604061dc2231e33118f6cbe1d72aed");
    const auto kek = crypto::concat_kdf_sha256(shared->view(), "ECDH-ES+A256KW", {}, {}, 256);
    CHECK(base::hex_encode(kek->view()) == "90873bb09c940820b5ae09306ab92261a0f3f0a39ba6a2d57310d322525bd6bb");
    CHECK(base::hex_encode(crypto::aes256kw_unwrap(kek->view(), jwe->encrypted_key)->view()) ==
          "f9c68345d6aa8b72564e6b0e8f521353ee6d6b740ff040d44ba31202cfdf736d");
}

TEST_CASE("the content of RFC 7516 appendix A.1 opens under its content key, the header being authenticated") {
    const auto key = *base::hex_decode("b1a1f480548fe1733fb403ff6b9ad4f68a076e5b702e22692f82cb2e7aea40fc");
    const auto iv = *base::base64url_decode("48V1_ALb6US04U3b");
    const std::string_view header = "eyJhbGciOiJSU0EtT0FFUCIsImVuYyI6IkEyNTZHQ00ifQ";
    base::Bytes sealed =
        *base::base64url_decode("5eym8TW_c8SuK0ltJ3rpYIzOeDQz7TALvtu6UG9oMo4vpzs9tX_EFShS8iB7j6jiSdiwkIr3ajwQzaBtQD_A");
    const auto tag = *base::base64url_decode("XFBoMYUZodetZdvTiFvSkQ");
    sealed.insert(sealed.end(), tag.begin(), tag.end());
    CHECK(crypto::aes256gcm_open(key, iv, base::as_bytes(header), sealed)->text() ==
          "The true sign of intelligence is not knowledge but imagination.");
}

TEST_CASE("every kind of recipient key opens what was encrypted to it, and no other key does") {
    for (const KeyType type : {KeyType::ec_p256, KeyType::ec_p384, KeyType::ec_p521, KeyType::rsa}) {
        CAPTURE(crypto::key_type_name(type));
        const auto key = PrivateKey::generate(type);
        const auto jwe = jose::encrypt(key->public_key(), base::as_bytes("secret"));
        REQUIRE(jwe);
        CHECK(jose::decrypt(*jwe, *key)->text() == "secret");
        CHECK(jose::decrypt(*jwe, *PrivateKey::generate(type)).error().code() == ErrorCode::decryption_failed);
    }
    CHECK(!jose::encrypt(PrivateKey::generate(KeyType::ed25519)->public_key(), {}));
}

TEST_CASE("a change of any part gives the one decryption error") {
    const auto key = PrivateKey::generate(KeyType::ec_p256);
    const auto jwe = jose::encrypt(key->public_key(), base::as_bytes("secret"));
    for (base::Bytes jose::Jwe::* part :
         {&jose::Jwe::encrypted_key, &jose::Jwe::iv, &jose::Jwe::ciphertext, &jose::Jwe::tag}) {
        jose::Jwe changed = *jwe;
        (changed.*part)[0] ^= 1;
        const auto opened = jose::decrypt(changed, *key);
        REQUIRE(!opened);
        CHECK(opened.error().code() == ErrorCode::decryption_failed);
        CHECK(opened.error().detail().empty());
    }
    jose::Jwe with_aad = *jwe;
    with_aad.aad = "eA";
    CHECK(jose::decrypt(with_aad, *key).error().code() == ErrorCode::decryption_failed);
}

TEST_CASE("refuses headers that ask for other algorithms, compression or extensions") {
    const auto key = PrivateKey::generate(KeyType::ec_p256);
    const auto good = jose::encrypt(key->public_key(), {});
    const std::string header = base::to_string(*base::base64url_decode(good->protected_header));
    const auto with_header = [&](std::string text) {
        jose::Jwe jwe = *good;
        jwe.protected_header = base::base64url_encode(base::as_bytes(text));
        return jose::decrypt(jwe, *key).error().code();
    };
    const auto replaced = [&](std::string_view from, std::string_view to) {
        std::string text = header;
        return text.replace(text.find(from), from.size(), to);
    };
    CHECK(with_header(replaced("ECDH-ES+A256KW", "ECDH-ES")) == ErrorCode::crypto_input_invalid);
    CHECK(with_header(replaced("ECDH-ES+A256KW", "dir")) == ErrorCode::crypto_input_invalid);
    CHECK(with_header(replaced("A256GCM", "A128GCM")) == ErrorCode::crypto_input_invalid);
    CHECK(with_header(replaced("\"alg\"", "\"zip\":\"DEF\",\"alg\"")) == ErrorCode::crypto_input_invalid);
    CHECK(with_header(replaced("\"alg\"", "\"crit\":[\"x\"],\"alg\"")) == ErrorCode::crypto_input_invalid);
    CHECK(with_header(replaced("\"alg\"", "\"alg\":\"none\",\"alg\"")) == ErrorCode::crypto_input_invalid);
    CHECK(with_header(replaced("P-256", "P-384")) == ErrorCode::crypto_input_invalid);
    CHECK(with_header("[]") == ErrorCode::crypto_input_invalid);
    CHECK(with_header(std::string(20'000, ' ')) == ErrorCode::crypto_input_invalid);
}

TEST_CASE("refuses unprotected headers, several recipients and parts of another length") {
    const auto broken = [](std::string_view name, json::Value value) {
        json::Value jwe = parse(kVector);
        jwe.as_object()->set(name, std::move(value));
        return !jose::parse_jwe(jwe);
    };
    CHECK(broken("header", json::Object()));
    CHECK(broken("unprotected", json::Object()));
    CHECK(broken("recipients", json::Array()));
    CHECK(broken("iv", "AAAA"));
    CHECK(broken("tag", "AAAA"));
    CHECK(broken("ciphertext", "not base64url!"));
    CHECK(broken("encrypted_key", 7));
    CHECK(!broken("unknown", 7));
    CHECK(!jose::parse_jwe(json::Array()));
}

TEST_CASE("a recipient's JWK must name the algorithm that its key is for") {
    const auto rsa = PrivateKey::generate(KeyType::rsa)->public_key();
    const auto ec = tee_key().public_key();
    CHECK(jose::recipient_from_jwk(jose::jwk_from_public_key(ec, "ECDH-ES+A256KW")));
    CHECK(jose::recipient_from_jwk(jose::jwk_from_public_key(rsa, "RSA-OAEP-256")));
    CHECK(!jose::recipient_from_jwk(jose::jwk_from_public_key(rsa, "RSA1_5")));
    CHECK(!jose::recipient_from_jwk(jose::jwk_from_public_key(rsa, "RSA-OAEP")));
    CHECK(!jose::recipient_from_jwk(jose::jwk_from_public_key(ec, "RSA-OAEP-256")));
    CHECK(!jose::recipient_from_jwk(jose::jwk_from_public_key(ec)));
}
