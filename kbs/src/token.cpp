// SPDX-License-Identifier: Apache-2.0
#include "kbs/token.h"

#include "base/encoding.h"
#include "crypto/jose/jwk.h"
#include "crypto/jose/jwt.h"
#include "version.h"

namespace kbs {

using base::ErrorCode;
using base::Fail;
using base::Result;
using base::TimePoint;
namespace json = base::json;

namespace {

constexpr std::string_view profile = "tag:github.com,2024:confidential-containers/Trustee";
constexpr std::chrono::seconds leeway{60};
/// The TEEs whose claims a token of ours can carry.
constexpr std::string_view known_tees[] = {"tpm"};

/// [kbs-protocol §4.1] What the verifier established, in the words of AR4SI: the instance is recognised by its enrolled
/// key (2) and the hardware is genuine as far as that key says (2). Nothing is claimed about what runs there: that is
/// for the release policy, so the other six are 0, "no claim". The status is the worst claim made: affirming.
json::Value trustworthiness_vector() {
    return json::Object{{"instance-identity", 2}, {"configuration", 0},  {"executables", 0},    {"file-system", 0},
                        {"hardware", 2},          {"runtime-opaque", 0}, {"storage-opaque", 0}, {"sourced-data", 0}};
}

}  // namespace

Result<TokenIssuer> TokenIssuer::create(crypto::PrivateKey key, std::vector<crypto::Certificate> chain,
                                        std::string issuer, std::chrono::seconds lifetime) {
    if (key.type() != crypto::KeyType::ec_p256)
        return Fail(ErrorCode::crypto_input_invalid, "the token signing key is not of curve P-256");
    if (chain.empty()) return Fail(ErrorCode::crypto_input_invalid, "the token signing key has no certificate");
    TRY_ASSIGN(const crypto::PublicKey certified, chain.front().public_key());
    if (!(certified == key.public_key()))
        return Fail(ErrorCode::crypto_input_invalid, "the token certificate belongs to another key");
    json::Array x5c;
    for (const crypto::Certificate& certificate : chain)
        x5c.emplace_back(base::base64_encode(certificate.to_der()));  // [RFC7515 §4.1.6] standard base64
    json::Value jwk = crypto::jose::jwk_from_public_key(key.public_key(), "ES256");
    jwk.as_object()->set("x5c", std::move(x5c));
    return TokenIssuer(std::move(key), std::move(jwk), std::move(issuer), lifetime);
}

Result<std::string> TokenIssuer::issue(const AttestedNode& node, TimePoint now) const {
    const json::Object header{{"typ", "JWT"}, {"jwk", header_jwk_}};
    const json::Object submod{{"ear.status", "affirming"},
                              {"ear.trustworthiness-vector", trustworthiness_vector()},
                              {"ear.appraisal-policy-id", "default"},
                              {"ear.veraison.annotated-evidence", node.evidence}};
    const std::int64_t issued = now.time_since_epoch().count();
    const json::Object claims{
        {"eat_profile", profile},
        {"iat", issued},
        {"exp", static_cast<std::int64_t>(issued + lifetime_.count())},
        {"iss", json::Value(issuer_)},
        {"ear.verifier-id", json::Object{{"developer", "ocicrypt-keyprovider"},
                                         {"build", json::Value("ocicrypt-kbs " + std::string(version))}}},
        {"submods", json::Object{{"cpu0", submod}}}};
    return crypto::jose::sign_jwt(header, claims, key_, crypto::SignatureAlgorithm::es256);
}

Result<AttestedNode> TokenIssuer::verify(std::string_view token, TimePoint now) const {
    TRY_ASSIGN(const auto verified,
               crypto::jose::verify_jwt(token, public_key_, crypto::SignatureAlgorithm::es256, now, leeway));
    const auto issuer = verified.claims.string_at("iss");
    const auto token_profile = verified.claims.string_at("eat_profile");
    if (!issuer || *issuer != issuer_ || !token_profile || *token_profile != profile)
        return Fail(ErrorCode::token_invalid, "the token is no attestation result of this issuer");
    const json::Value* evidence = &verified.claims;
    for (const std::string_view member : {"submods", "cpu0", "ear.veraison.annotated-evidence"})
        if (evidence != nullptr) evidence = evidence->find(member);
    for (const std::string_view tee : known_tees)
        if (evidence != nullptr && evidence->find(tee) != nullptr) return AttestedNode{std::string(tee), *evidence};
    return Fail(ErrorCode::token_invalid, "the token carries no claims");
}

}  // namespace kbs
