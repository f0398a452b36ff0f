// SPDX-License-Identifier: Apache-2.0
#include "attestation/policy/release_policy.h"

#include <doctest/doctest.h>

using namespace attestation::policy;
namespace json = base::json;

namespace {

json::Value claims() {
    return *json::parse(
        R"({"tee":"tpm","tpm":{"pcr07":"aa","clock_safe":true,"reset_count":7,"nothing":null,"list":[1],"inner":{"deep":"x"}}})",
        {.max_bytes = 1000});
}

std::string one(std::string_view condition) {
    return R"({"version":"1.0.0","anyOf":[{"authority":"us","allOf":[)" + std::string(condition) + "]}]}";
}

bool holds(std::string_view text, std::string_view issuer = "us") {
    const auto policy = parse_release_policy(text);
    REQUIRE_MESSAGE(policy, policy.error().message());
    return appraise(*policy, claims(), issuer).trusted();
}

std::string problem(std::string_view text) {
    const auto policy = parse_release_policy(text);
    return policy ? "accepted" : policy.error().message();
}

}  // namespace

TEST_CASE("a claim equals what the policy says or the policy does not hold") {
    CHECK(holds(one(R"({"claim":"tpm.pcr07","equals":"aa"})")));
    CHECK(!holds(one(R"({"claim":"tpm.pcr07","equals":"ab"})")));
    CHECK(!holds(one(R"({"claim":"tpm.pcr07","equals":"AA"})")));
    CHECK(holds(one(R"({"claim":"tpm.inner.deep","equals":"x"})")));
    CHECK(holds(one(R"({"claim":"tee","equals":"tpm"})")));
}

TEST_CASE("values compare by their text, as published policies need") {
    CHECK(holds(one(R"({"claim":"tpm.clock_safe","equals":true})")));
    CHECK(holds(one(R"({"claim":"tpm.clock_safe","equals":"true"})")));
    CHECK(!holds(one(R"({"claim":"tpm.clock_safe","equals":"True"})")));
    CHECK(holds(one(R"({"claim":"tpm.reset_count","equals":7})")));
    CHECK(holds(one(R"({"claim":"tpm.reset_count","equals":"7"})")));
    CHECK(holds(one(R"({"claim":"tpm.reset_count","equals":7.0})")));
    CHECK(!holds(one(R"({"claim":"tpm.reset_count","equals":7.5})")));
    CHECK(!holds(one(R"({"claim":"tpm.reset_count","equals":"07"})")));
    CHECK(!holds(one(R"({"claim":"tpm.clock_safe","equals":1})")));
}

