// SPDX-License-Identifier: Apache-2.0
#include "net/http.h"

#include <doctest/doctest.h>

#include "net/http_server.h"

using net::HeaderList;
using net::request_head_problem;

TEST_CASE("field names compare without regard to case") {
    const HeaderList headers{{"Content-Type", "a"}, {"content-type", "b"}};
    CHECK(headers.find("CONTENT-TYPE") == "a");
    CHECK(headers.count("content-Type") == 2);
    CHECK(!headers.find("Content"));
}

TEST_CASE("fields with line ends, control characters or bad names cannot be sent") {
    CHECK(net::valid_field("X-Id", "a b\tc"));
    CHECK(!net::valid_field("", "x"));
    CHECK(!net::valid_field("X Id", "x"));
    CHECK(!net::valid_field("X:Id", "x"));
    CHECK(!net::valid_field("X-Id", "a\r\nInjected: b"));
    CHECK(!net::valid_field("X-Id", std::string_view("a\0b", 3)));
    CHECK(!net::valid_field("X-Id", "\x7f"));
}

TEST_CASE("a plain head is fine") {
    CHECK(request_head_problem(11, "/a?b", {{"Host", "x"}}) == nullptr);
    CHECK(request_head_problem(11, "/", {{"Host", "x"}, {"Content-Length", "12"}}) == nullptr);
    CHECK(request_head_problem(11, "/", {{"Host", "x"}, {"Transfer-Encoding", "Chunked"}}) == nullptr);
    CHECK(request_head_problem(10, "/", {}) == nullptr);
}

TEST_CASE("each head that two parsers could read differently is refused") {
    CHECK(request_head_problem(11, "/", {}) != nullptr);
    CHECK(request_head_problem(11, "/", {{"Host", "a"}, {"host", "b"}}) != nullptr);
    CHECK(request_head_problem(20, "/", {{"Host", "a"}}) != nullptr);
    CHECK(request_head_problem(11, "http://x/", {{"Host", "a"}}) != nullptr);
    CHECK(request_head_problem(11, "*", {{"Host", "a"}}) != nullptr);
    CHECK(request_head_problem(11, "", {{"Host", "a"}}) != nullptr);
    CHECK(request_head_problem(11, "/#x", {{"Host", "a"}}) != nullptr);
    CHECK(request_head_problem(11, "/", {{"Host", "a"}, {"Content-Length", "1"}, {"Content-Length", "1"}}) != nullptr);
    CHECK(request_head_problem(11, "/", {{"Host", "a"}, {"Content-Length", "1, 1"}}) != nullptr);
    CHECK(request_head_problem(11, "/", {{"Host", "a"}, {"Content-Length", "+1"}}) != nullptr);
    CHECK(request_head_problem(11, "/", {{"Host", "a"}, {"Content-Length", ""}}) != nullptr);
    CHECK(request_head_problem(11, "/", {{"Host", "a"}, {"Content-Length", "1"}, {"Transfer-Encoding", "chunked"}}) !=
          nullptr);
    CHECK(request_head_problem(10, "/", {{"Transfer-Encoding", "chunked"}}) != nullptr);
    for (const char* encoding : {"gzip, chunked", "chunked, gzip", "identity", "xchunked", "chunked;a=b", ""}) {
        CHECK(request_head_problem(11, "/", {{"Host", "a"}, {"Transfer-Encoding", encoding}}) != nullptr);
    }
    CHECK(request_head_problem(
              11, "/", {{"Host", "a"}, {"Transfer-Encoding", "chunked"}, {"Transfer-Encoding", "x"}}) != nullptr);
}
