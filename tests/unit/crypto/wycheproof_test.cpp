// SPDX-License-Identifier: Apache-2.0
// What others found broken in implementations like ours: tests/vectors/wycheproof.
#include <doctest/doctest.h>

#include <array>
#include <cstdlib>
#include <string>

#include "base/encoding.h"
#include "base/fd.h"
#include "base/json.h"
#include "crypto/aead.h"
#include "crypto/ecdh.h"
#include "crypto/jose/jwe.h"
#include "crypto/jose/jwk.h"
#include "crypto/jose/jws.h"
#include "crypto/key_wrap.h"
#include "crypto/rsa.h"
#include "crypto/signature.h"

using namespace crypto;
using base::ErrorCode;
using base::json::Value;

namespace {

base::Bytes hex_at(const Value& test, std::string_view name) {
    return *base::hex_decode(*test.string_at(name));
}

/// Runs `check(group, test, must)` for every case; `must` is true where the vector says valid. "acceptable" cases are
/// left out: they may go either way. Tells how many of each there were, so that a file that lost its cases is noticed.
struct Counts {
    int valid = 0;
    int invalid = 0;
};
template <typename Check>
Counts for_each(const char* name, Check check) {
    const char* vectors = std::getenv("TEST_VECTORS");
    REQUIRE_MESSAGE(vectors != nullptr, "TEST_VECTORS names the folder tests/vectors");
    const auto text = base::load_text_file(std::string(vectors) + "/wycheproof/" + name + ".json", 1 << 20);
    REQUIRE(text.has_value());
    const auto groups = base::json::parse(*text, {.max_bytes = 1 << 20});
    REQUIRE(groups.has_value());
    Counts counts;
    for (const Value& group : *groups->as_array()) {
        for (const Value& test : **group.array_at("tests")) {
            const std::string_view result = *test.string_at("result");
            if (result == "acceptable") continue;
            const bool valid = result == "valid";
            ++(valid ? counts.valid : counts.invalid);
            CAPTURE(name);
            CAPTURE(*test.int_at("tcId"));
            CAPTURE(std::string(*test.string_at("comment")));
            check(group, test, valid);
        }
    }
    return counts;
}

}  // namespace

TEST_CASE("AES-256-GCM passes Wycheproof, and nonces of other than 12 bytes are refused") {
    const Counts counts = for_each("aes_256_gcm", [](const Value&, const Value& test, bool valid) {
        const base::Bytes key = hex_at(test, "key");
        const base::Bytes iv = hex_at(test, "iv");
        const base::Bytes aad = hex_at(test, "aad");
        const base::Bytes plaintext = hex_at(test, "msg");
        base::Bytes sealed = hex_at(test, "ct");
        const base::Bytes tag = hex_at(test, "tag");
        sealed.insert(sealed.end(), tag.begin(), tag.end());
        const auto opened = aes256gcm_open(key, iv, aad, sealed);
        if (iv.size() != gcm_nonce_size) {
            CHECK(opened.error().code() == ErrorCode::crypto_input_invalid);
        } else if (valid) {
            REQUIRE(opened.has_value());
            CHECK(base::to_bytes(opened->view()) == plaintext);
            CHECK(*aes256gcm_seal(key, iv, aad, plaintext) == sealed);
        } else {
            CHECK(opened.error().code() == ErrorCode::decryption_failed);
        }
    });
    CHECK(counts.valid == 76);
    CHECK(counts.invalid == 29);
}

TEST_CASE("AES-256 key wrap passes Wycheproof") {
    const Counts counts = for_each("aes_256_wrap", [](const Value&, const Value& test, bool valid) {
        const base::Bytes kek = hex_at(test, "key");
        const auto unwrapped = aes256kw_unwrap(kek, hex_at(test, "ct"));
        if (valid) {
            REQUIRE(unwrapped.has_value());
            CHECK(base::to_bytes(unwrapped->view()) == hex_at(test, "msg"));
            CHECK(*aes256kw_wrap(kek, hex_at(test, "msg")) == hex_at(test, "ct"));
        } else {
            CHECK(unwrapped.error().code() == ErrorCode::decryption_failed);
        }
    });
    CHECK(counts.valid == 13);
    CHECK(counts.invalid == 54);
}

