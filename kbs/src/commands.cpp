// SPDX-License-Identifier: Apache-2.0
#include "commands.h"

#include <fmt/format.h>
#include <fmt/ostream.h>

#include <algorithm>
#include <ostream>

#include "attestation/policy/release_policy.h"
#include "base/encoding.h"
#include "base/fd.h"
#include "crypto/digest.h"
#include "crypto/key.h"
#include "kbs_protocol/kek.h"
#include "kbs_protocol/resource_id.h"
#include "key_metadata.h"

namespace kbs {

using base::ErrorCode;
using base::Fail;
using base::Result;
using base::Status;
namespace json = base::json;

namespace {

constexpr std::size_t max_policy_bytes = 256 * 1024;
constexpr std::size_t max_ak_bytes = 16 * 1024;

AuditEntry by_hand(const CommandContext& context, std::string_view action, std::string_view subject) {
    return {.time = context.now,
            .request_id = {},
            .actor = "command-line",
            .action = std::string(action),
            .subject = std::string(subject),
            .outcome = "done"};
}

void print_json(CommandContext& context, const json::Value& value) {
    fmt::print(context.out, "{}\n", json::serialize_pretty(value));
}

/// Rows of equal length as columns; the first is the heading.
void print_table(CommandContext& context, const std::vector<std::vector<std::string>>& rows) {
    std::vector<std::size_t> widths(rows.front().size(), 0);
    for (const auto& row : rows)
        for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
    for (const auto& row : rows) {
        std::string line;
        for (std::size_t i = 0; i < row.size(); ++i)
            line += i + 1 == row.size() ? row[i] : fmt::format("{:<{}}  ", row[i], widths[i]);
        fmt::print(context.out, "{}\n", line);
    }
}

void print_keys(CommandContext& context, const std::vector<KeyInfo>& keys) {
    std::vector<std::vector<std::string>> rows = {{"KID", "USAGE", "POLICY", "KCV", "VERSION", "CREATED"}};
    for (const KeyInfo& key : keys)
        rows.push_back({key.id.uri(), std::string(kbs_protocol::key_usage_name(key.usage)), key.policy.value_or("-"),
                        key.kcv.empty() ? "-" : key.kcv, std::to_string(key.version), rfc3339(key.created)});
    print_table(context, rows);
}

void print_key(CommandContext& context, const KeyInfo& key) {
    if (context.json)
        fmt::print(context.out, "{}\n", kbs_protocol::serialize(key_metadata(key)));
    else
        print_keys(context, {key});
}

std::string ak_fingerprint(const base::Bytes& spki) {
    return base::hex_encode(crypto::sha256(spki));
}

}  // namespace

Status key_create(CommandContext& context, const KeyCreateOptions& options) {
    TRY_ASSIGN(ResourceId id, ResourceId::parse(options.kid));
    NewKey key{.id = std::move(id), .material = {}, .usage = {}, .policy = {}};
    if (!options.usage.empty()) {
        TRY_ASSIGN(key.usage, kbs_protocol::key_usage_from_name(options.usage));
    }
    if (!options.policy.empty()) key.policy = options.policy;
    base::SecretBytes material;
    if (options.from_file.empty()) {
        material = base::SecretBytes(kbs_protocol::kek_size);
        context.random(material.mutable_view());
    } else {
        TRY_ASSIGN(material, base::load_file(options.from_file, max_key_size));
    }
    key.material = material.view();
    TRY_ASSIGN(const KeyInfo info,
               context.store->put_key(key, Existing::refuse, by_hand(context, "key-create", key.id.uri())));
    print_key(context, info);
    return {};
}

Status key_list(CommandContext& context) {
    TRY_ASSIGN(const auto keys, context.store->list_keys());
    if (!context.json) {
        print_keys(context, keys);
        return {};
    }
    std::vector<std::string> texts;
    for (const KeyInfo& key : keys) texts.push_back(kbs_protocol::serialize(key_metadata(key)));
    fmt::print(context.out, "[{}]\n", fmt::join(texts, ",\n "));
    return {};
}

Status key_show(CommandContext& context, const std::string& kid) {
    TRY_ASSIGN(const ResourceId id, ResourceId::parse(kid));
    TRY_ASSIGN(const KeyInfo info, context.store->key_info(id));
    print_key(context, info);
    return {};
}

Status key_delete(CommandContext& context, const std::string& kid) {
    TRY_ASSIGN(const ResourceId id, ResourceId::parse(kid));
    return context.store->delete_key(id, by_hand(context, "key-delete", id.uri()));
}

Status key_set_policy(CommandContext& context, const std::string& kid, const std::string& policy) {
    TRY_ASSIGN(const ResourceId id, ResourceId::parse(kid));
    const auto name = policy.empty() ? std::nullopt : std::optional(policy);
    TRY(context.store->set_key_policy(id, name, by_hand(context, "key-set-policy", id.uri())));
    return key_show(context, kid);
}

Status policy_set(CommandContext& context, const std::string& name, const std::string& file) {
    TRY_ASSIGN(const std::string text, base::load_text_file(file, max_policy_bytes));
    const auto policy = attestation::policy::parse_release_policy(text);
    if (!policy) return Fail(policy.error().within(file));
    return context.store->put_policy(name, text, by_hand(context, "policy-set", name));
}

Status policy_show(CommandContext& context, const std::string& name) {
    TRY_ASSIGN(const PolicyInfo policy, context.store->load_policy(name));
    fmt::print(context.out, "{}{}", policy.text, policy.text.ends_with('\n') ? "" : "\n");
    return {};
}

Status policy_list(CommandContext& context) {
    TRY_ASSIGN(const auto policies, context.store->list_policies());
    if (context.json) {
        json::Array array;
        for (const PolicyInfo& policy : policies)
            array.push_back(
                json::Object{{"name", json::Value(policy.name)}, {"updated", json::Value(rfc3339(policy.updated))}});
        print_json(context, std::move(array));
        return {};
    }
    std::vector<std::vector<std::string>> rows = {{"NAME", "UPDATED"}};
    for (const PolicyInfo& policy : policies) rows.push_back({policy.name, rfc3339(policy.updated)});
    print_table(context, rows);
    return {};
}

Status ak_enroll(CommandContext& context, const std::string& name, const std::string& file) {
    TRY_ASSIGN(const std::string content, base::load_text_file(file, max_ak_bytes));
    auto key = content.find("-----BEGIN ") == std::string::npos
                   ? crypto::PublicKey::from_spki_der(base::as_bytes(content))
                   : crypto::PublicKey::from_pem(content);
    if (!key || key->type() == crypto::KeyType::ed25519)
        return Fail(
            base::Error(ErrorCode::key_file_invalid, fmt::format("{} holds no RSA or EC public key (PEM or DER)", file))
                .with_remedy("on the node: ocicrypt-keyprovider tpm ak --pem > ak.pem"));
    const base::Bytes spki = key->to_spki_der();
    TRY(context.store->enroll_ak(name, spki, by_hand(context, "ak-enroll", name)));
    if (context.json)
        print_json(context, json::Object{{"name", json::Value(name)}, {"sha256", json::Value(ak_fingerprint(spki))}});
    else
        fmt::print(context.out, "{} is enrolled: sha256:{}\n", name, ak_fingerprint(spki));
    return {};
}

Status ak_list(CommandContext& context) {
    TRY_ASSIGN(const auto aks, context.store->list_aks());
    if (context.json) {
        json::Array array;
        for (const EnrolledAk& ak : aks)
            array.push_back(json::Object{{"name", json::Value(ak.name)},
                                         {"sha256", json::Value(ak_fingerprint(ak.spki))},
                                         {"enrolled", json::Value(rfc3339(ak.enrolled))}});
        print_json(context, std::move(array));
        return {};
    }
    std::vector<std::vector<std::string>> rows = {{"NAME", "SHA256", "ENROLLED"}};
    for (const EnrolledAk& ak : aks) rows.push_back({ak.name, ak_fingerprint(ak.spki), rfc3339(ak.enrolled)});
    print_table(context, rows);
    return {};
}

Status ak_remove(CommandContext& context, const std::string& name) {
    return context.store->remove_ak(name, by_hand(context, "ak-remove", name));
}

}  // namespace kbs
