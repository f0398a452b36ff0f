// SPDX-License-Identifier: Apache-2.0
#include "keyprovider/command_socket.h"

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <future>
#include <latch>
#include <thread>

#include "keyprovider/command_client.h"
#include "temporary_folder.h"

using base::as_bytes;
using base::ErrorCode;
using keyprovider::Answer;
using keyprovider::CommandSocket;
using keyprovider::connect_command_socket;
using keyprovider::Failure;
using keyprovider::forward_command;

namespace {

Answer echo(base::ByteView request) {
    return base::WipingString("got ") + base::WipingString(base::as_text(request));
}

std::unique_ptr<CommandSocket> start(const std::filesystem::path& path, keyprovider::CommandHandler handler = echo,
                                     std::size_t max_connections = 64,
                                     std::chrono::milliseconds peer_timeout = std::chrono::seconds(10)) {
    auto socket = CommandSocket::start(
        {.path = path, .max_request_bytes = 1024, .max_connections = max_connections, .peer_timeout = peer_timeout},
        std::move(handler));
    if (!socket) FAIL(socket.error().message());
    return std::move(*socket);
}

base::UniqueFd connect(const std::filesystem::path& path) {
    auto connection = connect_command_socket(path);
    if (!connection) FAIL(connection.error().message());
    return std::move(*connection);
}

std::string ask(const std::filesystem::path& path, std::string_view request) {
    const auto answer = forward_command(connect(path), as_bytes(request));
    return answer ? std::string(answer->text()) : "FAILED " + answer.error();
}

}  // namespace

TEST_CASE("a request reaches the handler and its answer the client") {
    const TemporaryFolder folder;
    const auto path = folder.path() / "s";
    const auto socket = start(path);
    CHECK(ask(path, "hello") == "got hello");
    CHECK(ask(path, "") == "got ");
}

TEST_CASE("a failure reaches the client as its one line") {
    const TemporaryFolder folder;
    const auto path = folder.path() / "s";
    const auto socket = start(path, [](base::ByteView) -> Answer {
        return std::unexpected(Failure{base::Error(ErrorCode::policy_denied, "x\ny").with_remedy("do"), "77"});
    });
    CHECK(ask(path, "hello") == "FAILED policy-denied: x?y; hint: do (request 77)");
}

TEST_CASE("the socket and its lock are readable and writable by their owner only, whatever the umask") {
    const TemporaryFolder folder;
    const auto path = folder.path() / "s";
    const mode_t previous = umask(0);
    const auto socket = start(path);
    umask(previous);
    for (const auto& file : {path, folder.path() / "s.lock"}) {
        struct stat status{};
        REQUIRE(stat(file.c_str(), &status) == 0);
        CHECK((status.st_mode & 07777) == 0600);
    }
}