TEST_CASE("ECDH with keys as JWK passes Wycheproof: invalid points, other curves, wrong widths") {
    for (const char* name : {"ecdh_p256", "ecdh_p384", "ecdh_p521"}) {
        const Counts counts = for_each(name, [](const Value&, const Value& test, bool valid) {
            const auto own = jose::private_key_from_jwk(**test.value_at("private"));
            const auto peer = jose::public_key_from_jwk(**test.value_at("public"));
            if (valid) {
                REQUIRE(own.has_value());
                REQUIRE(peer.has_value());
                CHECK(base::to_bytes(ecdh(*own, *peer)->view()) == hex_at(test, "shared"));
            } else {
                CHECK_FALSE((own.has_value() && peer.has_value() && ecdh(*own, *peer).has_value()));
            }
        });
        CHECK(counts.valid > 30);
        CHECK(counts.invalid > 20);
    }
}

TEST_CASE("signatures pass Wycheproof") {
    for (const char* name : {"es256", "es384", "es512", "eddsa", "ps256", "rs256"}) {
        const Counts counts = for_each(name, [](const Value& group, const Value& test, bool valid) {
            const auto key = jose::public_key_from_jwk(**group.value_at("jwk"));
            REQUIRE(key.has_value());
            const auto algorithm = signature_algorithm_from_jose_name(*group.string_at("alg"));
            const auto status = verify(*key, *algorithm, hex_at(test, "msg"), hex_at(test, "sig"));
            CHECK(status.has_value() == valid);
            if (!valid) CHECK(status.error().code() == ErrorCode::signature_invalid);
        });
        CHECK(counts.valid >= 6);
        CHECK(counts.invalid >= 40);
    }
}

TEST_CASE("RSA-OAEP with SHA-256 passes Wycheproof; a label is never ours") {
    const Counts counts = for_each("rsa_oaep_256", [](const Value& group, const Value& test, bool valid) {
        const auto key = jose::private_key_from_jwk(**group.value_at("jwk"));
        REQUIRE(key.has_value());
        const auto opened = rsa_oaep_sha256_decrypt(*key, hex_at(test, "ct"));
        if (valid && test.string_at("label")->empty()) {
            REQUIRE(opened.has_value());
            CHECK(base::to_bytes(opened->view()) == hex_at(test, "msg"));
        } else {
            REQUIRE_FALSE(opened.has_value());
            CHECK(opened.error().code() == ErrorCode::decryption_failed);
        }
    });
    CHECK(counts.valid == 18);
    CHECK(counts.invalid == 19);
}

TEST_CASE("JWS passes Wycheproof, the examples of RFC 7520 section 4 among them") {
    const Counts counts = for_each("json_web_signature", [](const Value& group, const Value& test, bool valid) {
        const auto key = jose::public_key_from_jwk(**group.value_at("jwk"));
        REQUIRE(key.has_value());
        const auto algorithm = signature_algorithm_from_jose_name(*group.string_at("alg"));
        const auto verified = jose::verify_compact(*test.string_at("jws"), *key, *algorithm);
        CHECK(verified.has_value() == valid);
    });
    CHECK(counts.valid > 30);
    CHECK(counts.invalid > 300);
}

TEST_CASE("JWE passes Wycheproof: ours opens, everything else is refused, RSA1_5 and RSA-OAEP with SHA-1 included") {
    int opened = 0;
    const Counts counts = for_each("json_web_encryption", [&](const Value& group, const Value& test, bool valid) {
        // The compact form as the flattened one.
        base::json::Object flattened;
        std::string_view rest = *test.string_at("jwe");
        for (const char* part : {"protected", "encrypted_key", "iv", "ciphertext", "tag"}) {
            const std::size_t dot = rest.find('.');
            flattened.set(part, rest.substr(0, dot));
            rest = dot == std::string_view::npos ? std::string_view() : rest.substr(dot + 1);
        }
        const Value& jwk = **group.value_at("jwk");
        const auto key = jose::private_key_from_jwk(jwk);
        REQUIRE(key.has_value());
        const auto jwe = jose::parse_jwe(flattened);
        const auto plaintext = jwe ? jose::decrypt(*jwe, *key) : base::Fail(ErrorCode::crypto_input_invalid);
        const bool ours = *jwk.string_at("alg") == *jose::key_management_algorithm(key->type()) &&
                          *test.string_at("enc") == "A256GCM";
        CHECK(plaintext.has_value() == (valid && ours));
        if (plaintext) {
            ++opened;
            CHECK(base::to_bytes(plaintext->view()) == hex_at(test, "pt"));
        }
    });
    CHECK(opened > 0);
    CHECK(counts.invalid > 30);
}
