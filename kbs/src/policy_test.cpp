// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <fmt/ostream.h>

#include <algorithm>
#include <array>
#include <ostream>

#include "attestation/formats/tpm.h"
#include "attestation/formats/tpm_evidence.h"
#include "attestation/policy/release_policy.h"
#include "attestation/verify/tpm.h"
#include "base/encoding.h"
#include "base/fd.h"
#include "commands.h"
#include "crypto/digest.h"
#include "tpm_appraisal.h"

namespace kbs {

using attestation::verify::Finding;
using base::Fail;
using base::Result;
namespace json = base::json;

namespace {

constexpr std::size_t max_evidence_bytes = 256 * 1024;

/// Evidence in a file answers no challenge of ours, so whatever it is bound to is taken for the expected value; and the
/// conditions are worth seeing before the node is enrolled. Both are said in the findings.
Result<attestation::verify::Outcome> appraise_unchallenged(const attestation::formats::TpmEvidence& evidence,
                                                           const std::optional<EnrolledAk>& enrolled) {
    const auto quote = attestation::formats::parse_tpms_attest(evidence.quote_message);
    base::Bytes binding(48, 0);
    if (quote && quote->extra_data.size() == 32) std::ranges::copy(quote->extra_data, binding.begin());
    const std::array trusted = {
        attestation::verify::TrustedAk{enrolled ? enrolled->name : "(not enrolled)", evidence.ak_public_spki}};
    auto outcome =
        attestation::verify::verify_tpm(evidence, {.expected_report_data = std::move(binding), .trusted_aks = trusted});
    std::vector<Finding> findings = outcome.verdict.findings();
    for (Finding& finding : findings) {
        if (finding.code == base::ErrorCode::evidence_stale && finding.ok)
            finding.expected = "not checked here: evidence in a file answers no challenge";
        if (finding.code == base::ErrorCode::ak_not_enrolled && !enrolled) {
            finding.ok = false;
            finding.got =
                fmt::format("SHA-256 {}, not enrolled", base::hex_encode(crypto::sha256(evidence.ak_public_spki)));
        }
    }
    outcome.verdict = attestation::verify::Verdict::all_of(std::move(findings));
    return outcome;
}

std::string_view mark(const Finding& finding) {
    return finding.ok ? "ok    " : "FAILED";
}

json::Value finding_json(const Finding& finding) {
    return json::Object{{"check", json::Value(finding.check)},
                        {"subject", json::Value(finding.subject)},
                        {"wanted", json::Value(finding.expected)},
                        {"got", json::Value(finding.got)},
                        {"ok", finding.ok}};
}

void print(CommandContext& context, bool released, const std::vector<Finding>& findings) {
    if (context.json) {
        json::Array array;
        for (const Finding& finding : findings) array.push_back(finding_json(finding));
        fmt::print(context.out, "{}\n",
                   json::serialize_pretty(json::Object{{"released", released}, {"findings", std::move(array)}}));
        return;
    }
    for (const Finding& finding : findings)
        fmt::print(context.out, "{}  {:<9}  {}\n        wanted  {}\n        got     {}\n", mark(finding), finding.check,
                   finding.subject, finding.expected, finding.got);
    fmt::print(context.out, "{}\n",
               released ? "a key of this policy would be released" : "a key of this policy would NOT be released");
}

}  // namespace

Result<bool> policy_test(CommandContext& context, const std::string& name, const std::string& evidence_file) {
    TRY_ASSIGN(const PolicyInfo stored, context.store->load_policy(name));
    TRY_ASSIGN(const auto policy, attestation::policy::parse_release_policy(stored.text));
    TRY_ASSIGN(const std::string text, base::load_text_file(evidence_file, max_evidence_bytes));
    const auto parsed = json::parse(text, {.max_bytes = max_evidence_bytes});
    if (!parsed) return Fail(parsed.error().within(evidence_file));
    TRY_ASSIGN(const auto evidence, attestation::formats::parse_tpm_evidence(*parsed));
    TRY_ASSIGN(const auto enrolled, context.store->find_ak(evidence.ak_public_spki));
    TRY_ASSIGN(const auto outcome, appraise_unchallenged(evidence, enrolled));

    std::vector<Finding> findings = outcome.verdict.findings();
    bool released = false;
    if (outcome.evidence) {
        const AttestedNode node = attested_node(*outcome.evidence, {});
        const auto verdict = attestation::policy::appraise(policy, node.policy_input(), context.config.token.issuer);
        findings.insert(findings.end(), verdict.findings().begin(), verdict.findings().end());
        released = outcome.verdict.trusted() && verdict.trusted();
    }
    print(context, released, findings);
    return released;
}

}  // namespace kbs
