// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"
#include "kbs/broker.h"

namespace kbs {

/// A request taken apart: what every endpoint needs.
struct Request {
    const net::ServerRequest& http;
    std::string id;
    base::TimePoint now;
    std::vector<std::string> path;  ///< decoded segments behind "/kbs/v0/"
    std::map<std::string, std::string> query;

    [[nodiscard]] std::optional<std::string_view> header(std::string_view name) const;
    /// The token of "Authorization: Bearer …".
    [[nodiscard]] std::optional<std::string_view> bearer() const;
    /// The value of the session cookie.
    [[nodiscard]] std::optional<std::string_view> session_cookie() const;
    /// The body as JSON of at most `max_bytes`. Errors: json_invalid, input_too_large.
    [[nodiscard]] base::Result<base::json::Value> json_body(std::size_t max_bytes) const;
    /// The address the request came from, without its port.
    [[nodiscard]] std::string_view peer_address() const;
};

/// The client's X-Request-Id where it is 16 to 64 of [A-Za-z0-9-], else a new one.
std::string request_id(const net::ServerRequest& request, const Random& random);

/// Splits and percent-decodes. Errors: path_unknown (bad escapes, NUL, a '/' that was escaped).
base::Result<std::vector<std::string>> parse_path(std::string_view path);

/// "a=b&c=d", percent-decoded, '+' is a space. Errors: input_invalid (bad escapes, a name twice).
base::Result<std::map<std::string, std::string>> parse_query(std::string_view query);

}  // namespace kbs
