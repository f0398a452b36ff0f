// SPDX-License-Identifier: Apache-2.0
// The crypto library as a filter, so that other implementations can be its peers: one JSON request on stdin, one JSON
// answer on stdout. Bytes are base64url. A refusal is an answer too: {"error": "<code>"}.
#include <fmt/format.h>

#include <array>
#include <cstdio>
#include <functional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/encoding.h"
#include "base/fd.h"
#include "base/json.h"
#include "crypto/jose/jwe.h"
#include "crypto/jose/jwk.h"
#include "crypto/jose/jws.h"
#include "crypto/x509_issue.h"

namespace {

namespace jose = crypto::jose;
using base::Result;
using base::json::Object;
using base::json::Value;

constexpr std::size_t kMaxRequest = std::size_t{16} << 20;

Result<base::Bytes> bytes_at(const Value& request, std::string_view name) {
    TRY_ASSIGN(const std::string_view text, request.string_at(name));
    return base::base64url_decode(text);
}

Result<crypto::PrivateKey> private_key(const Value& request) {
    TRY_ASSIGN(const Value* jwk, request.value_at("jwk"));
    return jose::private_key_from_jwk(*jwk);
}

Result<crypto::SignatureAlgorithm> algorithm(const Value& request) {
    TRY_ASSIGN(const std::string_view name, request.string_at("alg"));
    return crypto::signature_algorithm_from_jose_name(name);
}

Result<crypto::PrivateKey> generated(const Value& request) {
    using enum crypto::KeyType;
    TRY_ASSIGN(const std::string_view name, request.string_at("type"));
    for (const crypto::KeyType type : {rsa, ec_p256, ec_p384, ec_p521, ed25519}) {
        if (name == crypto::key_type_name(type)) return crypto::PrivateKey::generate(type);
    }
    return base::Fail(base::ErrorCode::usage, "type");
}

Result<Value> generate(const Value& request) {
    TRY_ASSIGN(const crypto::PrivateKey key, generated(request));
    TRY_ASSIGN(const std::string_view alg, request.string_at("alg"));
    return Value(Object{{"private", jose::jwk_from_private_key(key, alg)},
                        {"public", jose::jwk_from_public_key(key.public_key(), alg)}});
}

Result<Value> thumbprint(const Value& request) {
    TRY_ASSIGN(const Value* jwk, request.value_at("jwk"));
    TRY_ASSIGN(const std::string text, jose::thumbprint_sha256(*jwk));
    return Value(Object{{"thumbprint", text}});
}

Result<Value> encrypt(const Value& request) {
    TRY_ASSIGN(const Value* jwk, request.value_at("jwk"));
    TRY_ASSIGN(const crypto::PublicKey recipient, jose::recipient_from_jwk(*jwk));
    TRY_ASSIGN(const base::Bytes plaintext, bytes_at(request, "plaintext"));
    TRY_ASSIGN(const jose::Jwe jwe, jose::encrypt(recipient, plaintext));
    return jose::serialize_jwe(jwe);
}

Result<Value> decrypt(const Value& request) {
    TRY_ASSIGN(const crypto::PrivateKey key, private_key(request));
    TRY_ASSIGN(const Value* json, request.value_at("jwe"));
    TRY_ASSIGN(const jose::Jwe jwe, jose::parse_jwe(*json));
    TRY_ASSIGN(const base::SecretBytes plaintext, jose::decrypt(jwe, key));
    return Value(Object{{"plaintext", base::base64url_encode_secret(plaintext.view())}});
}

Result<Value> sign(const Value& request) {
    TRY_ASSIGN(const crypto::PrivateKey key, private_key(request));
    TRY_ASSIGN(const auto alg, algorithm(request));
    TRY_ASSIGN(const base::Bytes payload, bytes_at(request, "payload"));
    TRY_ASSIGN(const std::string token, jose::sign_compact({}, payload, key, alg));
    return Value(Object{{"token", token}});
}

Result<Value> verify(const Value& request) {
    TRY_ASSIGN(const Value* jwk, request.value_at("jwk"));
    TRY_ASSIGN(const crypto::PublicKey key, jose::public_key_from_jwk(*jwk));
    TRY_ASSIGN(const auto alg, algorithm(request));
    TRY_ASSIGN(const std::string_view token, request.string_at("token"));
    TRY_ASSIGN(const jose::VerifiedJws jws, jose::verify_compact(token, key, alg));
    return Value(Object{{"payload", base::base64url_encode(jws.payload)}});
}

/// A CA and a server certificate as `ocicrypt-kbs init` makes them.
Result<Value> issue(const Value& request) {
    TRY_ASSIGN(const crypto::PrivateKey ca_key, generated(request));
    TRY_ASSIGN(const crypto::PrivateKey key, generated(request));
    TRY_ASSIGN(const base::json::Array* list, request.array_at("names"));
    std::vector<std::string> names;
    for (const Value& name : *list) {
        if (name.as_string() == nullptr) return base::Fail(base::ErrorCode::usage, "names");
        names.emplace_back(std::string_view(*name.as_string()));
    }
    const base::TimePoint now = base::system_now();
    const crypto::Validity validity{now - std::chrono::hours(1), now + std::chrono::days(365)};
    TRY_ASSIGN(const crypto::Certificate ca, crypto::issue_ca("Test CA", ca_key, validity));
    TRY_ASSIGN(const crypto::Certificate certificate,
               crypto::issue_server_certificate(ca, ca_key, key.public_key(), names, validity));
    return Value(
        Object{{"ca", ca.to_pem()}, {"certificate", certificate.to_pem()}, {"private_key", key.to_pem().text()}});
}

Result<Value> answer(std::string_view text) {
    TRY_ASSIGN(const Value request, base::json::parse(text, {.max_bytes = kMaxRequest}));
    TRY_ASSIGN(const std::string_view verb, request.string_at("do"));
    const std::array<std::pair<std::string_view, Result<Value> (*)(const Value&)>, 7> verbs{{{"generate", generate},
                                                                                             {"thumbprint", thumbprint},
                                                                                             {"encrypt", encrypt},
                                                                                             {"decrypt", decrypt},
                                                                                             {"sign", sign},
                                                                                             {"verify", verify},
                                                                                             {"issue", issue}}};
    for (const auto& [name, run] : verbs) {
        if (name == verb) return run(request);
    }
    return base::Fail(base::ErrorCode::usage, "do");
}

}  // namespace

int main() {
    const auto text = base::read_to_end(0, kMaxRequest);
    if (!text) return 1;
    const auto result = answer(text->text());
    const base::WipingString out =
        base::json::serialize(result ? *result : Value(Object{{"error", result.error().name()}}));
    fmt::print("{}\n", std::string_view(out));
    return 0;
}
