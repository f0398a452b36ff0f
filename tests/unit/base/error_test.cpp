// SPDX-License-Identifier: Apache-2.0
#include "base/error.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <set>

using base::Error;
using base::ErrorCode;

TEST_CASE("every code has a kebab-case name of its own, a cause and a remedy of one line") {
    std::set<std::string_view> names;
    for (const auto& entry : base::all_errors()) {
        CAPTURE(entry.name);
        CHECK(names.insert(entry.name).second);
        CHECK(std::ranges::all_of(entry.name,
                                  [](char c) { return (c >= 'a' && c <= 'z') || c == '-' || (c >= '0' && c <= '9'); }));
        CHECK(!entry.cause.empty());
        CHECK(!entry.remedy.empty());
        CHECK(entry.cause.back() != '.');
        CHECK(entry.remedy.find('\n') == std::string_view::npos);
        CHECK(base::error_code_from_name(entry.name) == entry.code);
        CHECK(base::describe(entry.code).name == entry.name);
    }
    CHECK(!base::error_code_from_name("no-such-code"));
}

TEST_CASE("a message is the code, then the detail, or the cause where there is none") {
    CHECK(Error(ErrorCode::key_not_found, "kbs:///a/b/c").message() == "key-not-found: kbs:///a/b/c");
    CHECK(Error(ErrorCode::key_not_found).message() == "key-not-found: the key broker has no such key");
    CHECK(Error(ErrorCode::key_not_found, "x").within("layer 3").message() == "key-not-found: layer 3: x");
}

TEST_CASE("a message is one printable line whatever a peer sent") {
    CHECK(Error(ErrorCode::kbs_refused, "a\nb\x1b[2Jc\x01").message() == "kbs-refused: a?b?[2Jc?");
    CHECK(base::printable_line("gr\xc3\xbc\xc3\x9f"
                               "e") ==
          "gr\xc3\xbc\xc3\x9f"
          "e");
    CHECK(base::printable_line("\xc3(") == "?(");
    CHECK(base::printable_line("\xc2\x9b"
                               "2J") == "?2J");
    // What is no UTF-8 would make JSON around it unreadable: overlong, surrogate, beyond the last code point.
    CHECK(base::printable_line("\xe0\x80\x80") == "???");
    CHECK(base::printable_line("\xed\xa0\x80") == "???");
    CHECK(base::printable_line("\xf0\x80\x80\x80") == "????");
    CHECK(base::printable_line("\xf4\x94\x94\x94") == "????");
    CHECK(base::printable_line("\xf4\x8f\xbf\xbf") == "\xf4\x8f\xbf\xbf");
    CHECK(base::printable_line(std::string(1000, 'x')).size() <= 403);
}

TEST_CASE("a remedy can be replaced by the one a server sent") {
    CHECK(Error(ErrorCode::policy_denied).with_remedy("ask Anna").remedy() == "ask Anna");
    CHECK(Error(ErrorCode::policy_denied).remedy() == base::describe(ErrorCode::policy_denied).remedy);
}

TEST_CASE("suggests the nearest word and nothing where none is near") {
    const std::array<std::string_view, 4> words{"keyid", "keypath", "algorithm", "policy"};
    CHECK(base::nearest("keyd", words) == "keyid");
    CHECK(base::nearest("keypaht", words) == "keypath");
    CHECK(base::nearest("polcy", words) == "policy");
    CHECK(!base::nearest("zzzzzzz", words));
    CHECK(!base::nearest(std::string(100'000, 'k'), words));
    CHECK(!base::nearest("", words));
}
