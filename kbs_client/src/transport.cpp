// SPDX-License-Identifier: Apache-2.0
#include "transport.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "kbs_protocol/messages.h"

namespace kbs_client {
namespace {

using base::Error;
using base::ErrorCode;
using base::Fail;
using base::Result;

ErrorCode code_of_network_error(ErrorCode code) {
    switch (code) {
        case ErrorCode::net_unreachable:
            return ErrorCode::kbs_unreachable;
        case ErrorCode::net_timeout:
            return ErrorCode::kbs_timeout;
        case ErrorCode::tls_untrusted:
            return ErrorCode::kbs_untrusted;
        default:
            return ErrorCode::kbs_protocol;
    }
}

/// [kbs-protocol §1.8] A Trustee sends no codes; its variants say some of what ours say.
ErrorCode code_of_variant(const kbs_protocol::ErrorBody& error) {
    constexpr std::array<std::pair<std::string_view, ErrorCode>, 7> codes = {{
        {"PluginNotFound", ErrorCode::path_unknown},
        {"InvalidRequestPath", ErrorCode::path_unknown},
        {"PolicyDeny", ErrorCode::policy_denied},
        {"TokenNotFound", ErrorCode::session_missing},
        {"TokenVerifierError", ErrorCode::token_invalid},
        {"AdminAuthAccess", ErrorCode::admin_refused},
        {"AdminAuthInitialization", ErrorCode::admin_refused},
    }};
    if (error.variant == "AttestationError" && error.detail.contains("Protocol Version Mismatch")) {
        return ErrorCode::kbs_version;
    }
    const auto* found =
        std::ranges::find(codes, std::string_view(error.variant), &std::pair<std::string_view, ErrorCode>::first);
    return found == codes.end() ? ErrorCode::kbs_refused : found->second;
}

Error refusal(int status, std::string_view body) {
    const auto error = kbs_protocol::parse_error_body(body);
    if (!error) {
        if (status == 429 || status == 503) return Error(ErrorCode::overloaded, fmt::format("HTTP status {}", status));
        return Error(ErrorCode::kbs_protocol,
                     fmt::format("HTTP status {} without the error message of a key broker", status));
    }
    const std::string detail = base::printable_line(error->detail);
    if (error->code.empty()) return Error(code_of_variant(*error), detail);
    const auto known = base::error_code_from_name(error->code);
    Error result = known ? Error(*known, detail)
                         : Error(ErrorCode::kbs_refused, base::printable_line(error->code, 60) + ": " + detail);
    if (!error->hint.empty()) result.with_remedy(base::printable_line(error->hint));
    return result;
}

}  // namespace

Result<Answer> Transport::exchange(const Operation& operation, std::string_view method, std::string_view path,
                                   net::HeaderList headers, base::SecretBytes body) const {
    if (std::chrono::steady_clock::now() >= operation.deadline) return Fail(ErrorCode::deadline_exceeded);
    headers.add("X-Request-Id", operation.request_id);
    auto response = http_->send({.method = std::string(method),
                                 .url = fmt::format("{}/kbs/v0/{}", url_, path),
                                 .headers = std::move(headers),
                                 .body = std::move(body)});
    if (!response) return Fail(response.error().as(code_of_network_error(response.error().code())));
    if (response->status < 200 || response->status > 299) return Fail(refusal(response->status, response->body.text()));
    return Answer{std::move(response->headers), std::move(response->body)};
}

Fail unusable_answer(std::string_view what, const Error& error) {
    return Fail(ErrorCode::kbs_protocol, fmt::format("the answer is not a valid {}: {}", what, error.message()));
}

}  // namespace kbs_client
