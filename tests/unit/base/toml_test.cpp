// SPDX-License-Identifier: Apache-2.0
#include "base/toml.h"

#include <doctest/doctest.h>

using base::ErrorCode;
using base::TomlFile;

TEST_CASE("reads each type and says what is absent") {
    auto file = TomlFile::parse(
        "name = \"x\"\nn = 7\non = true\nlist = [\"a\", \"b\"]\n[inner]\nk = \"v\"\n[[row]]\nid = 1\n[[row]]\nid = 2\n",
        "f.toml");
    REQUIRE(file);
    auto& root = file->root();
    CHECK(**root.string("name") == "x");
    CHECK(**root.integer("n", 0, 10) == 7);
    CHECK(**root.boolean("on"));
    CHECK((**root.strings("list")).size() == 2);
    CHECK(!root.string("absent")->has_value());
    auto inner = root.table("inner");
    CHECK(**inner->string("k") == "v");
    auto rows = root.tables("row");
    REQUIRE(rows->size() == 2);
    CHECK(**(*rows)[1].integer("id", 0, 9) == 2);
    CHECK(**(*rows)[0].integer("id", 0, 9) == 1);
    CHECK(file->finish());
}

TEST_CASE("refuses a key nobody asked for, with its place and the nearest known one") {
    auto file = TomlFile::parse("[kbs]\nurl = \"u\"\ntimeout_second = 3\n", "f.toml");
    REQUIRE(file);
    auto kbs = file->root().table("kbs");
    CHECK(kbs->string("url"));
    CHECK(kbs->integer("timeout_seconds", 1, 9));
    const auto finished = file->finish();
    REQUIRE(!finished);
    CHECK(finished.error().code() == ErrorCode::config_invalid);
    CHECK(finished.error().detail() == "f.toml:3:1: unknown key timeout_second (did you mean timeout_seconds?)");
}

TEST_CASE("refuses an unknown table") {
    auto file = TomlFile::parse("[kbss]\nurl = \"u\"\n", "f.toml");
    CHECK(file->root().table("kbs"));
    CHECK(file->finish().error().detail().find("unknown key kbss (did you mean kbs?)") != std::string::npos);
}

TEST_CASE("refuses another type and a number out of range, with the place") {
    auto file = TomlFile::parse("a = 1\nb = \"x\"\nc = [1]\n", "f.toml");
    CHECK(file->root().string("a").error().detail() == "f.toml:1:5: a is an integer, not a string");
    CHECK(file->root().integer("b", 0, 9).error().detail() == "f.toml:2:5: b is a string, not an integer");
    CHECK(file->root().strings("c").error().detail() == "f.toml:3:6: c is an integer, not a string");
    CHECK(file->root().integer("a", 2, 9).error().detail() == "f.toml:1:5: a must be from 2 to 9");
    CHECK(!file->root().table("a"));
    CHECK(!file->root().tables("c"));
}

TEST_CASE("a syntax error names line and column") {
    const auto file = TomlFile::parse("a = 1\nb = = 2\n", "f.toml");
    REQUIRE(!file);
    CHECK(file.error().detail().starts_with("f.toml:2:5: "));
    CHECK(!TomlFile::parse("a = 1\na = 2\n", "f.toml"));
    CHECK(!TomlFile::parse("a = 1\n[[ [ x", "f.toml"));
    CHECK(!TomlFile::parse("a = [[2, 2], }", "f.toml"));
    CHECK(!TomlFile::parse("a = 1\nb = \"\x01\"", "f.toml"));
    CHECK(TomlFile::parse("a\xca\x89 = 1", "f.toml").error().detail() ==
          "f.toml:1: a character beyond ASCII outside a comment; in a string write it as an escape: \\u00E4");
    CHECK(!TomlFile::parse("a = \"\"\"x\"\"\"", "f.toml"));
    CHECK(TomlFile::parse("a = \"#\" # f\xc3\xbcr\n", "f.toml"));
    CHECK(!TomlFile::parse(std::string(2 << 20, '#'), "f.toml"));
}
