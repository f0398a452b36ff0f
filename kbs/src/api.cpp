// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <chrono>

#include "answer.h"
#include "endpoints.h"
#include "kbs/broker.h"

namespace kbs {

using base::ErrorCode;
using net::ServerResponse;

namespace {

constexpr std::string_view prefix = "/kbs/v0/";

struct Route {
    std::string_view method;
    std::string_view name;  ///< first segment
    Endpoint endpoint;
    EndpointFunction* function;
    bool has_path;  ///< more segments may follow
};

constexpr Route routes[] = {
    {"POST", "auth", Endpoint::auth, answer_auth, false},
    {"POST", "attest", Endpoint::attest, answer_attest, false},
    {"GET", "resource", Endpoint::resource, answer_resource_get, true},
    {"POST", "resource", Endpoint::resource, answer_resource_post, true},
    {"DELETE", "resource", Endpoint::resource, answer_resource_delete, true},
    {"GET", "key", Endpoint::key, answer_key, true},
    {"POST", "wrap", Endpoint::wrap, answer_wrap, false},
    {"POST", "unwrap", Endpoint::unwrap, answer_unwrap, false},
};

/// An answer and what logs and metrics say about it.
struct Answered {
    Endpoint endpoint;
    ServerResponse response;
    std::string_view error = {};  ///< a code's name
    std::string detail = {};
};

Answered refuse(Endpoint endpoint, const ErrorMapping& mapping, const base::Error& error, std::string_view id) {
    return {endpoint, error_answer(mapping, error, id), error.name(), error.detail()};
}

Answered answer_operations(Endpoint endpoint, const Request& request, const Services& services) {
    if (request.http.method != "GET")
        return refuse(endpoint, {405, "InvalidRequestPath"},
                      base::Error(ErrorCode::path_unknown, "only GET is served here"), request.id);
    if (endpoint == Endpoint::metrics) {
        ServerResponse response = empty_answer("text/plain; version=0.0.4");
        response.body = base::SecretBytes::copy_of(services.metrics.render());
        return {endpoint, std::move(response)};
    }
    if (endpoint == Endpoint::readyz)
        if (const auto writable = services.store.check_writable(); !writable)
            return refuse(endpoint, map_error(endpoint, writable.error().code()), writable.error(), request.id);
    return {endpoint, empty_answer("text/plain")};
}

Answered dispatch(Request& request, const Services& services) {
    const std::string& path = request.http.target_path;
    for (const auto& [name, endpoint] :
         {std::pair("/healthz", Endpoint::healthz), std::pair("/readyz", Endpoint::readyz),
          std::pair("/metrics", Endpoint::metrics)})
        if (path == name) return answer_operations(endpoint, request, services);

    const base::Error unknown(ErrorCode::path_unknown, base::printable_line(path, 100));
    if (!path.starts_with(prefix)) return refuse(Endpoint::other, {404, "InvalidRequestPath"}, unknown, request.id);
    const std::string& method = request.http.method;
    if (method != "GET" && method != "POST" && method != "PUT" && method != "DELETE")
        return refuse(Endpoint::other, {405, "InvalidRequestPath"},
                      base::Error(ErrorCode::path_unknown, "no such method"), request.id);
    auto segments = parse_path(std::string_view(path).substr(prefix.size()));
    if (!segments) return refuse(Endpoint::other, {404, "InvalidRequestPath"}, segments.error(), request.id);
    request.path = std::move(*segments);

    for (const Route& route : routes) {
        if (route.name != request.path.front() || route.method != method) continue;
        if (!route.has_path && request.path.size() != 1) break;
        auto query = parse_query(request.http.query);
        if (!query) return refuse(route.endpoint, {400, "PluginInternalError"}, query.error(), request.id);
        request.query = std::move(*query);
        auto response = route.function(request, services);
        if (response) return {route.endpoint, std::move(*response)};
        return refuse(route.endpoint, map_error(route.endpoint, response.error().code()), response.error(), request.id);
    }
    // [kbs-protocol §1.1] What is no endpoint is a plugin that is not there, a known path with another method too.
    return refuse(Endpoint::other, {404, "PluginNotFound"}, unknown, request.id);
}

}  // namespace

ServerResponse handle(const net::ServerRequest& http, const Services& services) {
    const auto started = std::chrono::steady_clock::now();
    Request request{
        .http = http, .id = request_id(http, services.random), .now = services.clock(), .path = {}, .query = {}};
    Answered answered = dispatch(request, services);
    answered.response.headers.add("X-Request-Id", request.id);

    const std::string status = std::to_string(answered.response.status);
    const std::string method = base::printable_line(http.method, 10);
    const std::string path = base::printable_line(http.target_path, 200);
    const std::string_view endpoint = endpoint_name(answered.endpoint);
    services.metrics.request(endpoint, answered.response.status, answered.error,
                             std::chrono::steady_clock::now() - started);
    if (answered.error.empty())
        services.log.info(
            "request",
            {{"request", request.id}, {"peer", http.peer}, {"method", method}, {"path", path}, {"status", status}});
    else
        services.log.warning("request-refused", {{"request", request.id},
                                                 {"peer", http.peer},
                                                 {"method", method},
                                                 {"path", path},
                                                 {"status", status},
                                                 {"code", answered.error},
                                                 {"detail", answered.detail}});
    return std::move(answered.response);
}

}  // namespace kbs
