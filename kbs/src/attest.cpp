// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <vector>

#include "answer.h"
#include "attestation/formats/tpm_evidence.h"
#include "attestation/verify/tpm.h"
#include "base/encoding.h"
#include "crypto/jose/jwe.h"
#include "endpoints.h"
#include "kbs_protocol/messages.h"
#include "kbs_protocol/runtime_data.h"
#include "session_cookie.h"
#include "tpm_appraisal.h"

namespace kbs {

using base::ErrorCode;
using base::Fail;
using base::Result;
namespace json = base::json;

namespace {

/// A quote, its signature and 24 PCRs take five thousand bytes.
constexpr std::size_t max_body = 256 * 1024;

/// The challenge that the request answers. Errors: session_missing, session_invalid, session_expired, nonce_mismatch.
Result<Challenge> answered_challenge(const Request& request, const kbs_protocol::Attestation& message,
                                     const Services& services) {
    const auto cookie = request.session_cookie();
    if (!cookie) return Fail(ErrorCode::session_missing, "no kbs-session-id cookie");
    TRY_ASSIGN(Challenge challenge, services.sealer.open_challenge(*cookie, request.now));
    if (!base::equal_constant_time(base::as_bytes(challenge.nonce), base::as_bytes(message.nonce)))
        return Fail(ErrorCode::nonce_mismatch);
    return challenge;
}

/// What this version cannot verify is refused, never ignored: it would look verified in the token.
base::Status refuse_unverifiable(const kbs_protocol::Attestation& message) {
    if (!message.additional_evidence.empty())
        return Fail(ErrorCode::evidence_unsupported, "evidence of additional devices");
    if (message.init_data) return Fail(ErrorCode::evidence_unsupported, "init-data");
    return {};
}

/// The first thing that is wrong decides the code; the detail names everything that is, in terms of the node's own
/// evidence. What was expected goes to the log.
base::Error refusal(const attestation::verify::Verdict& verdict, const Request& request, const Services& services) {
    std::optional<ErrorCode> code;
    std::string detail;
    for (const auto& finding : verdict.findings()) {
        if (finding.ok) continue;
        if (!code) code = finding.code;
        services.log.warning("evidence-refused", {{"request", request.id},
                                                  {"check", finding.check},
                                                  {"subject", finding.subject},
                                                  {"wanted", finding.expected},
                                                  {"got", finding.got}});
        fmt::format_to(std::back_inserter(detail), "{}{}: {} is {}", detail.empty() ? "" : "; ", finding.check,
                       finding.subject, finding.got);
    }
    return base::Error(code.value_or(ErrorCode::evidence_refused), base::printable_line(detail, 1000));
}

}  // namespace

Result<net::ServerResponse> answer_attest(const Request& request, const Services& services) {
    if (!services.handshakes.allow(request.peer_address(), request.now)) return Fail(ErrorCode::overloaded);
    if (request.http.body.size() > max_body) return Fail(ErrorCode::input_too_large);
    TRY_ASSIGN(const kbs_protocol::Attestation message, kbs_protocol::parse_attestation(request.http.body.text()));
    TRY_ASSIGN(const Challenge challenge, answered_challenge(request, message, services));
    TRY(crypto::jose::recipient_from_jwk(message.tee_pubkey));

    // Durable before anything of the evidence is believed: one challenge is answered once, whatever comes of it.
    TRY_ASSIGN(const base::Bytes nonce, base::base64_decode(challenge.nonce));
    TRY_ASSIGN(const bool spent, services.store.spend_nonce(nonce, challenge.expires, request.now));
    if (!spent) return Fail(ErrorCode::nonce_replayed);

    TRY(refuse_unverifiable(message));
    if (challenge.tee != "tpm" || !services.accept_tpm) return Fail(ErrorCode::evidence_unsupported, challenge.tee);
    TRY_ASSIGN(json::Value runtime_data,
               kbs_protocol::primary_runtime_data(message.nonce, message.tee_pubkey, message.additional_evidence));
    TRY_ASSIGN(const base::Bytes report_data,
               kbs_protocol::runtime_data_digest(crypto::HashAlgorithm::sha384, runtime_data));
    TRY_ASSIGN(const auto evidence, attestation::formats::parse_tpm_evidence(message.primary_evidence));
    TRY_ASSIGN(const auto outcome, appraise_tpm(evidence, report_data, services.store));
    if (!outcome.verdict.trusted() || !outcome.evidence) return Fail(refusal(outcome.verdict, request, services));

    const AttestedNode node = attested_node(*outcome.evidence, std::move(runtime_data));
    TRY_ASSIGN(const std::string token, services.tokens.issue(node, request.now));
    const base::TimePoint expires = request.now + services.session_lifetime;
    TRY_ASSIGN(const std::string blob, services.sealer.seal(node, expires));
    services.metrics.attestation(node.tee);
    services.log.info("attested", {{"request", request.id}, {"node", node.name()}, {"tee", node.tee}});
    net::ServerResponse response = json_answer(kbs_protocol::serialize_token_response(token));
    set_session_cookie(response, blob, expires, services);
    return response;
}

}  // namespace kbs
