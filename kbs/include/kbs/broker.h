// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>

#include "base/clock.h"
#include "base/log.h"
#include "kbs/admin_auth.h"
#include "kbs/metrics.h"
#include "kbs/random.h"
#include "kbs/rate_limiter.h"
#include "kbs/session.h"
#include "kbs/store.h"
#include "kbs/token.h"
#include "net/http_server.h"

namespace kbs {

/// Everything a request may touch. All of it is safe to use from many threads.
struct Services {
    Store& store;
    const Sealer& sealer;
    const TokenIssuer& tokens;
    const AdminAuthenticator& admins;
    RateLimiter& handshakes;
    Metrics& metrics;
    base::Log& log;
    base::Clock clock;
    Random random;
    std::chrono::seconds session_lifetime;
    bool secure_cookies;  ///< the way to the client is TLS
    bool accept_tpm;
};

/// Answers one request of the HTTP API (docs/protocol.md): a function of the request and the services, without sockets.
/// Never throws; every error is an answer with type, detail, code, hint and request_id.
net::ServerResponse handle(const net::ServerRequest& request, const Services& services);

}  // namespace kbs
