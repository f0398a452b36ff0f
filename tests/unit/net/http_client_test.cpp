// SPDX-License-Identifier: Apache-2.0
#include "net/http_client.h"

#include <doctest/doctest.h>

#include <thread>

#include "loopback.h"

using base::ErrorCode;
using net_test::Server;
using std::chrono::milliseconds;

namespace {

net::HttpClientOptions plain() {
    return {.allow_http = true, .total_timeout = milliseconds(20'000)};
}

base::Result<net::HttpResponse> get(net::HttpClientOptions options, const std::string& url) {
    return (*net::create_http_client(std::move(options)))->send({"GET", url, {}, {}});
}

/// Accepts one connection, reads a little, sends `answer` as it is, and closes.
struct RawServer {
    std::uint16_t port = 0;
    base::UniqueFd listener = net_test::listen_on_loopback(port);
    std::jthread thread;

    explicit RawServer(std::string answer) {
        thread = std::jthread([fd = listener.get(), answer = std::move(answer)] {
            const base::UniqueFd connection(accept(fd, nullptr, nullptr));
            char request[4096];
            if (read(connection.get(), request, sizeof(request)) < 0) return;
            static_cast<void>(base::write_all(connection.get(), base::as_bytes(answer)));
        });
    }
    [[nodiscard]] std::string url() const { return fmt::format("http://127.0.0.1:{}/", port); }
};

}  // namespace

TEST_CASE("plain HTTP, other schemes and passwords in the URL are refused before anything is sent") {
    CHECK(get({.allow_http = false}, "http://127.0.0.1:1/").error().code() == ErrorCode::input_invalid);
    for (const char* url :
         {"ftp://127.0.0.1/", "file:///etc/passwd", "http://user:secret@127.0.0.1/", "", "/x", "http://"}) {
        CAPTURE(url);
        const auto response = get(plain(), url);
        REQUIRE(!response);
        CHECK(response.error().code() == ErrorCode::input_invalid);
        CHECK(!response.error().detail().contains("secret"));
    }
}

TEST_CASE("headers that would split the request are refused") {
    const Server server;
    const auto client = std::move(*net::create_http_client(plain()));
    CHECK(client->send({"GET", server.url("/"), {{"X", "a\r\nY: b"}}, {}}).error().code() == ErrorCode::input_invalid);
}

TEST_CASE("nobody listening is unreachable, and the message names the place but not the query") {
    std::uint16_t port = 0;
    net_test::listen_on_loopback(port).reset();
    const auto response = get(plain(), fmt::format("http://127.0.0.1:{}/path?token=secret", port));
    REQUIRE(!response);
    CHECK(response.error().code() == ErrorCode::net_unreachable);
    CHECK(response.error().detail().starts_with(fmt::format("http://127.0.0.1:{}: ", port)));
    CHECK(!response.error().detail().contains("secret"));
}

TEST_CASE("a server that accepts and never answers is a time-out") {
    std::uint16_t port = 0;
    const base::UniqueFd listener = net_test::listen_on_loopback(port);
    net::HttpClientOptions options = plain();
    options.total_timeout = milliseconds(100);
    CHECK(get(options, fmt::format("http://127.0.0.1:{}/", port)).error().code() == ErrorCode::net_timeout);
}

TEST_CASE("an answer over the limit is refused while it arrives, with and without a length") {
    net::HttpClientOptions options = plain();
    options.max_response_bytes = 1000;
    const std::string body(5000, 'x');
    const RawServer with_length("HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n" + body);
    CHECK(get(options, with_length.url()).error().code() == ErrorCode::response_too_large);
    const RawServer without("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + body);
    CHECK(get(options, without.url()).error().code() == ErrorCode::response_too_large);
    const RawServer at_limit("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + body.substr(0, 1000));
    CHECK(get(options, at_limit.url())->body.size() == 1000);
    std::string headers;
    for (int i = 0; i < 20'000; ++i) headers += "X-Y: zzzzzzzzzzzzzzzz\r\n";
    const RawServer many("HTTP/1.1 200 OK\r\n" + headers + "\r\n");
    CHECK(!get(options, many.url()));
}

TEST_CASE("truncated and senseless answers are errors") {
    const RawServer truncated("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc");
    CHECK(get(plain(), truncated.url()).error().code() == ErrorCode::net_failed);
    const RawServer nothing("");
    CHECK(get(plain(), nothing.url()).error().code() == ErrorCode::net_failed);
    const RawServer rubbish("SSH-2.0-x\r\n");
    CHECK(get(plain(), rubbish.url()).error().code() == ErrorCode::net_failed);
}

TEST_CASE("a redirect is an answer and is not followed") {
    const RawServer server("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n");
    const auto response = get(plain(), server.url());
    REQUIRE(response);
    CHECK(response->status == 302);
    CHECK(response->header("location") == "http://127.0.0.1:1/");
}

TEST_CASE("a proxy that is configured is used, and not for hosts that are excepted") {
    const Server proxy([](const net::ServerRequest&) { return net_test::text_response("by proxy"); });
    const Server origin;
    net::HttpClientOptions options = plain();
    options.proxy = fmt::format("http://127.0.0.1:{}", proxy.port);
    // Our server takes the origin form only, and a proxy is asked in absolute form: its 400 shows that it was asked.
    CHECK(get(options, origin.url("/"))->status == 400);
    options.no_proxy = "127.0.0.1";
    CHECK(get(options, origin.url("/"))->status == 200);
}

TEST_CASE("a CA or pin that cannot be read is a configuration error") {
    CHECK(net::create_http_client({.ca_pem = "nonsense", .allow_http = false}).error().code() ==
          ErrorCode::config_invalid);
    CHECK(!net::create_http_client({.pinned_spki_sha256 = "AAAA", .allow_http = false}));
}
