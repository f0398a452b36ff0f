// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <array>

#include "answer.h"
#include "authorize.h"
#include "crypto/jose/jwe.h"
#include "endpoints.h"
#include "resource_path.h"

namespace kbs {

using base::ErrorCode;
using base::Fail;
using base::Result;
using net::ServerResponse;

namespace {

/// What a POST may say in its query; anything else is a mistake that must not pass for a default.
base::Status read_parameters(const Request& request, NewKey& key) {
    for (const auto& [name, value] : request.query) {
        if (name == "usage") {
            TRY_ASSIGN(key.usage, kbs_protocol::key_usage_from_name(value));
        } else if (name == "policy") {
            key.policy = value;
        } else {
            constexpr std::array<std::string_view, 2> known = {"usage", "policy"};
            const auto near = base::nearest(name, known);
            return Fail(ErrorCode::parameter_unknown,
                        fmt::format("\"{}\"{}", base::printable_line(name, 40),
                                    near ? fmt::format(", did you mean {}?", *near) : std::string()));
        }
    }
    return {};
}

/// [RFC9110 §13.1.2] Only "*" has a meaning here.
Result<bool> create_only(const Request& request, const Administrator& administrator) {
    const auto if_none_match = request.header("If-None-Match");
    if (if_none_match && *if_none_match != "*")
        return Fail(base::Error(ErrorCode::input_invalid, "If-None-Match is \"*\" or absent")
                        .with_remedy("send If-None-Match: * to create without replacing"));
    return if_none_match.has_value() || administrator.role != Role::admin;
}

Result<StoredKey> release_resource(const ResourceId& id, const AttestedNode& node, const Request& request,
                                   const Services& services) {
    TRY_ASSIGN(StoredKey key, services.store.load_key(id));
    if (key.info.usage != KeyUsage::exportable) return Fail(ErrorCode::key_not_exportable, id.uri());
    TRY(require_release(key.info, node, request, services));
    return key;
}

}  // namespace

Result<ServerResponse> answer_resource_get(const Request& request, const Services& services) {
    TRY_ASSIGN(const AttestedNode node, require_attested_node(request, services));
    TRY_ASSIGN(const ResourceId id, requested_resource(request));
    TRY_ASSIGN(const base::json::Value* tee_key, node.tee_key());
    TRY_ASSIGN(const crypto::PublicKey recipient, crypto::jose::recipient_from_jwk(*tee_key));

    auto key = release_resource(id, node, request, services);
    const std::string_view outcome = key ? "released" : key.error().name();
    services.metrics.release("resource", key ? std::string_view() : outcome);
    // Written before the key leaves: a release that nobody can account for does not happen.
    TRY(services.store.record(std::array{audit_entry(request, node.name(), "release-resource", id.uri(), outcome)}));
    if (!key) return Fail(std::move(key).error());
    TRY_ASSIGN(const crypto::jose::Jwe jwe, crypto::jose::encrypt(recipient, key->material.view()));
    return json_answer(base::json::serialize(crypto::jose::serialize_jwe(jwe)));
}

Result<ServerResponse> answer_resource_post(const Request& request, const Services& services) {
    TRY_ASSIGN(const Administrator administrator, require_administrator(request, services));
    TRY_ASSIGN(ResourceId id, requested_resource(request));
    NewKey key{.id = std::move(id), .material = request.http.body.view(), .usage = {}, .policy = {}};
    TRY(read_parameters(request, key));
    TRY_ASSIGN(const bool refuse_existing, create_only(request, administrator));
    TRY(services.store.put_key(key, refuse_existing ? Existing::refuse : Existing::replace,
                               audit_entry(request, administrator.name, "key-put", key.id.uri(), "done")));
    return empty_answer("text/xml");
}

Result<ServerResponse> answer_resource_delete(const Request& request, const Services& services) {
    TRY_ASSIGN(const Administrator administrator, require_admin_role(request, services));
    TRY_ASSIGN(const ResourceId id, requested_resource(request));
    TRY(services.store.delete_key(id, audit_entry(request, administrator.name, "key-delete", id.uri(), "done")));
    return empty_answer("text/xml");
}

}  // namespace kbs
