// SPDX-License-Identifier: Apache-2.0
#include "attestation/policy/release_policy.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace attestation::policy {
namespace {

using base::ErrorCode;
using base::Fail;
using base::Result;
using base::json::Array;
using base::json::Value;
using verify::Finding;

constexpr std::size_t kMaxText = std::size_t{64} << 10;
constexpr int kMaxLevels = 16;
constexpr std::size_t kMaxConditions = 1000;

Fail invalid(const std::string& place, std::string_view why) {
    return Fail(ErrorCode::policy_invalid, fmt::format("at {}: {}", place.empty() ? "/" : place, why));
}

/// Beyond 2^53 different numbers may read as one: a policy must not hold for a value its author did not write.
bool is_exact(const Value& value) {
    constexpr std::int64_t limit = std::int64_t{1} << 53;
    if (const auto* integer = value.as_int()) return -limit <= *integer && *integer <= limit;
    if (const auto* number = value.as_double()) return std::abs(*number) <= static_cast<double>(limit);
    return true;
}

class Parser {
  public:
    Result<ReleasePolicy> policy(const Value& json) {
        TRY(only(json, "", {"version", "anyOf"}));
        const auto version = json.string_at("version");
        if (!version || (*version != "1.0.0" && *version != "0.2")) return invalid("/version", "is not \"1.0.0\"");
        TRY_ASSIGN(const Array* authorities, group(json, "", "anyOf"));
        ReleasePolicy policy;
        for (std::size_t i = 0; i < authorities->size(); ++i) {
            TRY_ASSIGN(Authority parsed, authority((*authorities)[i], fmt::format("/anyOf/{}", i)));
            policy.authorities.push_back(std::move(parsed));
        }
        return policy;
    }

  private:
    static base::Status only(const Value& json, const std::string& place,
                             std::initializer_list<std::string_view> names) {
        const auto status = json.expect_only(names);
        if (!status) return invalid(place, status.error().detail());
        return {};
    }

    static Result<const Array*> group(const Value& json, const std::string& place, std::string_view name) {
        auto members = json.array_at(name);
        if (!members) return invalid(place, members.error().detail());
        if ((*members)->empty()) return invalid(fmt::format("{}/{}", place, name), "is empty");
        return *members;
    }

    Result<Authority> authority(const Value& json, const std::string& place) {
        TRY(only(json, place, {"authority", "allOf", "anyOf"}));
        const auto issuer = json.string_at("authority");
        if (!issuer || issuer->empty()) return invalid(place + "/authority", "is not the name of an issuer");
        TRY_ASSIGN(Condition condition, conditions(json, place, 1));
        return Authority{std::string(*issuer), std::move(condition)};
    }

    /// The group of an object that has exactly one.
    Result<Condition> conditions(const Value& json, const std::string& place, int level) {
        if (level > kMaxLevels) return invalid(place, "is nested too deeply");
        const bool all = json.find("allOf") != nullptr;
        if (all == (json.find("anyOf") != nullptr)) return invalid(place, "needs exactly one of allOf and anyOf");
        const std::string_view name = all ? "allOf" : "anyOf";
        TRY_ASSIGN(const Array* members, group(json, place, name));
        Condition out;
        out.kind = all ? Condition::Kind::all_of : Condition::Kind::any_of;
        for (std::size_t i = 0; i < members->size(); ++i) {
            TRY_ASSIGN(Condition member, condition((*members)[i], fmt::format("{}/{}/{}", place, name, i), level));
            out.members.push_back(std::move(member));
        }
        return out;
    }

    Result<Condition> condition(const Value& json, const std::string& place, int level) {
        if (++count_ > kMaxConditions) return invalid(place, "is one condition too many");
        if (json.find("claim") == nullptr && json.find("equals") == nullptr) {
            TRY(only(json, place, {"allOf", "anyOf"}));
            return conditions(json, place, level + 1);
        }
        TRY(only(json, place, {"claim", "equals"}));
        const auto path = json.string_at("claim");
        if (!path || path->empty() || path->starts_with('.') || path->ends_with('.') || path->contains("..")) {
            return invalid(place + "/claim", "is not the dotted name of a claim");
        }
        const Value* equals = json.find("equals");
        if (equals == nullptr || equals->is_null() || equals->as_object() != nullptr || equals->as_array() != nullptr) {
            return invalid(place + "/equals", "is not a string, number or boolean");
        }
        if (!is_exact(*equals)) {
            return invalid(place + "/equals", "is a number beyond 2^53; write it as a string");
        }
        return Condition{Condition::Kind::claim_equals, std::string(*path), *equals, {}};
    }

    std::size_t count_ = 0;
};

/// Canonical, so that 7.0 is 7; a claim that has no canonical form keeps every digit.
std::string text_of(const Value& value) {
    if (const auto* text = value.as_string()) return std::string(std::string_view(*text));
    const auto canonical = base::json::canonicalize(value);
    return canonical ? std::string(std::string_view(*canonical)) : base::json::serialize_public(value);
}

bool is_scalar(const Value& value) {
    return !value.is_null() && value.as_object() == nullptr && value.as_array() == nullptr;
}

const Value* find_claim(const Value& claims, std::string_view path) {
    const Value* value = &claims;
    while (value != nullptr && !path.empty()) {
        const std::size_t dot = std::min(path.find('.'), path.size());
        value = value->find(path.substr(0, dot));
        path.remove_prefix(std::min(dot + 1, path.size()));
    }
    return value;
}

/// Evaluates every member, also where the first has decided: the reader wants to see them all.
bool holds(const Condition& condition, const Value& claims, std::vector<Finding>& findings) {
    if (condition.kind == Condition::Kind::claim_equals) {
        const Value* claim = find_claim(claims, condition.claim);
        const std::string wanted = text_of(condition.equals);
        const std::string got = claim == nullptr ? "missing" : text_of(*claim);
        const bool ok = claim != nullptr && is_scalar(*claim) && got == wanted;
        findings.push_back({"claim", condition.claim, wanted, got, ok, ErrorCode::policy_denied});
        return ok;
    }
    bool all = true;
    bool any = false;
    for (const Condition& member : condition.members) {
        const bool ok = holds(member, claims, findings);
        all = all && ok;
        any = any || ok;
    }
    return condition.kind == Condition::Kind::all_of ? all : any;
}

std::string_view without_slash(std::string_view issuer) {
    if (issuer.ends_with('/')) issuer.remove_suffix(1);
    return issuer;
}

}  // namespace

Result<ReleasePolicy> parse_release_policy(std::string_view text) {
    // A level of the policy is two of JSON, and the outermost are the policy itself.
    auto json = base::json::parse(text, {.max_bytes = kMaxText, .max_depth = 2 * kMaxLevels + 8});
    if (!json) return Fail(ErrorCode::policy_invalid, json.error().detail());
    return Parser().policy(*json);
}

verify::Verdict appraise(const ReleasePolicy& policy, const Value& claims, std::string_view issuer) {
    std::vector<Finding> findings;
    bool trusted = false;
    for (const Authority& authority : policy.authorities) {
        const bool ours = without_slash(authority.issuer) == without_slash(issuer);
        findings.push_back(
            {"authority", "issuer", authority.issuer, std::string(issuer), ours, ErrorCode::policy_denied});
        const bool satisfied = holds(authority.condition, claims, findings);
        trusted = trusted || (ours && satisfied);
    }
    return verify::Verdict::decided(trusted, std::move(findings));
}

}  // namespace attestation::policy
