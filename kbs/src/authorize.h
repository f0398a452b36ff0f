// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.h"
#include "kbs/broker.h"
#include "request.h"

namespace kbs {

/// The bearer of an administrator's token, of either role. Errors: admin_refused.
base::Result<Administrator> require_administrator(const Request& request, const Services& services);
/// The same, role admin only.
base::Result<Administrator> require_admin_role(const Request& request, const Services& services);

/// The node that a session cookie or, failing that, a bearer token vouches for (kbs-protocol §1.4).
/// Errors: session_missing, session_expired, session_invalid, token_invalid.
base::Result<AttestedNode> require_attested_node(const Request& request, const Services& services);

/// Whether this node may have this key: its policy must exist and hold. What was wanted goes to the log; the node
/// learns only which of its own claims did not match. Errors: policy_missing, policy_denied.
base::Status require_release(const KeyInfo& key, const AttestedNode& node, const Request& request,
                             const Services& services);

/// An entry of the audit log about this request.
AuditEntry audit_entry(const Request& request, std::string_view actor, std::string_view action,
                       std::string_view subject, std::string_view outcome);

}  // namespace kbs
