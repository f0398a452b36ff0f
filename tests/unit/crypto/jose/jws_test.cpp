// SPDX-License-Identifier: Apache-2.0
#include "crypto/jose/jws.h"

#include <doctest/doctest.h>

#include "base/encoding.h"
#include "crypto/jose/jwk.h"

namespace jose = crypto::jose;
namespace json = base::json;
using base::ErrorCode;
using crypto::KeyType;
using crypto::PrivateKey;
using crypto::SignatureAlgorithm;

namespace {
json::Value parse(std::string_view text) {
    return *json::parse(text, {.max_bytes = 65536});
}
std::string part(std::string_view text) {
    return base::base64url_encode(base::as_bytes(text));
}
}  // namespace

TEST_CASE("verifies the ES256 example of RFC 7515 appendix A.3") {
    const auto key = jose::public_key_from_jwk(parse(
        R"({"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"})"));
    const std::string token =
        "eyJhbGciOiJFUzI1NiJ9."
        "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ."
        "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
    const auto verified = jose::verify_compact(token, *key, SignatureAlgorithm::es256);
    REQUIRE(verified);
    CHECK(base::as_text(verified->payload).starts_with("{\"iss\":\"joe\""));
    std::string changed = token;
    changed[60] = changed[60] == 'a' ? 'b' : 'a';
    CHECK(!jose::verify_compact(changed, *key, SignatureAlgorithm::es256));
}

TEST_CASE("signs Ed25519 as RFC 8037 appendix A.4 does, bit for bit") {
    const auto key = jose::private_key_from_jwk(parse(
        R"({"kty":"OKP","crv":"Ed25519","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"})"));
    CHECK(*jose::sign_compact({}, base::as_bytes("Example of Ed25519 signing"), *key, SignatureAlgorithm::eddsa) ==
          "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc."
          "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg");
}

TEST_CASE("the token never chooses how it is verified") {
    const auto key = PrivateKey::generate(KeyType::ec_p256);
    const std::string token = *jose::sign_compact({}, base::as_bytes("x"), *key, SignatureAlgorithm::es256);
    const std::string payload_and_signature = token.substr(token.find('.'));
    const auto verify = [&](const std::string& header) {
        return jose::verify_compact(part(header) + payload_and_signature, key->public_key(), SignatureAlgorithm::es256);
    };
    CHECK(verify(R"({"alg":"ES256"})"));
    for (const char* header : {R"({"alg":"none"})", R"({"alg":"HS256"})", R"({"alg":"ES384"})", R"({})", R"({"alg":7})",
                               R"({"alg":"ES256","crit":["exp"]})", R"({"alg":"ES256","b64":false})",
                               R"({"alg":"none","alg":"ES256"})", "[]", "x"}) {
        CAPTURE(header);
        CHECK(verify(header).error().code() == ErrorCode::crypto_input_invalid);
    }
    CHECK(!jose::verify_compact(part(R"({"alg":"none"})") + "." + part("x") + ".", key->public_key(),
                                SignatureAlgorithm::es256));
    CHECK(!jose::verify_compact(token, PrivateKey::generate(KeyType::rsa)->public_key(), SignatureAlgorithm::rs256));
    CHECK(!jose::sign_compact({{"alg", "none"}}, {}, *key, SignatureAlgorithm::es256));
}

TEST_CASE("refuses texts that are too long, of other than three parts, or not canonical") {
    const auto key = PrivateKey::generate(KeyType::ed25519);
    const std::string token = *jose::sign_compact({}, base::as_bytes("x"), *key, SignatureAlgorithm::eddsa);
    const auto refused = [&](const std::string& text) {
        return !jose::verify_compact(text, key->public_key(), SignatureAlgorithm::eddsa);
    };
    CHECK(!refused(token));
    CHECK(refused(""));
    CHECK(refused("a.b"));
    CHECK(refused(token + ".x"));
    CHECK(refused(token + "="));
    CHECK(refused(" " + token));
    CHECK(refused(token.substr(0, token.size() - 2)));
    CHECK(jose::verify_compact(std::string(300 * 1024, 'A'), key->public_key(), SignatureAlgorithm::eddsa)
              .error()
              .code() == ErrorCode::input_too_large);
}
