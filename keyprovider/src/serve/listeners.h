// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <variant>
#include <vector>

#include "base/fd.h"
#include "base/result.h"

namespace keyprovider::serve {

struct UnixAddress {
    std::string path;
};
/// The abstract namespace of Linux: a name without a file, hence without permissions; peers are checked all the same.
struct AbstractAddress {
    std::string name;
};
struct TcpAddress {
    std::string host;  ///< IPv4 or IPv6 in numbers
    std::uint16_t port;
    bool loopback;
};
using ListenAddress = std::variant<UnixAddress, AbstractAddress, TcpAddress>;

/// One address of `--listen`: "unix:///path", "unix:/path", "unix-abstract:name", "HOST:PORT", "[IPV6]:PORT"; HOST is
/// an IPv4 address or "localhost". Errors: config_invalid.
base::Result<ListenAddress> parse_listen_address(std::string_view text);
/// Several of them, separated by commas; at least one. Errors: config_invalid.
base::Result<std::vector<ListenAddress>> parse_listen_addresses(std::string_view text);

/// What a connection came through.
enum class Transport : std::uint8_t { unix_socket, tcp };

/// Accepts connections for the gRPC service, on sockets of our own and on those that systemd made.
///
/// Unix sockets have mode 0600, and whatever the mode says later, only processes of the same user or of root get
/// through. TCP is opened on loopback addresses only, unless TLS is configured.
class Listeners {
  public:
    using Receiver = std::function<void(base::UniqueFd connection, Transport transport)>;

    explicit Listeners(bool has_tls);
    Listeners(const Listeners&) = delete;
    Listeners& operator=(const Listeners&) = delete;
    ~Listeners();

    /// Errors: config_invalid (TCP beyond loopback without TLS), file_unwritable (a Unix socket that cannot be made),
    /// net_failed (an address that cannot be bound).
    base::Status open(const ListenAddress& address);
    /// Takes over a listening socket. Errors: config_invalid, as above or where it is neither Unix nor TCP.
    base::Status adopt(base::UniqueFd listener);

    /// Where connections are accepted, as clients write it, with the ports that the system chose.
    [[nodiscard]] std::vector<std::string> addresses() const;

    void start(Receiver receiver);
    /// Removes the Unix sockets of our own and accepts no more. `receiver` is not called after this.
    void stop();

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace keyprovider::serve
