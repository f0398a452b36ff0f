// SPDX-License-Identifier: Apache-2.0
#include "kbs/token.h"

#include "broker_fixture.h"
#include "crypto/x509.h"

using namespace kbs;
using base::ErrorCode;
namespace json = base::json;

namespace {

struct Issuer {
    crypto::PrivateKey key = *crypto::PrivateKey::generate(crypto::KeyType::ec_p256);
    crypto::Certificate certificate = TestBroker::certificate(key);
    TokenIssuer issuer = *TokenIssuer::create(key, {certificate}, "ocicrypt-kbs", std::chrono::seconds(300));
    AttestedNode node{.tee = "tpm",
                      .evidence = json::Object{{"tpm", json::Object{{"ak_name", "node-1"}}},
                                               {"report_data", "ab"},
                                               {"init_data", "cd"},
                                               {"init_data_claims", nullptr},
                                               {"runtime_data_claims", json::Object{{"nonce", "n"}}}}};
    [[nodiscard]] std::string token() const { return *issuer.issue(node, noon); }
};

void refused(const base::Result<AttestedNode>& result) {
    REQUIRE_FALSE(result);
    CHECK(result.error().code() == ErrorCode::token_invalid);
}

}  // namespace

TEST_CASE("a token is an EAR as Trustee issues it") {
    const Issuer test;
    const auto parsed = crypto::jose::parse_unverified_jwt(test.token());
    REQUIRE(parsed);
    CHECK(*parsed->header.string_at("typ") == "JWT");
    CHECK(*parsed->header.string_at("alg") == "ES256");
    CHECK(parsed->header.find("kid") == nullptr);
    const json::Value* jwk = parsed->header.find("jwk");
    REQUIRE(jwk != nullptr);
    CHECK(*crypto::jose::public_key_from_jwk(*jwk) == test.key.public_key());
    CHECK(*jwk->string_at("alg") == "ES256");
    CHECK(jwk->find("x5c")->as_array()->front() == json::Value(base::base64_encode(test.certificate.to_der())));

    const json::Value& claims = parsed->claims;
    CHECK(*claims.string_at("eat_profile") == "tag:github.com,2024:confidential-containers/Trustee");
    CHECK(*claims.string_at("iss") == "ocicrypt-kbs");
    CHECK(*claims.int_at("iat") == noon.time_since_epoch().count());
    CHECK(*claims.int_at("exp") == noon.time_since_epoch().count() + 300);
    const json::Value* submod = claims.find("submods")->find("cpu0");
    REQUIRE(submod != nullptr);
    CHECK(*submod->string_at("ear.status") == "affirming");
    CHECK(*submod->string_at("ear.appraisal-policy-id") == "default");
    CHECK(submod->find("ear.trustworthiness-vector")->as_object()->size() == 8);
    CHECK(*submod->find("ear.veraison.annotated-evidence") == test.node.evidence);
}

TEST_CASE("a token of ours is accepted until a minute after its end") {
    const Issuer test;
    const auto node = test.issuer.verify(test.token(), noon + std::chrono::seconds(359));
    REQUIRE(node);
    CHECK(node->tee == "tpm");
    CHECK(node->evidence == test.node.evidence);
    refused(test.issuer.verify(test.token(), noon + std::chrono::seconds(361)));
}

TEST_CASE("a token is refused") {
    const Issuer test;
    const Issuer other;
    const auto sign = [&](const json::Object& claims, const crypto::PrivateKey& key) {
        return *crypto::jose::sign_jwt({}, claims, key, crypto::default_signature_algorithm(key.type()));
    };
    const json::Value good = crypto::jose::parse_unverified_jwt(test.token())->claims;
    const auto changed = [&](std::string_view member, json::Value value) {
        json::Object claims = *good.as_object();
        claims.set(member, std::move(value));
        return sign(claims, test.key);
    };
    SUBCASE("of another key, which its header vouches for") {
        refused(test.issuer.verify(other.token(), noon));
    }
    SUBCASE("of another issuer") {
        refused(test.issuer.verify(changed("iss", "elsewhere"), noon));
    }
    SUBCASE("of another profile") {
        refused(test.issuer.verify(changed("eat_profile", "x"), noon));
    }
    SUBCASE("without claims") {
        refused(test.issuer.verify(changed("submods", json::Object{}), noon));
    }
    SUBCASE("whose end is no number") {
        refused(test.issuer.verify(changed("exp", "later"), noon));
    }
    SUBCASE("of algorithm none") {
        const std::string token = test.token();
        refused(test.issuer.verify(base::base64url_encode(base::as_bytes(R"({"alg":"none"})")) +
                                       token.substr(token.find('.'), token.rfind('.') - token.find('.') + 1),
                                   noon));
    }
    SUBCASE("with a changed claim") {
        std::string token = test.token();
        token[token.find('.') + 40] ^= 1;
        refused(test.issuer.verify(token, noon));
    }
    SUBCASE("that is none") {
        refused(test.issuer.verify("", noon));
    }
}

TEST_CASE("tokens are signed with a P-256 key that the certificate belongs to") {
    const Issuer test;
    const Issuer other;
    const auto create = [](const crypto::PrivateKey& key, std::vector<crypto::Certificate> chain) {
        return TokenIssuer::create(key, std::move(chain), "i", std::chrono::seconds(1));
    };
    CHECK(create(test.key, {test.certificate}));
    CHECK_FALSE(create(test.key, {other.certificate}));
    CHECK_FALSE(create(test.key, {}));
    CHECK_FALSE(create(*crypto::PrivateKey::generate(crypto::KeyType::ed25519), {test.certificate}));
}
