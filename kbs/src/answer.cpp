// SPDX-License-Identifier: Apache-2.0
#include "answer.h"

#include <fmt/format.h>

#include <utility>

#include "kbs_protocol/messages.h"

namespace kbs {

using base::ErrorCode;

std::string_view endpoint_name(Endpoint endpoint) {
    switch (endpoint) {
        case Endpoint::auth:
            return "auth";
        case Endpoint::attest:
            return "attest";
        case Endpoint::resource:
            return "resource";
        case Endpoint::key:
            return "key";
        case Endpoint::wrap:
            return "wrap";
        case Endpoint::unwrap:
            return "unwrap";
        case Endpoint::healthz:
            return "healthz";
        case Endpoint::readyz:
            return "readyz";
        case Endpoint::metrics:
            return "metrics";
        case Endpoint::other:
            return "other";
    }
    std::unreachable();
}

net::ServerResponse json_answer(std::string_view body) {
    return {.status = 200, .headers = {{"Content-Type", "application/json"}}, .body = base::SecretBytes::copy_of(body)};
}

net::ServerResponse empty_answer(std::string_view content_type) {
    return {.status = 200, .headers = {{"Content-Type", std::string(content_type)}}, .body = {}};
}

ErrorMapping map_error(Endpoint endpoint, ErrorCode code) {
    switch (code) {
        case ErrorCode::input_too_large:
            return {413, "PluginInternalError"};
        case ErrorCode::overloaded:
            return {429, "PluginInternalError"};
        case ErrorCode::store_failed:
        case ErrorCode::store_locked:
            return {503, "PluginInternalError"};
        case ErrorCode::internal:
            return {500, "PluginInternalError"};
        case ErrorCode::path_unknown:
            return {404, "InvalidRequestPath"};
        default:
            break;
    }
    if (endpoint == Endpoint::auth || endpoint == Endpoint::attest) return {401, "AttestationError"};
    switch (code) {
        case ErrorCode::admin_refused:
            return {401, "AdminAuthAccess"};
        case ErrorCode::session_missing:
            return {401, "TokenNotFound"};
        case ErrorCode::session_expired:
        case ErrorCode::session_invalid:
        case ErrorCode::token_invalid:
            return {401, "TokenVerifierError"};
        case ErrorCode::policy_denied:
        case ErrorCode::policy_missing:
        case ErrorCode::key_not_exportable:
            return {401, "PolicyDeny"};
        case ErrorCode::json_invalid:
        case ErrorCode::encoding_invalid:
            return {401, "SerdeError"};
        case ErrorCode::key_not_found:
            // Trustee answers a missing resource with 401; our own endpoint may say what is meant.
            return {endpoint == Endpoint::key ? 404 : 401, "PluginInternalError"};
        case ErrorCode::key_exists:
            return {412, "PluginInternalError"};
        default:
            return {401, "PluginInternalError"};
    }
}

net::ServerResponse error_answer(const ErrorMapping& mapping, const base::Error& error, std::string_view request_id) {
    const std::string_view cause = base::describe(error.code()).cause;
    const kbs_protocol::ErrorBody body{
        .variant = std::string(mapping.variant),
        .detail = error.detail().empty() ? std::string(cause) : fmt::format("{}: {}", cause, error.detail()),
        .code = std::string(error.name()),
        .hint = std::string(error.remedy()),
        .request_id = std::string(request_id)};
    net::ServerResponse response = json_answer(kbs_protocol::serialize(body));
    response.status = mapping.status;
    return response;
}

}  // namespace kbs
