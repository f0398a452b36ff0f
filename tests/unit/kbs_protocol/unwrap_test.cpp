// SPDX-License-Identifier: Apache-2.0
#include "kbs_protocol/unwrap.h"

#include <doctest/doctest.h>

#include "base/encoding.h"
#include "kbs_protocol/messages.h"
#include "kbs_protocol/packet.h"

using base::ErrorCode;
using base::SecretBytes;
using namespace kbs_protocol;

namespace {

constexpr std::string_view metadata_text =
    R"({"kid":"kbs:///r/t/g","usage":"unwrap-only","policy":"prod","kcv":"0011223344556677","version":2,"created":"2026-11-24T12:00:00Z"})";

}  // namespace

TEST_CASE("an unwrap request carries packets as they stand in the image") {
    const std::string text = R"({"packets":["e30=","AA=="]})";
    const auto request = parse_unwrap_request(text);
    REQUIRE(request);
    CHECK(request->packets[0] == "{}");
    CHECK(request->packets[1] == std::string(1, '\0'));
    CHECK(serialize(*request) == text);
}

TEST_CASE("an unwrap request has 1 to 256 packets of at most 64 KiB in canonical base64") {
    CHECK(parse_unwrap_request(R"({"packets":[]})").error().code() == ErrorCode::json_invalid);
    CHECK(parse_unwrap_request(R"({})").error().code() == ErrorCode::json_invalid);
    CHECK(parse_unwrap_request(R"({"packets":"e30="})").error().code() == ErrorCode::json_invalid);
    CHECK(parse_unwrap_request(R"({"packets":["e30=",1]})").error().detail().contains("packets[1]"));
    CHECK(parse_unwrap_request(R"({"packets":["e30"]})").error().code() == ErrorCode::encoding_invalid);
    CHECK(parse_unwrap_request(serialize(UnwrapRequest{std::vector<std::string>(max_unwrap_packets, "{}")})));
    CHECK(parse_unwrap_request(serialize(UnwrapRequest{std::vector<std::string>(max_unwrap_packets + 1, "{}")}))
              .error()
              .code() == ErrorCode::input_too_large);
    CHECK(parse_unwrap_request(serialize(UnwrapRequest{{std::string(max_packet_bytes, ' ')}})));
    CHECK(parse_unwrap_request(serialize(UnwrapRequest{{std::string(max_packet_bytes + 1, ' ')}})).error().code() ==
          ErrorCode::input_too_large);
}

TEST_CASE("an unwrap response gives each packet its plaintext or its own error") {
    UnwrapResponse response;
    response.results.emplace_back(SecretBytes::copy_of("secret"));
    response.results.emplace_back(base::Fail(ErrorCode::policy_denied, "pcr08 differs"));
    const std::string text(serialize(response));
    CHECK(text ==
          R"({"results":[{"plaintext":"c2VjcmV0"},{"error":{"code":"policy-denied","detail":"pcr08 differs"}}]})");
    const auto again = parse_unwrap_response(text);
    REQUIRE(again);
    REQUIRE(again->results.size() == 2);
    CHECK(again->results[0]->text() == "secret");
    CHECK(again->results[1].error().code() == ErrorCode::policy_denied);
    CHECK(again->results[1].error().detail() == "pcr08 differs");
}

TEST_CASE("a code from a newer broker is kept as text") {
    const auto response = parse_unwrap_response(R"({"results":[{"error":{"code":"moon-phase","detail":"full\n"}}]})");
    REQUIRE(response);
    CHECK(response->results[0].error().code() == ErrorCode::kbs_refused);
    CHECK(response->results[0].error().detail() == "moon-phase: full?");
}

TEST_CASE("an unwrap response without a clear result is refused") {
    for (const std::string_view text : {R"({"results":[]})", R"({"results":[{}]})", R"({"results":[{"plaintext":1}]})",
                                        R"({"results":["c2Vj"]})", R"({"results":[{"error":{"code":"x"}}]})",
                                        R"({"results":[{"error":"x"}]})", R"({"results":[{"plaintext":"c2V"}]})"}) {
        CAPTURE(text);
        CHECK(!parse_unwrap_response(text));
    }
}

TEST_CASE("a wrap request names a key and carries plaintexts") {
    const std::string text = R"({"kid":"kbs:///r/t/g","plaintexts":["c2VjcmV0"]})";
    const auto request = parse_wrap_request(text);
    REQUIRE(request);
    CHECK(request->key_id.path() == "r/t/g");
    CHECK(request->plaintexts[0].text() == "secret");
    CHECK(std::string_view(serialize(*request)) == text);
    CHECK(!parse_wrap_request(R"({"kid":"r","plaintexts":["c2VjcmV0"]})"));
    CHECK(!parse_wrap_request(R"({"kid":"kbs:///r/t/g","plaintexts":[]})"));
    CHECK(!parse_wrap_request(R"({"kid":"kbs:///r/t/g","plaintexts":[null]})"));
    const std::string big = base::base64_encode(base::Bytes(max_packet_plaintext_bytes + 1));
    CHECK(parse_wrap_request(R"({"kid":"kbs:///r/t/g","plaintexts":[")" + big + R"("]})").error().code() ==
          ErrorCode::input_too_large);
}

TEST_CASE("a wrap response carries packets") {
    const std::string text = R"({"packets":["e30="]})";
    CHECK(serialize(*parse_wrap_response(text)) == text);
    CHECK(parse_wrap_response(text)->packets[0] == "{}");
}

TEST_CASE("key metadata survives the way there and back, also without a policy") {
    const auto metadata = parse_key_metadata(metadata_text);
    REQUIRE(metadata);
    CHECK(metadata->usage == KeyUsage::unwrap_only);
    CHECK(metadata->policy == "prod");
    CHECK(metadata->key_check_value == "0011223344556677");
    CHECK(serialize(*metadata) == metadata_text);

    KeyMetadata bare = *metadata;
    bare.policy.clear();
    bare.usage = KeyUsage::exportable;
    CHECK(serialize(bare).contains(R"("usage":"exportable","policy":null)"));
    CHECK(parse_key_metadata(serialize(bare))->policy.empty());
}

TEST_CASE("key metadata with one broken member is refused") {
    for (const auto& [from, to] :
         std::initializer_list<std::pair<std::string_view, std::string_view>>{{R"("kbs:///r/t/g")", R"("r")"},
                                                                              {R"("unwrap-only")", R"("everything")"},
                                                                              {R"("prod")", "7"},
                                                                              {R"("0011223344556677")", "null"},
                                                                              {R"(:2,)", R"(:"2",)"},
                                                                              {R"("created")", R"("born")"}}) {
        std::string text(metadata_text);
        text.replace(text.find(from), from.size(), to);
        CAPTURE(text);
        CHECK(parse_key_metadata(text).error().code() == ErrorCode::json_invalid);
    }
    CHECK(key_usage_from_name("Exportable").error().code() == ErrorCode::parameter_invalid);
}
