// SPDX-License-Identifier: Apache-2.0
#include "tpm_appraisal.h"

#include <vector>

#include "crypto/key.h"

namespace kbs {

namespace json = base::json;

base::Result<attestation::verify::Outcome> appraise_tpm(const attestation::formats::TpmEvidence& evidence,
                                                        base::ByteView report_data, Store& store) {
    // Only the one key that the evidence names can matter: there may be thousands.
    std::vector<attestation::verify::TrustedAk> trusted;
    TRY_ASSIGN(const auto enrolled, store.find_ak(evidence.ak_public_spki));
    if (enrolled) trusted.push_back({enrolled->name, enrolled->spki});
    return attestation::verify::verify_tpm(
        evidence, {.expected_report_data = base::to_bytes(report_data), .trusted_aks = trusted});
}

AttestedNode attested_node(const attestation::verify::VerifiedEvidence& evidence, json::Value runtime_data) {
    json::Object claims;
    json::Value report_data;
    json::Value init_data;
    for (const auto& [name, value] : *evidence.claims().as_object()) {
        if (name == "report_data")
            report_data = value;
        else if (name == "init_data")
            init_data = value;
        else
            claims.set(name, value);
    }
    json::Object annotated;
    annotated.set(evidence.tee(), std::move(claims));
    annotated.set("report_data", std::move(report_data));
    annotated.set("init_data", std::move(init_data));
    annotated.set("init_data_claims", nullptr);
    annotated.set("runtime_data_claims", std::move(runtime_data));
    return {.tee = std::string(evidence.tee()), .evidence = std::move(annotated)};
}

}  // namespace kbs
