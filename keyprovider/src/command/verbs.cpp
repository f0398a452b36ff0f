// SPDX-License-Identifier: Apache-2.0
#include "verbs.h"

#include <chrono>
#include <ctime>

#include "attestation/collect/tpm.h"
#include "base/encoding.h"
#include "base/json.h"
#include "crypto/key.h"
#include "kbs_broker.h"
#include "keyprovider/failure.h"

namespace keyprovider {

namespace {

namespace json = base::json;

std::string utc_text(base::TimePoint time) {
    const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
    std::tm parts{};
    gmtime_r(&seconds, &parts);
    char text[32];
    return {text, std::strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &parts)};
}

// The broker's word on each part of the machine: "cpu0 affirming" [draft-ietf-rats-ear §3.2].
std::string verdict_text(const json::Value& claims) {
    std::string text;
    const json::Value* parts = claims.find("submods");
    if (parts != nullptr && parts->as_object() != nullptr) {
        for (const auto& [name, part] : *parts->as_object()) {
            const auto status = part.string_at("ear.status");
            text.append(text.empty() ? "" : ", ").append(name).append(" ");
            text.append(status ? *status : "without a status");
        }
    }
    return text.empty() ? "accepted" : base::printable_line(text);
}

}  // namespace

base::Result<std::string> attest(const Config& config, bool as_json) {
    TRY_ASSIGN(const auto client, open_client(config));
    const std::string request_id = new_request_id();
    TRY_ASSIGN(const auto session, client->attest(request_id));
    const json::Value& claims = session->unverified_claims;
    if (as_json)
        return json::serialize_pretty(json::Object{{"broker", config.kbs.url},
                                                   {"evidence", session->tee},
                                                   {"verdict", verdict_text(claims)},
                                                   {"session_expires", utc_text(session->expires)},
                                                   {"request_id", request_id},
                                                   {"claims", claims}}) +
               "\n";
    return "broker           " + config.kbs.url + "\nevidence         " + session->tee + "\nverdict          " +
           verdict_text(claims) + "\nsession expires  " + utc_text(session->expires) + "\nrequest          " +
           request_id + "\nclaims           " + json::serialize_pretty(claims) + "\n";
}

base::Result<std::string> show_attestation_key(const Config& config, bool pem) {
    TRY_ASSIGN(const base::Bytes spki, attestation::collect::tpm_ak_public(tpm_options(config.attester)));
    TRY_ASSIGN(const auto key, crypto::PublicKey::from_spki_der(spki));
    if (pem) return key.to_pem();
    return std::string(crypto::key_type_name(key.type())) + " key, SHA-256 of its SubjectPublicKeyInfo " +
           base::hex_encode(key.spki_sha256()) + "\n";
}

}  // namespace keyprovider
