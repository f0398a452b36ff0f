// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>

#include "base/fd.h"
#include "base/result.h"
#include "keyprovider/command_socket.h"
#include "listeners.h"

namespace keyprovider::serve {

/// PEM text.
struct ServerTls {
    std::string certificate_chain;
    std::string private_key;
    std::string client_ca;  ///< empty: clients show no certificate
};

struct GrpcServiceOptions {
    std::optional<ServerTls> tls;  ///< what TCP connections speak; Unix sockets never do
    std::size_t max_message_bytes;
    /// From the arrival of a call to its answer; a client's own deadline may be shorter.
    std::chrono::milliseconds call_deadline;
    std::size_t max_running_calls = 32;
    /// Calls that wait for a free place; one more is answered with `overloaded`.
    std::size_t max_waiting_calls = 256;
};

/// `keyprovider.KeyProviderService` and gRPC's standard health service over connections that others accepted.
class GrpcService {
  public:
    /// `handler` runs on several threads at once. Errors: config_invalid where gRPC does not take the TLS files.
    static base::Result<std::unique_ptr<GrpcService>> start(const GrpcServiceOptions& options, CommandHandler handler);

    GrpcService(const GrpcService&) = delete;
    GrpcService& operator=(const GrpcService&) = delete;
    /// Waits for every handler that still runs.
    ~GrpcService();

    void take(base::UniqueFd connection, Transport transport);

    /// Health becomes NOT_SERVING, new calls are refused, those taken are finished. False where some were still
    /// unfinished at `deadline`; their callers have then been told that the service stops.
    bool drain(std::chrono::steady_clock::time_point deadline);

  private:
    struct State;
    explicit GrpcService(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

}  // namespace keyprovider::serve
