// SPDX-License-Identifier: Apache-2.0
#include "request_parser.h"

#include <doctest/doctest.h>

#include <string>

using net::RequestParser;
using State = net::RequestParser::State;

namespace {

constexpr RequestParser::Limits kLimits{.header_bytes = 4096, .body_bytes = 1000};
constexpr std::string_view kHead = "POST /p?q=1 HTTP/1.1\r\nHost: x\r\n";

std::string chunked(std::string_view body) {
    return std::string(kHead) + "Transfer-Encoding: chunked\r\n\r\n" + std::string(body);
}

/// The status of the refusal, 0 where there is none.
int refusal(std::string_view text) {
    RequestParser parser(kLimits);
    return parser.feed(text) == State::refused ? parser.status() : 0;
}

}  // namespace

TEST_CASE("a request that comes byte by byte is the same as at once") {
    const std::string text = chunked("3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
    RequestParser parser(kLimits);
    CHECK(parser.state() == State::waiting);
    for (std::size_t i = 0; i + 1 < text.size(); ++i) {
        const State state = parser.feed(text.substr(i, 1));
        CHECK((state == State::head || state == State::body));
    }
    REQUIRE(parser.feed(text.substr(text.size() - 1)) == State::complete);
    CHECK(parser.keep_alive());
    const net::ServerRequest request = parser.take();
    CHECK(request.method == "POST");
    CHECK(request.target_path == "/p");
    CHECK(request.query == "q=1");
    CHECK(request.body.text() == "abcde");
    CHECK(parser.state() == State::waiting);
}

TEST_CASE("what follows a request belongs to the next one") {
    RequestParser parser(kLimits);
    REQUIRE(parser.feed("GET /1 HTTP/1.1\r\nHost: x\r\n\r\nGET /2 HTTP/1.0\r\n\r\nGET") == State::complete);
    CHECK(parser.take().target_path == "/1");
    REQUIRE(parser.state() == State::complete);
    CHECK(!parser.keep_alive());
    CHECK(parser.take().target_path == "/2");
    CHECK(parser.state() == State::head);
}

TEST_CASE("chunk extensions, trailer fields and malformed chunks are refused") {
    CHECK(refusal(chunked("0\r\n\r\n")) == 0);
    CHECK(refusal(chunked("3;a=b\r\nabc\r\n0\r\n\r\n")) == 400);
    CHECK(refusal(chunked("0;a\r\n\r\n")) == 400);
    CHECK(refusal(chunked("0\r\nAuthorization: Bearer x\r\n\r\n")) == 400);
    CHECK(refusal(chunked("3\nabc\r\n0\r\n\r\n")) == 400);
    CHECK(refusal(chunked("3\r\nabcd\r\n0\r\n\r\n")) == 400);
    CHECK(refusal(chunked("-1\r\n")) == 400);
    CHECK(refusal(chunked("ffffffffffffffffff\r\n")) == 400);
    CHECK(refusal(chunked("g\r\n")) == 400);
    CHECK(refusal(chunked("\r\n")) == 400);
}

TEST_CASE("lines between chunks that never end are refused, so that memory is bounded") {
    CHECK(refusal(chunked("0\r\nX: " + std::string(100'000, 'a'))) == 400);
    CHECK(refusal(chunked("1;" + std::string(100'000, 'a'))) == 400);
}

TEST_CASE("a body over the limit is refused as soon as its size is known") {
    CHECK(refusal(std::string(kHead) + "Content-Length: 1000\r\n\r\n") == 0);
    CHECK(refusal(std::string(kHead) + "Content-Length: 1001\r\n\r\n") == 413);
    CHECK(refusal(std::string(kHead) + "Content-Length: 18446744073709551615\r\n\r\n") == 413);
    CHECK(refusal(chunked("3e9\r\n")) == 413);
    CHECK(refusal(chunked("1f4\r\n" + std::string(500, 'a') + "\r\n1f5\r\n")) == 413);
}

TEST_CASE("a head over the limit is refused, complete or not") {
    CHECK(refusal("GET /" + std::string(4096, 'a')) == 431);
    CHECK(refusal("GET / HTTP/1.1\r\nHost: x\r\nX: " + std::string(4096, 'a') + "\r\n\r\n") == 431);
}

TEST_CASE("line ends other than CRLF and control characters are refused") {
    CHECK(refusal("GET / HTTP/1.1\nHost: x\n\n\r\n\r\n") == 400);
    CHECK(refusal("GET / HTTP/1.1\r\nHost: x\nX: y\r\n\r\n") == 400);
    using namespace std::string_view_literals;
    CHECK(refusal("GET / HTTP/1.1\r\nHost: x\r\nX: a\0b\r\n\r\n"sv) == 400);
    CHECK(refusal("GET  / HTTP/1.1\r\nHost: x\r\n\r\n") == 400);
    CHECK(refusal("GET / a HTTP/1.1\r\nHost: x\r\n\r\n") == 400);
}

TEST_CASE("a refusal is for good") {
    RequestParser parser(kLimits);
    CHECK(parser.feed("rubbish\r\n\r\n") == State::refused);
    CHECK(parser.feed("GET / HTTP/1.1\r\nHost: x\r\n\r\n") == State::refused);
}
