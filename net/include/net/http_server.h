// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/secret_bytes.h"
#include "net/http.h"

namespace net {

struct ServerRequest {
    std::string method;
    std::string target_path;  ///< as sent, before percent-decoding; begins with '/'
    std::string query;        ///< behind '?', without it; empty where there is none
    HeaderList headers;
    base::SecretBytes body;
    std::string peer;  ///< "ADDRESS:PORT"
};

struct ServerResponse {
    int status = 200;
    HeaderList headers;  ///< Content-Length, Connection and Date are the server's
    base::SecretBytes body;
};

/// Called on worker threads, many at once. What it throws becomes a 500, and so does an answer that cannot be sent (a
/// status outside of 200..599, a field that is not `valid_field` or over 32 KiB, a Transfer-Encoding).
using Handler = std::function<ServerResponse(const ServerRequest&)>;

struct TlsIdentity {
    std::string certificate_pem;  ///< the leaf first, then its chain
    base::SecretBytes private_key_pem;
};

struct HttpServerOptions {
    std::vector<std::string> listen;                    ///< "127.0.0.1:8080", "[::1]:0"; port 0 takes a free one
    std::optional<TlsIdentity> tls;                     ///< absent: plain HTTP
    std::size_t header_limit = std::size_t{128} << 10;  ///< tokens of TDX guests fill tens of KiB
    std::size_t body_limit = std::size_t{2} << 20;
    std::chrono::milliseconds handshake_timeout{10'000};
    std::chrono::milliseconds header_timeout{10'000};
    std::chrono::milliseconds body_timeout{30'000};
    std::chrono::milliseconds write_timeout{30'000};
    std::chrono::milliseconds idle_timeout{60'000};
    std::size_t max_connections = 1024;  ///< further ones wait in the kernel's queue
    unsigned threads = 4;                ///< handlers that run at once
};

/// HTTP/1.1 over TCP, with TLS 1.2 and 1.3.
///
/// Refuses with 400 what two parsers could read differently: Transfer-Encoding other than exactly "chunked", together
/// with Content-Length or in HTTP/1.0, several or unequal Content-Length, no or several Host, folded headers, targets
/// not in origin form, chunk extensions and trailer fields. Oversized headers get 431 (a single field has at most
/// 64 KiB), oversized bodies 413; slow clients are cut off without an answer.
class HttpServer {
  public:
    /// Listens before it returns. Errors: config_invalid (addresses, certificate, key), net_failed (cannot listen).
    static base::Result<std::unique_ptr<HttpServer>> start(HttpServerOptions options, Handler handler);
    virtual ~HttpServer() = default;

    /// The ports that are listened on, in the order of `listen`.
    [[nodiscard]] virtual std::vector<std::uint16_t> ports() const = 0;
    /// New connections get the new identity; on an error the old one stays.
    virtual base::Status reload_tls(const TlsIdentity& identity) = 0;
    /// Stops listening, closes idle connections, lets requests that have begun finish until `deadline`, then closes
    /// all.
    virtual void drain(std::chrono::milliseconds deadline) = 0;
};

/// What the server requires of a request's head beyond Beast's grammar; nullptr where it is fine, else the reason.
/// `version` as Beast counts it: 11 for HTTP/1.1. Exposed for its tests.
const char* request_head_problem(unsigned version, std::string_view target, const HeaderList& headers);

}  // namespace net
