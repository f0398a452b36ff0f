// SPDX-License-Identifier: Apache-2.0
#include "kbs_protocol/runtime_data.h"

#include <doctest/doctest.h>

#include "base/encoding.h"

using base::json::Value;
using crypto::HashAlgorithm;
using namespace kbs_protocol;

namespace {

Value json(std::string_view text) {
    return *base::json::parse(text, {.max_bytes = 1 << 16});
}

std::string sha384_of(const base::Result<Value>& runtime_data) {
    return base::hex_encode(*runtime_data_digest(HashAlgorithm::sha384, *runtime_data));
}

constexpr std::string_view nonce = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

Value worked_key() {
    return json(R"({"kty":"EC","crv":"P-256","alg":"ECDH-ES+A256KW",
        "x":"AhfmF_C2RDkoJ4-WmZ5pojpPLBUr321s32bluAKC1O0","y":"GUp968uXcS0t2jyoWqh2Wlb0X8dYWZZS8ol8ZTBuV5Q"})");
}

}  // namespace

TEST_CASE("Trustee's own vector of a canonical digest holds") {
    // [kbs-protocol §3.3]
    CHECK(sha384_of(json(R"({"a":"test","b":1,"c":{"d":"e"}})")) ==
          "e71ce8e70d814ba6639c3612ebee0ff1f76f650f8dbb5e47157e0f3f525cd22c4597480a186427c813ca941da78870c3");
    CHECK(sha384_of(json(R"({"c":{"d":"e"}, "b":1, "a":"test"})")) ==
          "e71ce8e70d814ba6639c3612ebee0ff1f76f650f8dbb5e47157e0f3f525cd22c4597480a186427c813ca941da78870c3");
}

TEST_CASE("the worked key and nonce give the digests of kbs-protocol section 3.3") {
    CHECK(sha384_of(device_runtime_data(nonce, worked_key())) ==
          "c27d17e0a58cb69772db04bc968edd11e4d4c60761b8bdf0fba6871fed821b356dca79d6f72523bbde35244cb43e4606");
    CHECK(sha384_of(primary_runtime_data(nonce, worked_key(), "")) ==
          "1147b1af549c26b6863daf32fc064834beaa470ddb06fd5c57c44363cb2e86f11c4d80906326c2154d2b96d47de1ac62");
}

TEST_CASE("the digests of coco-guest section 7.4 E hold") {
    const Value key = json(R"({"alg":"ECDH-ES+A256KW","crv":"P-256","kty":"EC","x":"X","y":"Y"})");
    CHECK(sha384_of(primary_runtime_data("N", key, "")) ==
          "ff25231e471f216293f6c58f3da01a666428a776582c59f3afc588e54ce0dd85c217f128823e4f1ab11a06d928e516f2");
    CHECK(sha384_of(device_runtime_data("N", key)) ==
          "f98f5c2193e42a4aa7b09782c4e7c7dd2459fb5a725d319b60cb9a1574b17dc7840a95073576fc605bd3247e33db0777");
}

TEST_CASE("members of the key that Trustee does not know are not hashed") {
    Value key = worked_key();
    key.as_object()->set("kid", "mine");
    key.as_object()->set("use", "enc");
    CHECK(*primary_runtime_data(nonce, key, "") == *primary_runtime_data(nonce, worked_key(), ""));
    const Value rsa = json(R"({"n":"AQ","e":"AQAB","alg":"RSA-OAEP-256","kty":"RSA","use":"enc","x":"X"})");
    CHECK(*base::json::canonicalize(*device_runtime_data("N", rsa)) ==
          R"({"nonce":"N","tee-pubkey":{"alg":"RSA-OAEP-256","e":"AQAB","kty":"RSA","n":"AQ"}})");
}

TEST_CASE("a different nonce, key or device evidence gives a different digest") {
    const std::string base_digest = sha384_of(primary_runtime_data(nonce, worked_key(), ""));
    CHECK(sha384_of(primary_runtime_data("other", worked_key(), "")) != base_digest);
    CHECK(sha384_of(primary_runtime_data(nonce, worked_key(), "{}")) != base_digest);
    Value key = worked_key();
    key.as_object()->set("x", "X");
    CHECK(sha384_of(primary_runtime_data(nonce, key, "")) != base_digest);
}

TEST_CASE("refuses a TEE key that is not an EC or RSA JWK with all its members") {
    for (const std::string_view text :
         {R"({"kty":"EC","crv":"P-256","alg":"A","x":"X"})", R"({"kty":"EC","crv":"P-256","x":"X","y":"Y"})",
          R"({"kty":"EC","crv":256,"alg":"A","x":"X","y":"Y"})", R"({"kty":"RSA","alg":"A","n":"N"})",
          R"({"kty":"OKP","alg":"A","x":"X"})", R"({"alg":"A"})", "[]", "null", R"("key")"}) {
        CAPTURE(text);
        CHECK(device_runtime_data("N", json(text)).error().code() == base::ErrorCode::json_invalid);
        CHECK(!primary_runtime_data("N", json(text), ""));
    }
}
