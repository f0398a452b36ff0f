// SPDX-License-Identifier: Apache-2.0
// A server on a free port of the loopback interface, and a raw connection to it for what no client would send.
#pragma once

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <string>

#include "base/fd.h"
#include "net/http_server.h"

namespace net_test {

using std::chrono::milliseconds;

inline net::ServerResponse text_response(std::string_view text, int status = 200) {
    net::ServerResponse response;
    response.status = status;
    response.body = base::SecretBytes::copy_of(text);
    return response;
}

/// Says what it got: "METHOD path query body".
inline net::ServerResponse echo(const net::ServerRequest& request) {
    return text_response(
        fmt::format("{} {} {} {}", request.method, request.target_path, request.query, request.body.text()));
}

struct Server {
    std::unique_ptr<net::HttpServer> server;
    std::uint16_t port = 0;

    explicit Server(net::Handler handler = echo, net::HttpServerOptions options = {}) {
        options.listen = {"127.0.0.1:0"};
        auto started = net::HttpServer::start(std::move(options), std::move(handler));
        REQUIRE(started);
        server = std::move(*started);
        port = server->ports().at(0);
    }
    [[nodiscard]] std::string url(std::string_view path, std::string_view scheme = "http") const {
        return fmt::format("{}://127.0.0.1:{}{}", scheme, port, path);
    }
};

inline base::UniqueFd listen_on_loopback(std::uint16_t& port) {
    base::UniqueFd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    REQUIRE(bind(fd.get(), reinterpret_cast<sockaddr*>(&address), size) == 0);
    REQUIRE(listen(fd.get(), 8) == 0);
    REQUIRE(getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0);
    port = ntohs(address.sin_port);
    return fd;
}

inline base::UniqueFd connect_to(std::uint16_t port) {
    base::UniqueFd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    REQUIRE(connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0);
    return fd;
}

/// Sends `text` as it is and returns everything until the server closes.
inline std::string raw_exchange(std::uint16_t port, std::string_view text) {
    const base::UniqueFd fd = connect_to(port);
    static_cast<void>(base::write_all(fd.get(), base::as_bytes(text)));
    const auto answer =
        base::read_to_end(fd.get(), 1 << 20, std::chrono::steady_clock::now() + std::chrono::seconds(20));
    return answer ? std::string(answer->text()) : "nothing: " + answer.error().message();
}

}  // namespace net_test
