// SPDX-License-Identifier: Apache-2.0
#include "listeners.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstring>
#include <optional>
#include <system_error>
#include <utility>

#include "unix_listener.h"

namespace keyprovider::serve {

namespace {

using base::ErrorCode;
using base::Fail;
using base::Result;
using base::Status;
using base::UniqueFd;

Fail bad_address(std::string_view text, std::string_view why) {
    return Fail(base::Error(ErrorCode::config_invalid, "listen address " + std::string(text) + ": " + std::string(why))
                    .with_remedy("write unix:///PATH, unix-abstract:NAME, ADDRESS:PORT or [IPV6]:PORT"));
}

Fail needs_tls(const std::string& address) {
    return Fail(
        base::Error(ErrorCode::config_invalid, "listen address " + address + ": keys would cross the network in clear")
            .with_remedy("set [serve] tls_certificate, tls_key and tls_client_ca, or listen on 127.0.0.1"));
}

struct SocketAddress {
    sockaddr_storage storage{};
    socklen_t size = sizeof(storage);

    [[nodiscard]] const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
    [[nodiscard]] sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
    [[nodiscard]] const sockaddr_in& v4() const { return reinterpret_cast<const sockaddr_in&>(storage); }
    [[nodiscard]] sockaddr_in& v4() { return reinterpret_cast<sockaddr_in&>(storage); }
    [[nodiscard]] const sockaddr_in6& v6() const { return reinterpret_cast<const sockaddr_in6&>(storage); }
    [[nodiscard]] sockaddr_in6& v6() { return reinterpret_cast<sockaddr_in6&>(storage); }
    [[nodiscard]] const sockaddr_un& local() const { return reinterpret_cast<const sockaddr_un&>(storage); }

    [[nodiscard]] bool loopback() const {
        if (storage.ss_family == AF_INET) return (ntohl(v4().sin_addr.s_addr) >> 24) == 127;
        return storage.ss_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&v6().sin6_addr) != 0;
    }

