// SPDX-License-Identifier: Apache-2.0
#include "net/http_server.h"

#include <doctest/doctest.h>

#include <atomic>
#include <future>
#include <stdexcept>
#include <thread>
#include <tuple>
#include <vector>

#include "loopback.h"
#include "net/http_client.h"

using net_test::raw_exchange;
using net_test::Server;
using net_test::text_response;
using std::chrono::milliseconds;

namespace {

std::unique_ptr<net::HttpClient> client() {
    return std::move(*net::create_http_client({.allow_http = true, .total_timeout = milliseconds(20'000)}));
}

std::string status_of(const std::string& answer) {
    return answer.substr(0, answer.find("\r\n"));
}

}  // namespace

TEST_CASE("the handler gets method, path, query, headers, body and peer") {
    net::ServerRequest seen;
    const Server server([&](const net::ServerRequest& request) {
        seen.headers = request.headers;
        seen.peer = request.peer;
        return net_test::echo(request);
    });
    const auto response =
        client()->send({"POST", server.url("/a%2fb?x=1&y"), {{"X-Id", "7"}}, base::SecretBytes::copy_of("body")});
    REQUIRE(response);
    CHECK(response->status == 200);
    CHECK(response->body.text() == "POST /a%2fb x=1&y body");
    CHECK(seen.headers.find("x-id") == "7");
    CHECK(seen.peer.starts_with("127.0.0.1:"));
}

TEST_CASE("status and headers of the handler reach the client") {
    const Server server([](const net::ServerRequest&) {
        net::ServerResponse response = text_response("no", 401);
        response.headers.add("X-Code", "policy-denied");
        return response;
    });
    const auto response = client()->send({"GET", server.url("/"), {}, {}});
    CHECK(response->status == 401);
    CHECK(response->header("x-code") == "policy-denied");
    CHECK(response->body.text() == "no");
}

TEST_CASE("an answer of the handler that cannot be sent is a 500, and the server lives on") {
    for (const auto& [status, name, value] :
         std::vector<std::tuple<int, std::string, std::string>>{{200, "X-Bad", "a\r\nX-Injected: b"},
                                                                {200, "X Bad", "a"},
                                                                {200, "Transfer-Encoding", "chunked"},
                                                                {200, "X-Big", std::string(70'000, 'a')},
                                                                {0, "X", "a"},
                                                                {1000, "X", "a"}}) {
        CAPTURE(name);
        const Server server([&](const net::ServerRequest&) {
            net::ServerResponse response = text_response("fine", status);
            response.headers.add(name, value);
            return response;
        });
        for (int i = 0; i < 2; ++i) {
            const auto response = client()->send({"GET", server.url("/"), {}, {}});
            REQUIRE(response);
            CHECK(response->status == 500);
            CHECK(!response->header("x-injected"));
        }
    }
}

TEST_CASE("a header field that Beast cannot hold is refused, and the server lives on") {
    const Server server;
    for (int i = 0; i < 2; ++i) {
        CHECK(status_of(raw_exchange(server.port, "GET / HTTP/1.1\r\nHost: x\r\nX: " + std::string(70'000, 'a') +
                                                      "\r\n\r\n")) == "HTTP/1.1 431 Request Header Fields Too Large");
    }
    const std::string answer = raw_exchange(
        server.port, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX: " + std::string(60'000, 'a') + "\r\n\r\n");
    CHECK(status_of(answer) == "HTTP/1.1 200 OK");
}

TEST_CASE("a client that expects 100 Continue is told to go on") {
    const Server server(net_test::echo, {.body_timeout = milliseconds(100)});
    const std::string answer = raw_exchange(
        server.port,
        "POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nConnection: close\r\nContent-Length: 3\r\n\r\n");
    CHECK(status_of(answer) == "HTTP/1.1 100 Continue");
}

TEST_CASE("several requests on one connection are answered in their order, chunked bodies too") {
    const Server server;
    const std::string answer =
        raw_exchange(server.port,
                     "GET /1 HTTP/1.1\r\nHost: x\r\n\r\n"
                     "POST /2 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
                     "GET /3 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    const std::size_t first = answer.find("GET /1  ");
    const std::size_t second = answer.find("POST /2  abc");
    const std::size_t third = answer.find("GET /3  ");
    CHECK(first < second);
    CHECK(second < third);
    CHECK(third != std::string::npos);
}

TEST_CASE("HEAD is answered without a body") {
    const Server server;
    const std::string answer = raw_exchange(server.port, "HEAD / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    CHECK(answer.ends_with("\r\n\r\n"));
    CHECK(answer.contains("Content-Length: 8"));
}

TEST_CASE("requests that two parsers could read differently are refused with 400 and the connection is closed") {
    const Server server(
        [](const net::ServerRequest&) -> net::ServerResponse { throw std::logic_error("never called"); });
    for (const char* request : {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: "
                                "chunked\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\n\r\n",
                                "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
                                "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
                                "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
                                "POST / HTTP/1.1\r\nHost: x\r\nContent-Length : 1\r\n\r\na",
                                "GET / HTTP/1.1\r\nHost: x\r\nX: a\r\n b\r\n\r\n", "GET / HTTP/1.1\r\n\r\n",
                                "GET http://x/ HTTP/1.1\r\nHost: x\r\n\r\n", "GET / HTTP/2.0\r\nHost: x\r\n\r\n",
                                "GET /\r\n\r\n", "\r\n\r\n\r\n", "\x16\x03\x01\x02\x01\r\n\r\n",
                                "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"}) {
        CAPTURE(request);
        const std::string answer = raw_exchange(server.port, request);
        CHECK(status_of(answer) == "HTTP/1.1 400 Bad Request");
        CHECK(answer.find("HTTP/1.1", 8) == std::string::npos);
    }
}

TEST_CASE("a header or a body over its limit is refused") {
    const Server server(net_test::echo, {.header_limit = 2000, .body_limit = 1000});
    CHECK(status_of(raw_exchange(server.port, "GET / HTTP/1.1\r\nHost: x\r\nX: " + std::string(5000, 'a') +
                                                  "\r\n\r\n")) == "HTTP/1.1 431 Request Header Fields Too Large");
    CHECK(status_of(raw_exchange(server.port, "GET /" + std::string(100'000, 'a'))) ==
          "HTTP/1.1 431 Request Header Fields Too Large");
    CHECK(status_of(raw_exchange(server.port, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1001\r\n\r\n")) ==
          "HTTP/1.1 413 Payload Too Large");
    CHECK(status_of(raw_exchange(server.port,
                                 "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3e9\r\n" +
                                     std::string(1001, 'a') + "\r\n0\r\n\r\n")) == "HTTP/1.1 413 Payload Too Large");
    CHECK(client()->send({"POST", server.url("/"), {}, base::SecretBytes(1000)})->status == 200);
}

TEST_CASE("slow clients are cut off, in the head and in the body") {
    const Server server(net_test::echo, {.header_timeout = milliseconds(50), .body_timeout = milliseconds(50)});
    CHECK(raw_exchange(server.port, "GET / HTTP/1.1\r\nHos").empty());
    CHECK(raw_exchange(server.port, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc").empty());
    CHECK(raw_exchange(server.port, "").empty());
}

TEST_CASE("an exception of the handler is a 500 that says nothing") {
    const Server server([](const net::ServerRequest&) -> net::ServerResponse { throw std::runtime_error("secret"); });
    const auto response = client()->send({"GET", server.url("/"), {}, {}});
    CHECK(response->status == 500);
    CHECK(!response->body.text().contains("secret"));
}

TEST_CASE("many clients at once are all answered") {
    const Server server(net_test::echo, {.max_connections = 8, .threads = 2});
    std::atomic<int> good = 0;
    {
        const auto shared = client();
        std::vector<std::jthread> threads;
        for (int i = 0; i < 32; ++i) {
            threads.emplace_back([&, i] {
                const auto response = (i % 2 == 0 ? client() : nullptr);
                net::HttpClient& used = response ? *response : *shared;
                const auto answer =
                    used.send({"GET", server.url("/" + std::to_string(i)), {{"Connection", "close"}}, {}});
                if (answer && answer->body.text() == fmt::format("GET /{}  ", i)) ++good;
            });
        }
    }
    CHECK(good == 32);
}

TEST_CASE("draining finishes what has begun and accepts nothing new") {
    std::promise<void> begun;
    std::promise<void> go_on;
    auto server = std::make_unique<Server>([&](const net::ServerRequest&) {
        begun.set_value();
        go_on.get_future().wait();
        return text_response("done");
    });
    const std::string url = server->url("/");
    auto answer = std::async(std::launch::async, [&] { return client()->send({"GET", url, {}, {}}); });
    begun.get_future().wait();
    const base::UniqueFd idle = net_test::connect_to(server->port);
    auto drained = std::async(std::launch::async, [&] { server->server->drain(std::chrono::seconds(20)); });
    // The idle connection ends at once, which also shows that draining has begun.
    const auto ended = base::read_to_end(idle.get(), 10, std::chrono::steady_clock::now() + std::chrono::seconds(20));
    CHECK((ended ? ended->empty() : ended.error().code() != base::ErrorCode::deadline_exceeded));
    CHECK(client()->send({"GET", url, {}, {}}).error().code() == base::ErrorCode::net_unreachable);
    go_on.set_value();
    CHECK(answer.get()->body.text() == "done");
    drained.get();
}

TEST_CASE("addresses that cannot be listened on are errors that name them") {
    const auto start = [](std::string address) {
        auto started = net::HttpServer::start({.listen = {std::move(address)}}, net_test::echo);
        return started ? std::string("started") : started.error().message();
    };
    CHECK(start("127.0.0.1").starts_with("config-invalid: \"127.0.0.1\" is not ADDRESS:PORT"));
    CHECK(start("::1:80").starts_with("config-invalid"));
    CHECK(start("127.0.0.1:65536").starts_with("config-invalid"));
    CHECK(start("localhost:80").starts_with("config-invalid"));
    CHECK(start("192.0.2.1:80").starts_with("net-failed: cannot listen on 192.0.2.1:80"));
    CHECK(start("[::1]:0") == "started");
}