TEST_CASE("a socket left by a dead process is replaced") {
    const TemporaryFolder folder;
    const auto path = folder.path() / "s";
    {
        const base::UniqueFd dead(::socket(AF_UNIX, SOCK_STREAM, 0));
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::strcpy(address.sun_path, path.c_str());
        REQUIRE(bind(dead.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0);
    }
    CHECK_FALSE(connect_command_socket(path).has_value());
    const auto socket = start(path);
    CHECK(ask(path, "x") == "got x");
}

TEST_CASE("a path that another service answers on is refused and left alone") {
    const TemporaryFolder folder;
    const auto path = folder.path() / "s";
    const auto first = start(path);
    const auto second = CommandSocket::start({.path = path, .max_request_bytes = 1}, echo);
    REQUIRE_FALSE(second.has_value());
    CHECK(second.error().code() == ErrorCode::file_unwritable);
    CHECK(second.error().detail().contains("another process serves this socket"));
    CHECK(ask(path, "x") == "got x");
}

TEST_CASE("a file that is no socket is never removed") {
    const TemporaryFolder folder;
    const auto path = folder.write("s", "precious");
    const auto socket = CommandSocket::start({.path = path, .max_request_bytes = 1}, echo);
    REQUIRE_FALSE(socket.has_value());
    CHECK(socket.error().code() == ErrorCode::file_unwritable);
    CHECK(std::filesystem::file_size(path) == 8);
}

TEST_CASE("a missing folder and a path too long for a socket are errors that name the path") {
    for (const std::filesystem::path& path :
         {std::filesystem::path("/nonexistent/s"), std::filesystem::temp_directory_path() / std::string(120, 'x')}) {
        const auto socket = CommandSocket::start({.path = path, .max_request_bytes = 1}, echo);
        REQUIRE_FALSE(socket.has_value());
        CHECK(socket.error().detail().contains(path.string()));
        std::filesystem::remove(path.string() + ".lock");
    }
}

TEST_CASE("a request beyond the limit is refused") {
    const TemporaryFolder folder;
    const auto path = folder.path() / "s";
    const auto socket = start(path);
    CHECK(ask(path, std::string(1024, 'a')) == "got " + std::string(1024, 'a'));
    CHECK(ask(path, std::string(1025, 'a')).starts_with("FAILED input-too-large: "));
}

TEST_CASE("a client that never ends its request is let go after its time") {
    const TemporaryFolder folder;
    const auto path = folder.path() / "s";
    const auto socket = start(path, echo, 64, std::chrono::milliseconds(50));
    const auto connection = connect(path);
    REQUIRE(base::write_all(connection.get(), as_bytes("half")));
    const auto answer = base::read_to_end(connection.get(), 1024);
    REQUIRE(answer.has_value());
    CHECK(answer->text().starts_with("error\ndeadline-exceeded: "));
}

TEST_CASE("clients beyond the limit wait for their turn") {
    const TemporaryFolder folder;
    const auto path = folder.path() / "s";
    std::atomic<int> now = 0;
    std::atomic<int> most = 0;
    const auto socket = start(
        path,
        [&](base::ByteView request) {
            most = std::max(most.load(), ++now);
            std::this_thread::sleep_for(std::chrono::milliseconds(5));
            --now;
            return echo(request);
        },
        2);
    std::vector<std::future<std::string>> answers;
    for (int i = 0; i < 6; ++i) answers.push_back(std::async(std::launch::async, [&] { return ask(path, "x"); }));
    for (auto& answer : answers) CHECK(answer.get() == "got x");
    CHECK(most == 2);
}

TEST_CASE("many clients are answered at once, each with its own answer") {
    const TemporaryFolder folder;
    const auto path = folder.path() / "s";
    std::latch together(8);
    const auto socket = start(path, [&](base::ByteView request) {
        together.arrive_and_wait();
        return echo(request);
    });
    std::vector<std::future<std::string>> answers;
    for (int i = 0; i < 8; ++i)
        answers.push_back(std::async(std::launch::async, [&path, i] { return ask(path, std::to_string(i)); }));
    for (int i = 0; i < 8; ++i) CHECK(answers[static_cast<std::size_t>(i)].get() == "got " + std::to_string(i));
}

TEST_CASE("stopping answers who has connected, then removes the socket") {
    const TemporaryFolder folder;
    const auto path = folder.path() / "s";
    std::latch entered(1);
    std::atomic<bool> answered = false;
    auto socket = start(path, [&](base::ByteView request) {
        entered.count_down();
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
        answered = true;
        return echo(request);
    });
    auto client = std::async(std::launch::async, [&] { return ask(path, "last"); });
    entered.wait();
    socket->stop();
    CHECK(answered);
    CHECK(client.get() == "got last");
    CHECK_FALSE(std::filesystem::exists(path));
    CHECK_FALSE(connect_command_socket(path).has_value());
    CHECK(start(path) != nullptr);  // the lock is free again
}

TEST_CASE("a service that closes without an answer is an error, never an empty answer") {
    const TemporaryFolder folder;
    const auto path = folder.path() / "s";
    const base::UniqueFd listener(::socket(AF_UNIX, SOCK_STREAM, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strcpy(address.sun_path, path.c_str());
    REQUIRE(bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0);
    REQUIRE(listen(listener.get(), 1) == 0);
    for (const char* bytes : {"", "ok", "OK\n{}", "garbage\n"}) {
        auto client = std::async(std::launch::async, [&] { return ask(path, "x"); });
        {
            const base::UniqueFd peer(accept(listener.get(), nullptr, nullptr));
            REQUIRE(base::read_to_end(peer.get(), 1024));
            REQUIRE(base::write_all(peer.get(), as_bytes(bytes)));
        }
        CHECK(
            client.get().starts_with("FAILED net-failed: running service: it closed the connection without an answer"));
    }
}
