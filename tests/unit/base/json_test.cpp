// SPDX-License-Identifier: Apache-2.0
#include "base/json.h"

#include <doctest/doctest.h>

#include "base/encoding.h"

namespace json = base::json;
using base::ErrorCode;

namespace {

constexpr json::Limits kLimits{.max_bytes = 8 << 20};

base::Result<json::Value> parse(std::string_view text) {
    return json::parse(text, kLimits);
}

std::string round_trip(std::string_view text) {
    return json::serialize_public(*parse(text));
}

std::string canonical(std::string_view text) {
    return std::string(std::string_view(*json::canonicalize(*parse(text))));
}

}  // namespace

TEST_CASE("keeps values, types and the order of members") {
    CHECK(round_trip(R"( {"b":1,"a":[true,false,null,-7,"x"],"c":{"d":1.5}} )") ==
          R"({"b":1,"a":[true,false,null,-7,"x"],"c":{"d":1.5}})");
    CHECK(*parse("9223372036854775807")->as_int() == INT64_MAX);
    CHECK(*parse("-9223372036854775808")->as_int() == INT64_MIN);
    CHECK(*parse("18446744073709551615")->as_double() == 18446744073709551615.0);
}

TEST_CASE("never escapes a slash and escapes control characters") {
    CHECK(json::serialize_public(json::Value("kbs:///a/b/c")) == R"("kbs:///a/b/c")");
    CHECK(json::serialize_public(json::Value("\"\\\n\x01\x1f\t")) == R"("\"\\\n\u0001\u001f\t")");
    CHECK(json::serialize_public(json::Value("<>&\xe2\x82\xac")) == "\"<>&\xe2\x82\xac\"");
}

// Each of these crashed, overflowed the stack or was accepted by the parser beneath (Debian's RapidJSON 1.1.0).
TEST_CASE("refuses a 25-byte number with a huge negative exponent") {
    CHECK(parse("0.00000000001e-2147483639").error().code() == ErrorCode::json_invalid);
    CHECK(!parse("1e99999"));
    CHECK(!parse("1e+99999"));
    CHECK(!parse("1e999"));
    CHECK(!parse("[1, 0." + std::string(100, '0') + "]"));
    CHECK(!parse(std::string(65, '9')));
    CHECK(parse("1e308"));
    CHECK(!parse("1e-400"));
    CHECK(*parse("0.00000000000e-217")->as_double() == 0);
    CHECK(*parse("-0")->as_int() == 0);
}

TEST_CASE("refuses deep nesting without using the stack") {
    CHECK(!parse(std::string(2'000'000, '[')));
    CHECK(!parse(std::string(10'000, '[') + std::string(10'000, ']')));
    CHECK(parse(std::string(64, '[') + std::string(64, ']')));
    CHECK(!parse(std::string(65, '[') + std::string(65, ']')));
    std::string objects;
    for (int i = 0; i < 10'000; ++i) objects += R"({"a":)";
    CHECK(!parse(objects));
}

TEST_CASE("refuses bad UTF-8") {
    for (const char* text :
         {"\"\xff\"", "\"\xc3\"", "\"\xc0\xaf\"", "\"\xed\xa0\x80\"", "\"\xf5\x80\x80\x80\"", "{\"\x80\":1}"}) {
        CHECK(!parse(text));
    }
    CHECK(parse("\"\xf0\x9f\x98\x80\""));
}

TEST_CASE("refuses lone surrogates in both halves") {
    CHECK(!parse(R"("\ud800")"));
    CHECK(!parse(R"("\ud800\u0041")"));
    CHECK(!parse(R"("\udc00")"));
    CHECK(!parse(R"({"\udfff":1})"));
    CHECK(std::string_view(*parse(R"("\ud83d\ude00")")->as_string()) == "\xf0\x9f\x98\x80");
}

TEST_CASE("refuses NUL bytes and whatever follows the value") {
    CHECK(!parse(std::string_view("{\"a\":1}\0x", 9)));
    CHECK(!parse(std::string_view("{\"a\":1}\0", 8)));
    CHECK(!parse(std::string_view("\"a\0b\"", 5)));
    CHECK(!parse("{} {}"));
    CHECK(!parse("{}x"));
    CHECK(parse("{}\n"));
    const auto escaped = parse(R"("a\u0000b")");
    CHECK(escaped->as_string()->size() == 3);
}

TEST_CASE("refuses duplicate members, also behind escapes and in large objects") {
    CHECK(!parse(R"({"a":1,"a":2})"));
    CHECK(!parse(R"({"x":{"a":1,"\u0061":2}})"));
    std::string large = "{";
    for (int i = 0; i < 50'000; ++i) large += "\"" + std::to_string(i) + "\":0,";
    CHECK(parse(large + "\"last\":0}"));
    CHECK(!parse(large + "\"777\":0}"));
}

TEST_CASE("takes the last of duplicates where the caller asks for it") {
    const json::Limits lenient{.max_bytes = 100, .duplicates = json::Duplicates::last_wins};
    CHECK(json::serialize_public(*json::parse(R"({"a":1,"b":2,"a":3,"a":4})", lenient)) == R"({"b":2,"a":4})");
}

TEST_CASE("refuses what is not JSON") {
    for (const char* text :
         {"",        " ",      "nul",   "tru",       "'a'",     "{a:1}",         "[1,]", "{\"a\":1,}",
          "01",      "+1",     ".5",    "1.",        "NaN",     "Infinity",      "-",    "\"",
          "\"\\x\"", "\"\n\"", "[1 2]", "{\"a\" 1}", "// c\n1", "\xef\xbb\xbf{}"}) {
        CAPTURE(text);
        CHECK(parse(text).error().code() == ErrorCode::json_invalid);
    }
}

TEST_CASE("refuses more bytes or more values than allowed") {
    CHECK(json::parse("[1,2,3]", {.max_bytes = 6}).error().code() == ErrorCode::input_too_large);
    std::string many = "[";
    for (int i = 0; i < 1'000'001; ++i) many += "0,";
    CHECK(!parse(many + "0]"));
}

TEST_CASE("canonical form matches RFC 8785: sorting by UTF-16, numbers, escapes") {
    CHECK(
        canonical(
            R"({"numbers":[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001],"string":"\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/","literals":[null,true,false]})") ==
        "{\"literals\":[null,true,false],\"numbers\":[333333333.3333333,1e+30,4.5,0.002,1e-27],"
        "\"string\":\"\xe2\x82\xac$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}");
    CHECK(
        canonical(
            R"({"\u20ac":"Euro Sign","\r":"Carriage Return","\ufb33":"Hebrew Letter Dalet With Dagesh","1":"One","\ud83d\ude00":"Emoji: Grinning Face","\u0080":"Control","\u00f6":"Latin Small Letter O With Diaeresis"})") ==
        "{\"\\r\":\"Carriage Return\",\"1\":\"One\",\"\xc2\x80\":\"Control\",\"\xc3\xb6\":\"Latin Small Letter O With "
        "Diaeresis\","
        "\"\xe2\x82\xac\":\"Euro Sign\",\"\xf0\x9f\x98\x80\":\"Emoji: Grinning Face\",\"\xef\xac\xb3\":\"Hebrew Letter "
        "Dalet With Dagesh\"}");
}

TEST_CASE("canonical numbers match the table of RFC 8785 appendix B") {
    const std::vector<std::pair<std::uint64_t, std::string_view>> table{
        {0x0000000000000000, "0"},
        {0x8000000000000000, "0"},
        {0x0000000000000001, "5e-324"},
        {0x8000000000000001, "-5e-324"},
        {0x7fefffffffffffff, "1.7976931348623157e+308"},
        {0xffefffffffffffff, "-1.7976931348623157e+308"},
        {0x4340000000000000, "9007199254740992"},
        {0xc340000000000000, "-9007199254740992"},
        {0x4430000000000000, "295147905179352830000"},
        {0x44b52d02c7e14af5, "9.999999999999997e+22"},
        {0x44b52d02c7e14af6, "1e+23"},
        {0x44b52d02c7e14af7, "1.0000000000000001e+23"},
        {0x444b1ae4d6e2ef4e, "999999999999999700000"},
        {0x444b1ae4d6e2ef4f, "999999999999999900000"},
        {0x444b1ae4d6e2ef50, "1e+21"},
        {0x3eb0c6f7a0b5ed8c, "9.999999999999997e-7"},
        {0x3eb0c6f7a0b5ed8d, "0.000001"},
        {0x41b3de4355555553, "333333333.3333332"},
        {0x41b3de4355555557, "333333333.33333343"},
        {0xbecbf647612f3696, "-0.0000033333333333333333"},
        {0x43143ff3c1cb0959, "1424953923781206.2"}};
    for (const auto& [bits, text] : table) {
        CHECK(std::string_view(*json::canonicalize(json::Value(std::bit_cast<double>(bits)))) == text);
    }
    CHECK(!json::canonicalize(json::Value(INT64_MAX)));
}

TEST_CASE("errors of typed access name the member, what it is and what it should be") {
    const auto value = parse(R"({"a":"x","n":1})");
    CHECK(*value->string_at("a") == "x");
    CHECK(*value->int_at("n") == 1);
    CHECK(value->string_at("n").error().detail() == "member \"n\" is of type number, not string");
    CHECK(value->string_at("zz").error().detail() == "member \"zz\" is missing");
    CHECK(!parse("[]")->string_at("a"));
    CHECK(value->expect_only({"a", "n"}));
    CHECK(value->expect_only({"a"}).error().detail() == "unknown member \"n\"");
}

TEST_CASE("names are found without regard to case only where asked, and the last wins") {
    const auto value = parse(R"({"SymKey":1,"symkey":2})");
    CHECK(value->find("symkey") != nullptr);
    CHECK(value->find("SYMKEY") == nullptr);
    CHECK(*value->as_object()->find_ignoring_case("SYMKEY")->as_int() == 2);
}

TEST_CASE("equality ignores the order of members and nothing else") {
    CHECK(*parse(R"({"a":1,"b":[1,2]})") == *parse(R"({"b":[1,2],"a":1})"));
    CHECK(*parse(R"({"a":1})") != *parse(R"({"a":"1"})"));
    CHECK(*parse("1e2") == *parse("100"));
    CHECK(*parse("100") != *parse("100.5"));
    CHECK(*parse("[1,2]") != *parse("[2,1]"));
    CHECK(*parse(R"({"a":1})") != *parse(R"({"a":1,"b":1})"));
}

TEST_CASE("pretty text is for people and parses back") {
    const auto value = parse(R"({"a":[1,{"b":[]}],"c":{}})");
    const std::string text = json::serialize_pretty(*value);
    CHECK(text == "{\n  \"a\": [\n    1,\n    {\n      \"b\": []\n    }\n  ],\n  \"c\": {}\n}");
    CHECK(*parse(text) == *value);
}
