// SPDX-License-Identifier: Apache-2.0
#include "authorize.h"

#include <fmt/format.h>

#include "attestation/policy/release_policy.h"
#include "attestation/verify/verdict.h"

namespace kbs {

using base::ErrorCode;
using base::Fail;
using base::Result;
using base::Status;

Result<Administrator> require_administrator(const Request& request, const Services& services) {
    const auto token = request.bearer();
    if (!token) return Fail(ErrorCode::admin_refused, "the request carries no bearer token");
    return services.admins.authenticate(*token, request.now);
}

Result<Administrator> require_admin_role(const Request& request, const Services& services) {
    TRY_ASSIGN(Administrator administrator, require_administrator(request, services));
    if (administrator.role != Role::admin)
        return Fail(base::Error(ErrorCode::admin_refused, fmt::format("{} may create keys, not replace or delete them",
                                                                      role_name(administrator.role)))
                        .with_remedy("use a token of role admin"));
    return administrator;
}

Result<AttestedNode> require_attested_node(const Request& request, const Services& services) {
    const auto cookie = request.session_cookie();
    const auto token = request.bearer();
    if (!cookie && !token) return Fail(ErrorCode::session_missing);
    if (cookie) {
        auto node = services.sealer.open_session(*cookie, request.now);
        // [kbs-protocol §1.4] A cookie that does not serve leaves the token.
        if (node || !token) return node;
    }
    return services.tokens.verify(*token, request.now);
}

Status require_release(const KeyInfo& key, const AttestedNode& node, const Request& request, const Services& services) {
    if (!key.policy) return Fail(ErrorCode::policy_missing, key.id.uri());
    TRY_ASSIGN(const PolicyInfo stored, services.store.load_policy(*key.policy));
    TRY_ASSIGN(const auto policy, attestation::policy::parse_release_policy(stored.text));
    const auto verdict = attestation::policy::appraise(policy, node.policy_input(), services.tokens.issuer());
    if (verdict.trusted()) return {};

    const std::string kid = key.id.uri();
    const std::string node_name = node.name();
    std::string mismatches;
    for (const auto& finding : verdict.findings()) {
        if (finding.ok) continue;
        services.log.warning("condition-failed", {{"request", request.id},
                                                  {"node", node_name},
                                                  {"kid", kid},
                                                  {"policy", *key.policy},
                                                  {"claim", finding.subject},
                                                  {"wanted", finding.expected},
                                                  {"got", finding.got}});
        fmt::format_to(std::back_inserter(mismatches), "; {} is {}", finding.subject, finding.got);
    }
    return Fail(ErrorCode::policy_denied, base::printable_line(kid + mismatches, 1000));
}

AuditEntry audit_entry(const Request& request, std::string_view actor, std::string_view action,
                       std::string_view subject, std::string_view outcome) {
    return {.time = request.now,
            .request_id = request.id,
            .actor = std::string(actor),
            .action = std::string(action),
            .subject = std::string(subject),
            .outcome = std::string(outcome)};
}

}  // namespace kbs
