// SPDX-License-Identifier: Apache-2.0
#include "serve/systemd.h"

#include <doctest/doctest.h>
#include <unistd.h>

using keyprovider::serve::inherited_sockets;

TEST_CASE("sockets for another process are not ours") {
    const auto sockets =
        inherited_sockets({.listen_pid = "1", .listen_fds = "1", .listen_fdnames = "grpc", .notify_socket = {}});
    REQUIRE(sockets);
    CHECK(sockets->empty());
}

TEST_CASE("a count that is no count is refused") {
    const std::string pid = std::to_string(getpid());
    for (const auto* count : {"", "x", "-1", "1x", "17", "99999999999"}) {
        const auto sockets =
            inherited_sockets({.listen_pid = pid, .listen_fds = count, .listen_fdnames = {}, .notify_socket = {}});
        REQUIRE_FALSE_MESSAGE(sockets, count);
        CHECK(sockets.error().code() == base::ErrorCode::config_invalid);
    }
}