TEST_CASE("what is missing, null, an array or an object equals nothing") {
    CHECK(!holds(one(R"({"claim":"tpm.pcr08","equals":"missing"})")));
    CHECK(!holds(one(R"({"claim":"tpm.pcr07.more","equals":"aa"})")));
    CHECK(!holds(one(R"({"claim":"tpm.nothing","equals":"null"})")));
    CHECK(!holds(one(R"({"claim":"tpm.list","equals":"[1]"})")));
    CHECK(!holds(one(R"({"claim":"tpm.inner","equals":"{\"deep\":\"x\"}"})")));
}

TEST_CASE("allOf needs all, anyOf needs one, and they nest") {
    const std::string good = R"({"claim":"tee","equals":"tpm"})";
    const std::string bad = R"({"claim":"tee","equals":"snp"})";
    CHECK(holds(one(good + "," + good)));
    CHECK(!holds(one(good + "," + bad)));
    CHECK(holds(one(R"({"anyOf":[)" + bad + "," + good + "]}")));
    CHECK(!holds(one(R"({"anyOf":[)" + bad + "," + bad + "]}")));
    CHECK(holds(one(R"({"anyOf":[{"allOf":[)" + bad + "," + good + R"(]},{"allOf":[)" + good + "]}]}")));
    CHECK(!holds(one(R"({"allOf":[{"anyOf":[)" + good + "," + bad + R"(]},{"anyOf":[)" + bad + "]}]}")));
}

TEST_CASE("only the conditions of the issuer that appraised count, give or take a slash") {
    const std::string policy =
        R"({"version":"1.0.0","anyOf":[{"authority":"https://us/","anyOf":[{"claim":"tee","equals":"tpm"}]},)"
        R"({"authority":"https://them","allOf":[{"claim":"tee","equals":"snp"}]}]})";
    CHECK(holds(policy, "https://us"));
    CHECK(holds(policy, "https://us/"));
    CHECK(!holds(policy, "https://them"));
    CHECK(!holds(policy, "https://others"));
    CHECK(!holds(policy, ""));
}

TEST_CASE("every condition is a finding with what was wanted and what was got") {
    const auto policy =
        parse_release_policy(one(R"({"claim":"tpm.pcr07","equals":"bb"},{"claim":"tpm.pcr09","equals":"cc"})"));
    const auto verdict = appraise(*policy, claims(), "us");
    REQUIRE(verdict.findings().size() == 3);
    CHECK(verdict.findings()[0].check == "authority");
    CHECK(verdict.findings()[0].ok);
    CHECK(verdict.findings()[1].subject == "tpm.pcr07");
    CHECK(verdict.findings()[1].expected == "bb");
    CHECK(verdict.findings()[1].got == "aa");
    CHECK(verdict.findings()[2].got == "missing");
    CHECK(!verdict.findings()[2].ok);
}

TEST_CASE("version 0.2 is read as 1.0.0, others are refused") {
    CHECK(holds(R"({"version":"0.2","anyOf":[{"authority":"us","allOf":[{"claim":"tee","equals":"tpm"}]}]})"));
    CHECK(problem(R"({"version":"2.0.0","anyOf":[{"authority":"us","allOf":[{"claim":"tee","equals":"tpm"}]}]})") ==
          "policy-invalid: at /version: is not \"1.0.0\"");
}

TEST_CASE("each malformed policy is refused with its place") {
    CHECK(problem("").starts_with("policy-invalid"));
    CHECK(problem("[]").starts_with("policy-invalid"));
    CHECK(problem("{}").starts_with("policy-invalid: at /version"));
    CHECK(problem(R"({"version":"1.0.0"})") == "policy-invalid: at /: member \"anyOf\" is missing");
    CHECK(problem(R"({"version":"1.0.0","anyOf":[]})") == "policy-invalid: at /anyOf: is empty");
    CHECK(problem(R"({"version":"1.0.0","anyOf":[],"allow":true})").contains("unknown member \"allow\""));
    CHECK(problem(R"({"version":"1.0.0","version":"1.0.0","anyOf":[]})").starts_with("policy-invalid"));
    CHECK(problem(R"({"version":"1.0.0","anyOf":[{"allOf":[{"claim":"a","equals":1}]}]})")
              .contains("/anyOf/0/authority"));
    CHECK(problem(R"({"version":"1.0.0","anyOf":[{"authority":"us"}]})").contains("exactly one of allOf and anyOf"));
    CHECK(problem(R"({"version":"1.0.0","anyOf":[{"authority":"us","allOf":[],"anyOf":[]}]})").contains("exactly one"));
    CHECK(problem(one("")) == "policy-invalid: at /anyOf/0/allOf: is empty");
    CHECK(problem(one("{}")).contains("exactly one"));
    CHECK(problem(one(R"({"claim":"a"})")).contains("/anyOf/0/allOf/0/equals"));
    CHECK(problem(one(R"({"equals":"a"})")).contains("/anyOf/0/allOf/0/claim"));
    CHECK(problem(one(R"({"claim":"a","equals":null})")).contains("/equals"));
    CHECK(problem(one(R"({"claim":"a","equals":["x"]})")).contains("/equals"));
    CHECK(problem(one(R"({"claim":"a","equals":9007199254740992})")) == "accepted");
    CHECK(problem(one(R"({"claim":"a","equals":9007199254740993})")).contains("/equals: is a number beyond 2^53"));
    CHECK(problem(one(R"({"claim":"a","equals":-18446744073709551615})")).contains("/equals: is a number beyond 2^53"));
    CHECK(problem(one(R"({"claim":"a","notEquals":"x"})")).contains("unknown member"));
    CHECK(problem(one(R"({"claim":"a..b","equals":"x"})")).contains("/claim"));
    CHECK(problem(one(R"({"claim":".a","equals":"x"})")).contains("/claim"));
    CHECK(problem(one(R"({"anyOf":[{"allOf":[{"claim":"","equals":1}]}]})"))
              .contains("/anyOf/0/allOf/0/anyOf/0/allOf/0/claim"));
}

TEST_CASE("policies that are too deep, too long or too many are refused") {
    std::string deep = R"({"claim":"tee","equals":"tpm"})";
    for (int i = 0; i < 15; ++i) deep = R"({"allOf":[)" + deep + "]}";
    CHECK(problem(one(deep)) == "accepted");
    CHECK(problem(one(R"({"allOf":[)" + deep + "]}")).contains("nested too deeply"));
    std::string many = R"({"claim":"a","equals":1})";
    for (int i = 0; i < 1000; ++i) many += R"(,{"claim":"a","equals":1})";
    CHECK(problem(one(many)).contains("one condition too many"));
    CHECK(problem(std::string(70'000, ' ')).starts_with("policy-invalid"));
}
