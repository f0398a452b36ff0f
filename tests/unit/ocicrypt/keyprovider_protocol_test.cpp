// SPDX-License-Identifier: Apache-2.0
#include "ocicrypt/keyprovider_protocol.h"

#include <doctest/doctest.h>

#include <string>

#include "base/encoding.h"

using base::as_bytes;
using base::ErrorCode;
using ocicrypt::KeyUnwrapRequest;
using ocicrypt::KeyWrapRequest;
using ocicrypt::parse_keyprovider_request;

namespace {

// The 193 bytes that Go writes for the vector of ocicrypt.md §1.3.
const std::string layer_options =
    R"({"symkey":"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=","digest":)"
    R"("sha256:dff90087e2a95f1c093cf40e7be6ef4e998e21b4ea38d0b494ea2fdb2576fcfe","cipheroptions":{"nonce":"8PHy8/T19vf4+fr7/P3+/w=="}})";

std::string base64(std::string_view text) {
    return base::base64_encode(as_bytes(text));
}

// What skopeo sends, with one piece replaced.
std::string wrap_request(const std::string& parameters = R"({"kp":["cGFyYW0x"]})",
                         const std::string& options = '"' + base64(layer_options) + '"') {
    return R"({"op":"keywrap","keywrapparams":{"ec":{"Parameters":)" + parameters +
           R"(,"DecryptConfig":{"Parameters":{}}},"optsdata":)" + options +
           R"(},"keyunwrapparams":{"dc":null,"annotation":null}})";
}

std::string unwrap_request(const std::string& annotation, const std::string& dc = R"({"Parameters":null})") {
    return R"({"op":"keyunwrap","keywrapparams":{"ec":null,"optsdata":null},"keyunwrapparams":{"dc":)" + dc +
           R"(,"annotation":)" + annotation + "}}";
}

KeyWrapRequest parse_wrap(const std::string& text) {
    auto request = parse_keyprovider_request(as_bytes(text));
    if (!request) FAIL(request.error().message());
    return std::get<KeyWrapRequest>(std::move(*request));
}

std::string parse_unwrap(const std::string& text) {
    auto request = parse_keyprovider_request(as_bytes(text));
    if (!request) FAIL(request.error().message());
    return base::to_string(std::get<KeyUnwrapRequest>(*request).annotation);
}

void check_refused(const std::string& text, ErrorCode code, std::string_view detail) {
    CAPTURE(text.substr(0, 200));
    const auto request = parse_keyprovider_request(as_bytes(text));
    REQUIRE_FALSE(request.has_value());
    CHECK(request.error().name() == base::describe(code).name);
    CHECK_MESSAGE(request.error().detail().contains(detail), request.error().detail());
}

}  // namespace

TEST_CASE("reads the wrap request that skopeo sends") {
    const auto wrap = parse_wrap(wrap_request());
    REQUIRE(wrap.providers.size() == 1);
    CHECK(wrap.providers[0].name == "kp");
    CHECK(wrap.providers[0].values == std::vector<std::string>{"param1"});
    CHECK(wrap.layer_options.text() == layer_options);
}

TEST_CASE("reads the unwrap request that skopeo sends") {
    CHECK(parse_unwrap(unwrap_request("\"cGFja2V0\"", R"({"Parameters":{"kp":["ZHA6d2l0aDpjb2xvbnM="]}})")) ==
          "packet");
}

TEST_CASE("reads an unwrap request without any parameters, however they are absent") {
    for (const char* dc : {"null", "{}", R"({"Parameters":null})", R"({"Parameters":{}})"})
        CHECK(parse_unwrap(unwrap_request("\"cGFja2V0\"", dc)) == "packet");
    CHECK(parse_unwrap(R"({"op":"keyunwrap","keyunwrapparams":{"annotation":"cGFja2V0"}})") == "packet");
}

TEST_CASE("reads the layer options of ocicrypt-rs, which are not base64") {
    std::string escaped;
    for (const char c : layer_options) escaped += c == '"' ? "\\\"" : std::string(1, c);
    CHECK(parse_wrap(wrap_request("{\"kp\":[]}", '"' + escaped + '"')).layer_options.text() == layer_options);
}

TEST_CASE("reads bytes written as an array of integers") {
    CHECK(parse_wrap(wrap_request("{}", "[123,125]")).layer_options.text() == "{}");
    CHECK(parse_unwrap(unwrap_request("[112,0,255]")) == std::string("p\0\xff", 3));
}

TEST_CASE("leaves the recipients and private keys of other schemes out") {
    const auto wrap =
        parse_wrap(wrap_request(R"({"pubkeys":["YQ=="],"privkeys":["c2VjcmV0"],"privkeys-passwords":[null],)"
                                R"("gpg-recipients":["YQ=="],"x509s":null,"a":["Yg=="],"b":null})"));
    REQUIRE(wrap.providers.size() == 2);
    CHECK(wrap.providers[0].name == "a");
    CHECK(wrap.providers[1].name == "b");
    CHECK(wrap.providers[1].values.empty());
}

TEST_CASE("skips null elements and keeps the order of the others") {
    const auto wrap = parse_wrap(wrap_request(R"({"kp":["cDE=",null,"cDI="]})"));
    CHECK(wrap.providers[0].values == std::vector<std::string>{"p1", "p2"});
}

