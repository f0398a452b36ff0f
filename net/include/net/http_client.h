// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>

#include "base/result.h"
#include "base/secret_bytes.h"
#include "net/http.h"

namespace net {

struct HttpRequest {
    std::string method;  ///< "GET", "POST", …
    std::string url;     ///< absolute, http or https, without user information
    HeaderList headers;
    base::SecretBytes body;  ///< sent with POST and PUT
};

struct HttpResponse {
    int status = 0;
    HeaderList headers;
    base::SecretBytes body;  ///< wiped when freed, because answers carry keys
    [[nodiscard]] std::optional<std::string_view> header(std::string_view name) const { return headers.find(name); }
};

/// Sends requests. Any status is a response, redirects too: they are never followed.
/// Errors: net_unreachable, net_timeout, tls_untrusted, response_too_large, net_failed, input_invalid (the request).
/// Their detail names scheme, host, port and the reason; never headers, bodies or the query.
class HttpClient {
  public:
    virtual ~HttpClient() = default;
    /// Thread-safe; connections are kept and used again.
    virtual base::Result<HttpResponse> send(const HttpRequest& request) = 0;
};

struct HttpClientOptions {
    /// PEM certificates that alone are trusted; empty: the system's roots.
    std::string ca_pem;
    /// Base64 of the SHA-256 of the server's SubjectPublicKeyInfo [RFC 7469 §2.4]; empty: no pin. With a pin and no
    /// `ca_pem` the pin alone decides (chain, name and dates are not looked at); with both, both must hold.
    std::string pinned_spki_sha256;
    /// Whether http:// is allowed. No default: without TLS everyone on the way reads and changes what is sent.
    bool allow_http;
    std::chrono::milliseconds connect_timeout{5'000};
    std::chrono::milliseconds total_timeout{10'000};
    std::size_t max_response_bytes = std::size_t{4} << 20;
    std::string user_agent = "ocicrypt-keyprovider";
    /// As in http_proxy / https_proxy and no_proxy; empty: none. The environment is read in main, not here.
    std::string proxy;
    std::string no_proxy;
};

/// TLS 1.2 or newer. Errors: config_invalid (a CA or pin that cannot be read).
base::Result<std::unique_ptr<HttpClient>> create_http_client(HttpClientOptions options);

}  // namespace net
