// SPDX-License-Identifier: Apache-2.0
#include "keyprovider/wrap_parameters.h"

#include <doctest/doctest.h>

using base::ErrorCode;
using keyprovider::parse_wrap_parameters;
using keyprovider::WrapParameters;

namespace {

WrapParameters parse(std::string_view text) {
    auto parameters = parse_wrap_parameters(text);
    if (!parameters) FAIL(parameters.error().message());
    return std::move(*parameters);
}

void check_refused(std::string_view text, std::string_view detail, ErrorCode code = ErrorCode::parameter_invalid) {
    CAPTURE(text);
    const auto parameters = parse_wrap_parameters(text);
    REQUIRE_FALSE(parameters.has_value());
    CHECK(parameters.error().code() == code);
    CHECK_MESSAGE(parameters.error().detail().contains(detail), parameters.error().detail());
}

}  // namespace

TEST_CASE("reads what CoCo's encrypt-image.sh writes") {
    const auto parameters = parse("keypath=/key::keyid=kbs:///default/image-kek/1::algorithm=A256GCM");
    CHECK(parameters.key_id.uri() == "kbs:///default/image-kek/1");
    CHECK(parameters.key_path == "/key");
    CHECK(parameters.register_key);
    CHECK_FALSE(parameters.policy.has_value());
    CHECK_FALSE(parameters.usage.has_value());
}

TEST_CASE("needs no more than a key id, in any form that CoCo's tools write") {
    for (const char* id :
         {"kbs:///a/b/c", "/a/b/c", "kbs.example:8080/a/b/c", "kbs://[::1]:8080/a/b/c", "kbs+resource:///a/b/c"}) {
        CAPTURE(id);
        CHECK(parse("keyid=" + std::string(id)).key_id.uri() == "kbs:///a/b/c");
        CHECK(parse("keyid=" + std::string(id) + "::register=true").key_id.uri() == "kbs:///a/b/c");
    }
}

TEST_CASE("reads policy, usage and register") {
    const auto parameters =
        parse("keyid=/a/b/c::policy=tpm=strict::usage=exportable::register=false::keypath=/k::sample=false");
    CHECK(parameters.policy == "tpm=strict");
    CHECK(parameters.usage == kbs_protocol::KeyUsage::exportable);
    CHECK_FALSE(parameters.register_key);
}

TEST_CASE("says that the key id is missing where ocicrypt passes its placeholder") {
    check_refused("Enabled", "keyid is missing");
    check_refused("policy=p", "keyid is missing");
}

TEST_CASE("names an unknown parameter and the nearest known one") {
    check_refused("keyd=/a/b/c", "no parameter is called \"keyd\"; did you mean keyid?", ErrorCode::parameter_unknown);
    check_refused("keyid=/a/b/c::key_path=/k", "\"key_path\"; did you mean keypath?", ErrorCode::parameter_unknown);
    check_refused("KEYID=/a/b/c", "no parameter is called \"KEYID\"", ErrorCode::parameter_unknown);
    check_refused("keyid=/a/b/c::something=else", "no parameter is called \"something\"", ErrorCode::parameter_unknown);
    check_refused("=x", "no parameter is called \"\"", ErrorCode::parameter_unknown);
}

TEST_CASE("refuses fields that are no assignment, empty or given twice") {
    check_refused("", "\"\" is not of the form name=value");
    check_refused("keyid", "\"keyid\" is not of the form");
    check_refused("keyid=/a/b/c::", "\"\" is not of the form");
    check_refused("keyid=/a/b/c::Enabled", "\"Enabled\" is not of the form");
    check_refused("keyid=", "keyid has no value");
    check_refused("keyid=/a/b/c::keyid=/a/b/c", "keyid is given twice");
    check_refused("keyid=/a/b/c,keypath=/k", "keyid: ");
    check_refused(std::string(4097, 'x'), "more than 4096 bytes");
}

TEST_CASE("refuses malformed key ids") {
    for (const char* id :
         {"a", "kbs:///a/b", "kbs:///a/b/c/d", "http:///a/b/c", "kbs:///a/../c", "kbs:///a/b/c?x=1", "kbs:///a/b/%63"})
        check_refused("keyid=" + std::string(id), "keyid: ");
}

TEST_CASE("refuses algorithms other than A256GCM") {
    check_refused("keyid=/a/b/c::algorithm=A256CTR", "algorithm A256CTR has no authentication");
    check_refused("keyid=/a/b/c::algorithm=a256gcm", "algorithm \"a256gcm\" is not A256GCM");
}

TEST_CASE("refuses the sample key that everyone knows") {
    check_refused("sample=true", "everyone knows");
    check_refused("keyid=/a/b/c::sample=yes", "sample is neither true nor false");
}

TEST_CASE("refuses relative key paths, unknown usages and a key that nobody keeps") {
    check_refused("keyid=/a/b/c::keypath=kek", "keypath \"kek\" is not an absolute path");
    check_refused(std::string_view("keyid=/a/b/c::keypath=/k\0x", 26), "is not an absolute path");
    check_refused("keyid=/a/b/c::usage=export", "usage: ");
    check_refused("keyid=/a/b/c::register=no", "register is neither true nor false");
    check_refused("keyid=/a/b/c::register=false", "register=false needs a keypath");
}
