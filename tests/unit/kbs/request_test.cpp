// SPDX-License-Identifier: Apache-2.0
#include "request.h"

#include <doctest/doctest.h>

using namespace kbs;

namespace {
using Segments = std::vector<std::string>;
using Query = std::map<std::string, std::string>;

std::string cookie(const std::string& header) {
    net::ServerRequest http;
    http.headers.add("cookie", header);
    const Request request{.http = http, .id = {}, .now = {}, .path = {}, .query = {}};
    return std::string(request.session_cookie().value_or("none"));
}

std::string bearer(const std::string& header) {
    net::ServerRequest http;
    http.headers.add("Authorization", header);
    const Request request{.http = http, .id = {}, .now = {}, .path = {}, .query = {}};
    return std::string(request.bearer().value_or("none"));
}
}  // namespace

TEST_CASE("paths are split and decoded, each segment for itself") {
    CHECK(*parse_path("resource/a/b/c") == Segments{"resource", "a", "b", "c"});
    CHECK(*parse_path("%61//") == Segments{"a", "", ""});
    CHECK(*parse_path("") == Segments{""});
    for (const std::string bad : {"%", "%4", "%zz", "%00", "a%2Fb", "%%41"}) {
        CAPTURE(bad);
        CHECK_FALSE(parse_path(bad));
    }
}

TEST_CASE("queries are decoded, a name at most once") {
    CHECK(*parse_query("") == Query{});
    CHECK(*parse_query("a=b&c=d+e%21&f") == Query{{"a", "b"}, {"c", "d e!"}, {"f", ""}});
    CHECK(*parse_query("a=b=c") == Query{{"a", "b=c"}});
    for (const std::string bad : {"a=%", "%=a", "a=1&a=2", "a=1&&"}) {
        CAPTURE(bad);
        CHECK_FALSE(parse_query(bad));
    }
}

TEST_CASE("the session is found among other cookies") {
    CHECK(cookie("kbs-session-id=abc") == "abc");
    CHECK(cookie("a=b; kbs-session-id=abc; c=d") == "abc");
    CHECK(cookie("xkbs-session-id=abc;kbs-session-id=") == "");
    CHECK(cookie("kbs-session-id") == "none");
    CHECK(cookie("") == "none");
}

TEST_CASE("a bearer token is what follows the scheme, in any case") {
    CHECK(bearer("Bearer abc") == "abc");
    CHECK(bearer("bearer  abc ") == "abc");
    CHECK(bearer("Bearer ") == "none");
    CHECK(bearer("Bearer") == "none");
    CHECK(bearer("Basic abc") == "none");
}

TEST_CASE("the address of a peer is without its port") {
    net::ServerRequest http;
    http.peer = "[::1]:4000";
    CHECK(Request{.http = http, .id = {}, .now = {}, .path = {}, .query = {}}.peer_address() == "[::1]");
}
