// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "attestation/verify/verdict.h"
#include "base/json.h"
#include "base/result.h"

namespace attestation::policy {

/// A condition of a policy: a comparison, or a group of conditions of which all or any must hold.
struct Condition {
    enum class Kind : std::uint8_t { claim_equals, all_of, any_of };
    Kind kind = Kind::claim_equals;
    std::string claim;               ///< dotted path into the claims
    base::json::Value equals;        ///< string, number or boolean
    std::vector<Condition> members;  ///< of a group; never empty
};

/// What holds for tokens of one issuer.
struct Authority {
    std::string issuer;
    Condition condition;  ///< a group
};

/// A parsed policy: conditions of at least one authority, of which any must hold.
struct ReleasePolicy {
    std::vector<Authority> authorities;
};

/// Parses Azure's secure-key-release grammar, versions "1.0.0" and "0.2" (clouds §2.10):
///   {"version":"1.0.0","anyOf":[{"authority":ISSUER,"allOf"|"anyOf":[CONDITION…]}…]}
///   CONDITION = {"claim":"a.b.c","equals":string|number|boolean} | {"allOf":[…]} | {"anyOf":[…]}
/// Strict: unknown members, empty groups, both groups at once, empty path segments, numbers beyond 2^53, more than
/// 64 KiB, 16 levels or 1000 conditions are refused. Errors: policy_invalid, with the place as a JSON pointer [RFC
/// 6901].
base::Result<ReleasePolicy> parse_release_policy(std::string_view text);

/// Whether `claims` (an object) satisfy the policy for an appraisal by `issuer`; a trailing '/' of issuers does not
/// count. Every condition of every authority is a finding (check "claim", subject the path, expected, got), also those
/// whose failure an alternative makes up for. A claim that is missing, or is an object or array, fails its condition.
/// Values compare by their canonical text [RFC 8785], so "false" equals false and "0" equals 0: published policies are
/// written so.
verify::Verdict appraise(const ReleasePolicy& policy, const base::json::Value& claims, std::string_view issuer);

}  // namespace attestation::policy