    [[nodiscard]] std::string text() const {
        char host[INET6_ADDRSTRLEN] = {};
        if (storage.ss_family == AF_INET) {
            inet_ntop(AF_INET, &v4().sin_addr, host, sizeof(host));
            return std::string(host) + ":" + std::to_string(ntohs(v4().sin_port));
        }
        if (storage.ss_family == AF_INET6) {
            inet_ntop(AF_INET6, &v6().sin6_addr, host, sizeof(host));
            return "[" + std::string(host) + "]:" + std::to_string(ntohs(v6().sin6_port));
        }
        const std::string name(local().sun_path, size - offsetof(sockaddr_un, sun_path));
        if (name.starts_with('\0')) return "unix-abstract:" + base::printable_line(name.substr(1));
        return "unix://" + std::string(name.c_str());
    }
};

std::optional<SocketAddress> numeric_address(const std::string& host, std::uint16_t port) {
    SocketAddress address;
    if (inet_pton(AF_INET, host.c_str(), &address.v4().sin_addr) == 1) {
        address.v4().sin_family = AF_INET;
        address.v4().sin_port = htons(port);
        address.size = sizeof(sockaddr_in);
        return address;
    }
    if (inet_pton(AF_INET6, host.c_str(), &address.v6().sin6_addr) == 1) {
        address.v6().sin6_family = AF_INET6;
        address.v6().sin6_port = htons(port);
        address.size = sizeof(sockaddr_in6);
        return address;
    }
    return std::nullopt;
}

std::optional<SocketAddress> address_of(int listener) {
    SocketAddress address;
    if (getsockname(listener, address.get(), &address.size) != 0) return std::nullopt;
    return address;
}

Result<ListenAddress> parse_tcp(std::string_view text) {
    const std::size_t colon = text.rfind(':');
    if (colon == std::string_view::npos) return bad_address(text, "it has no port");
    const std::string_view port_text = text.substr(colon + 1);
    std::uint16_t port = 0;
    const auto [end, error] = std::from_chars(port_text.data(), port_text.data() + port_text.size(), port);
    if (error != std::errc() || end != port_text.data() + port_text.size())
        return bad_address(text, "the port is not a number of 0 to 65535");
    std::string host(text.substr(0, colon));
    const bool brackets = host.starts_with('[') && host.ends_with(']');
    if (brackets) host = host.substr(1, host.size() - 2);
    if (host == "localhost") host = "127.0.0.1";
    const auto address = numeric_address(host, port);
    // A name would mean whatever a resolver says when the service starts.
    if (!address || brackets != (address->storage.ss_family == AF_INET6))
        return bad_address(text, "the host is not an IP address");
    return TcpAddress{host, port, address->loopback()};
}

// Made as by bind(2) and listen(2) on a fresh socket.
Result<UniqueFd> listen_at(const SocketAddress& address, const std::string& name) {
    UniqueFd listener(socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    const int on = 1;
    if (address.storage.ss_family != AF_UNIX) setsockopt(listener.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (!listener.valid() || bind(listener.get(), address.get(), address.size) != 0 ||
        listen(listener.get(), SOMAXCONN) != 0)
        return Fail(base::Error(ErrorCode::net_failed,
                                "cannot listen on " + name + ": " + std::generic_category().message(errno))
                        .with_remedy("stop what uses this address, or choose another with --listen"));
    return listener;
}

}  // namespace

Result<ListenAddress> parse_listen_address(std::string_view text) {
    constexpr std::string_view abstract_scheme = "unix-abstract:";
    constexpr std::string_view unix_scheme = "unix:";
    if (text.starts_with(abstract_scheme)) {
        const std::string_view name = text.substr(abstract_scheme.size());
        if (name.empty() || name.size() >= sizeof(sockaddr_un::sun_path))
            return bad_address(text, "the name must have 1 to 107 characters");
        return AbstractAddress{std::string(name)};
    }
    if (text.starts_with(unix_scheme)) {
        std::string_view path = text.substr(unix_scheme.size());
        if (path.starts_with("//")) path.remove_prefix(2);
        // gRPC clients resolve a relative path in their own folder, not in ours.
        if (!path.starts_with('/') || path.ends_with('/')) return bad_address(text, "the path is not absolute");
        return UnixAddress{std::string(path)};
    }
    return parse_tcp(text);
}

Result<std::vector<ListenAddress>> parse_listen_addresses(std::string_view text) {
    std::vector<ListenAddress> addresses;
    while (true) {
        const std::size_t comma = text.find(',');
        TRY_ASSIGN(addresses.emplace_back(), parse_listen_address(text.substr(0, comma)));
        if (comma == std::string_view::npos) return addresses;
        text.remove_prefix(comma + 1);
    }
}

struct Listeners::State {
    struct Listener {
        UnixListener socket;  // or a TCP socket, adopted
        Transport transport;
    };

    bool has_tls;
    std::vector<Listener> listeners;
    UniqueFd stop_read;
    UniqueFd stop_write;
    std::thread acceptor;

    void accept_until_stopped(const Receiver& receiver) {
        std::vector<pollfd> waiting;
        waiting.reserve(listeners.size() + 1);
        for (const auto& listener : listeners) waiting.push_back({listener.socket.fd(), POLLIN, 0});
        waiting.push_back({stop_read.get(), POLLIN, 0});
        while (true) {
            if (poll(waiting.data(), waiting.size(), -1) < 0) continue;
            bool accepted = false;
            for (std::size_t i = 0; i < listeners.size(); ++i) {
                if (waiting[i].revents != 0) accepted |= accept_from(listeners[i], receiver);
            }
            if (accepted || waiting.back().revents == 0) continue;
            return;  // only now: whoever had connected before is served
        }
    }

    static bool accept_from(const Listener& listener, const Receiver& receiver) {
        UniqueFd connection(accept4(listener.socket.fd(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
        if (!connection.valid()) {
            // The connection stays in the queue; without a pause the loop would spin until something is freed.
            if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
                std::this_thread::sleep_for(std::chrono::milliseconds(50));
            return false;
        }
        if (listener.transport == Transport::tcp) {
            const int on = 1;
            setsockopt(connection.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        } else if (!peer_is_trusted(connection.get())) {
            return true;
        }
        receiver(std::move(connection), listener.transport);
        return true;
    }
};

Listeners::Listeners(bool has_tls) : state_(std::make_unique<State>()) {
    state_->has_tls = has_tls;
}

Listeners::~Listeners() {
    stop();
}

Status Listeners::open(const ListenAddress& address) {
    if (const auto* path = std::get_if<UnixAddress>(&address)) {
        TRY_ASSIGN(auto listener, UnixListener::open(path->path));
        state_->listeners.push_back({std::move(listener), Transport::unix_socket});
        return {};
    }
    if (const auto* abstract = std::get_if<AbstractAddress>(&address)) {
        SocketAddress local;
        auto& target = reinterpret_cast<sockaddr_un&>(local.storage);
        target.sun_family = AF_UNIX;
        std::memcpy(&target.sun_path[1], abstract->name.data(), abstract->name.size());
        local.size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + abstract->name.size());
        TRY_ASSIGN(auto listener, listen_at(local, local.text()));
        return adopt(std::move(listener));
    }
    const auto& tcp = std::get<TcpAddress>(address);
    const auto numeric = numeric_address(tcp.host, tcp.port);
    if (!numeric) return bad_address(tcp.host, "it is not an IP address");
    if (!tcp.loopback && !state_->has_tls) return needs_tls(numeric->text());
    TRY_ASSIGN(auto listener, listen_at(*numeric, numeric->text()));
    return adopt(std::move(listener));
}

Status Listeners::adopt(UniqueFd listener) {
    const auto address = address_of(listener.get());
    const int family = address ? address->storage.ss_family : AF_UNSPEC;
    if (family != AF_UNIX && family != AF_INET && family != AF_INET6)
        return Fail(ErrorCode::config_invalid, "an inherited socket is neither a Unix nor a TCP socket");
    if (family != AF_UNIX && !address->loopback() && !state_->has_tls) return needs_tls(address->text());
    state_->listeners.push_back(
        {UnixListener::adopt(std::move(listener)), family == AF_UNIX ? Transport::unix_socket : Transport::tcp});
    return {};
}

std::vector<std::string> Listeners::addresses() const {
    std::vector<std::string> texts;
    for (const auto& listener : state_->listeners) {
        if (const auto address = address_of(listener.socket.fd())) texts.push_back(address->text());
    }
    return texts;
}

void Listeners::start(Receiver receiver) {
    int stop_pipe[2];
    // Only a process without a free descriptor gets here, and it could accept no connection either.
    if (pipe2(stop_pipe, O_CLOEXEC) != 0) std::terminate();
    state_->stop_read = UniqueFd(stop_pipe[0]);
    state_->stop_write = UniqueFd(stop_pipe[1]);
    state_->acceptor =
        std::thread([raw = state_.get(), receiver = std::move(receiver)] { raw->accept_until_stopped(receiver); });
}

void Listeners::stop() {
    for (auto& listener : state_->listeners) listener.socket.remove_file();
    state_->stop_write.reset();
    if (state_->acceptor.joinable()) state_->acceptor.join();
    state_->listeners.clear();
}

}  // namespace keyprovider::serve
