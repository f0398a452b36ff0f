// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "serve/listeners.h"

using namespace keyprovider::serve;

TEST_CASE("both spellings of a Unix address mean its path") {
    for (const auto* text : {"unix:///run/a.sock", "unix:/run/a.sock"}) {
        const auto address = parse_listen_address(text);
        REQUIRE(address);
        CHECK(std::get<UnixAddress>(*address).path == "/run/a.sock");
    }
}

TEST_CASE("every address of 127/8, ::1 and localhost is loopback, and nothing else is") {
    for (const auto* text : {"127.0.0.1:1", "127.255.0.9:1", "[::1]:1", "localhost:1"}) {
        const auto address = parse_listen_address(text);
        REQUIRE_MESSAGE(address, text);
        CHECK_MESSAGE(std::get<TcpAddress>(*address).loopback, text);
    }
    for (const auto* text : {"0.0.0.0:1", "128.0.0.1:1", "[::]:1", "[::ffff:127.0.0.1]:1", "10.0.0.1:1"}) {
        const auto address = parse_listen_address(text);
        REQUIRE_MESSAGE(address, text);
        CHECK_FALSE_MESSAGE(std::get<TcpAddress>(*address).loopback, text);
    }
}

TEST_CASE("what is no address is refused as configuration") {
    for (const auto* text :
         {"", "1", ":1", "host:1", "127.1:1", "127.0.0.1", "127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1:1x",
          "[127.0.0.1]:1", "::1:1", "unix:", "unix://", "unix:a", "unix:/a/", "unix-abstract:", "tcp://127.0.0.1:1"}) {
        const auto address = parse_listen_address(text);
        REQUIRE_FALSE_MESSAGE(address, text);
        CHECK(address.error().code() == base::ErrorCode::config_invalid);
    }
}

TEST_CASE("an abstract name fills at most the address") {
    CHECK(parse_listen_address("unix-abstract:" + std::string(107, 'n')));
    CHECK_FALSE(parse_listen_address("unix-abstract:" + std::string(108, 'n')));
}

TEST_CASE("a list has no empty place") {
    const auto both = parse_listen_addresses("unix:///a,127.0.0.1:0");
    REQUIRE(both);
    CHECK(both->size() == 2);
    CHECK_FALSE(parse_listen_addresses("unix:///a,"));
    CHECK_FALSE(parse_listen_addresses(",unix:///a"));
}
