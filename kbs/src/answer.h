// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "base/result.h"
#include "net/http_server.h"
#include "request.h"

namespace kbs {

/// The endpoints, which are also the label of logs and metrics.
enum class Endpoint : std::uint8_t { auth, attest, resource, key, wrap, unwrap, healthz, readyz, metrics, other };
std::string_view endpoint_name(Endpoint endpoint);

/// `body` is JSON text.
net::ServerResponse json_answer(std::string_view body);
net::ServerResponse empty_answer(std::string_view content_type);

/// HTTP status and Trustee's name for an error (kbs-protocol §1.8): 404 for paths that do not exist, 401 for nearly
/// everything else. Where the broker itself is at fault or overrun it says so (429, 5xx): a new handshake would not
/// help.
struct ErrorMapping {
    int status;
    std::string_view variant;
};
ErrorMapping map_error(Endpoint endpoint, base::ErrorCode code);

net::ServerResponse error_answer(const ErrorMapping& mapping, const base::Error& error, std::string_view request_id);

}  // namespace kbs