TEST_CASE("matches member names without regard to case and ignores unknown members, as Go does") {
    CHECK(parse_unwrap(R"({"OP":"keyunwrap","x":[1],"KeyUnwrapParams":{"Annotation":"cGFja2V0","y":{}}})") == "packet");
}

TEST_CASE("refuses duplicate members") {
    check_refused(R"({"op":"keywrap","op":"keyunwrap","keyunwrapparams":{"annotation":"YQ=="}})",
                  ErrorCode::json_invalid, "");
    check_refused(R"({"op":"keyunwrap","keyunwrapparams":{"annotation":"YQ==","annotation":"Yg=="}})",
                  ErrorCode::json_invalid, "");
}

TEST_CASE("skips line breaks inside base64, as Go does") {
    CHECK(parse_unwrap(unwrap_request("\"cGFj\\r\\na2V0\"")) == "packet");
}

TEST_CASE("refuses what is not one JSON object") {
    check_refused("", ErrorCode::json_invalid, "");
    check_refused("{", ErrorCode::json_invalid, "");
    check_refused("keyunwrap", ErrorCode::json_invalid, "");
    check_refused(unwrap_request("\"YQ==\"") + "x", ErrorCode::json_invalid, "");
    check_refused(unwrap_request("\"YQ==\"") + std::string(1, '\0'), ErrorCode::json_invalid, "");
    check_refused(unwrap_request("\"\xff\""), ErrorCode::json_invalid, "");
    check_refused(std::string(10'000, '[') + std::string(10'000, ']'), ErrorCode::json_invalid, "");
    check_refused("[]", ErrorCode::input_invalid, "the request is not an object but array");
}

TEST_CASE("refuses an operation it does not know") {
    check_refused("{}", ErrorCode::input_invalid, "op is missing");
    check_refused(R"({"op":7})", ErrorCode::input_invalid, "op is not a string");
    check_refused(R"({"op":"KeyWrap"})", ErrorCode::input_invalid, "op is neither");
}

TEST_CASE("refuses a wrap request without layer options") {
    for (const char* options : {"null", "\"\"", "[]"})
        check_refused(wrap_request("{}", options), ErrorCode::input_invalid, "optsdata is missing or empty");
    check_refused(R"({"op":"keywrap"})", ErrorCode::input_invalid, "optsdata is missing or empty");
}

TEST_CASE("refuses layer options that are no JSON object and does not quote them") {
    for (const char* options : {"not json", "[]", "\"text\"", "{\"symkey\":", "{}x"}) {
        const std::string text = wrap_request("{}", '"' + base64(options) + '"');
        check_refused(text, ErrorCode::input_invalid, "optsdata is not a JSON object");
    }
}

TEST_CASE("refuses layer options beyond 32 KiB and says so") {
    const std::string large = "{\"x\":\"" + std::string(std::size_t{1} << 20, 'a') + "\"}";
    check_refused(wrap_request("{}", '"' + base64(large) + '"'), ErrorCode::input_too_large, "optsdata holds 1048584");
}

TEST_CASE("refuses members of the wrong type by name") {
    check_refused(wrap_request("[]"), ErrorCode::input_invalid, "Parameters is not an object but array");
    check_refused(wrap_request(R"({"kp":"YQ=="})"), ErrorCode::input_invalid, "parameter list is not an array");
    check_refused(wrap_request(R"({"kp":[1]})"), ErrorCode::input_invalid, "parameter is not a string");
    check_refused(wrap_request(R"({"kp":["?"]})"), ErrorCode::input_invalid, "parameter is not base64");
    check_refused(wrap_request("{}", "true"), ErrorCode::input_invalid, "optsdata is not a byte string");
    check_refused(R"({"op":"keyunwrap","keyunwrapparams":"x"})", ErrorCode::input_invalid, "keyunwrapparams is not");
}

TEST_CASE("refuses an annotation that is missing, empty, not base64, too large or no bytes") {
    for (const char* annotation : {"null", "\"\"", "[]"})
        check_refused(unwrap_request(annotation), ErrorCode::input_invalid, "annotation is missing or empty");
    check_refused(unwrap_request("\"YQ\""), ErrorCode::input_invalid, "annotation is not base64");
    for (const char* annotation : {"[256]", "[-1]", "[1.5]", "[null]", "[\"1\"]"})
        check_refused(unwrap_request(annotation), ErrorCode::input_invalid, "not a byte");
    check_refused(unwrap_request('"' + base64(std::string(ocicrypt::max_annotation + 1, 'a')) + '"'),
                  ErrorCode::input_too_large, "annotation holds 65537");
}

TEST_CASE("refuses a request beyond 16 MiB") {
    check_refused(std::string(ocicrypt::max_keyprovider_message + 1, ' '), ErrorCode::input_too_large, "");
}

TEST_CASE("writes answers as arrays of integers with only the result that applies") {
    const base::Bytes bytes{0, 9, 10, 99, 100, 255};
    CHECK(ocicrypt::serialize_keywrap_answer(bytes) == R"({"keywrapresults":{"annotation":[0,9,10,99,100,255]}})");
    CHECK(ocicrypt::serialize_keyunwrap_answer(bytes) == R"({"keyunwrapresults":{"optsdata":[0,9,10,99,100,255]}})");
}
