// SPDX-License-Identifier: Apache-2.0
#include "kbs_protocol/messages.h"

#include <doctest/doctest.h>

using base::ErrorCode;
using crypto::HashAlgorithm;
using namespace kbs_protocol;

TEST_CASE("the guest's request is the worked transcript's, byte for byte") {
    // [kbs-protocol §8.3]
    CHECK(
        serialize(guest_request("sample")) ==
        R"({"version":"0.4.0","tee":"sample","extra-params":{"supported-hash-algorithms":["sha256","sha384","sha512","sm3"]}})");
}

TEST_CASE("a request is read with any extra-params and unknown members") {
    for (const std::string_view extra : {R"("")", "{}", "null", R"({"supported-hash-algorithms":["sha384"]})"}) {
        const auto request =
            parse_request(R"({"version":"0.4.0","future":[1],"tee":"tpm","extra-params":)" + std::string(extra) + "}");
        REQUIRE(request);
        CHECK(request->tee == "tpm");
        CHECK(check_version(*request));
        CHECK(base::json::serialize_public(request->extra_params) == extra);
    }
}

TEST_CASE("a request lacking a member, with one of another type or given twice is refused") {
    for (const std::string_view text :
         {R"({"tee":"tpm","extra-params":""})", R"({"version":"0.4.0","extra-params":""})",
          R"({"version":"0.4.0","tee":"tpm"})", R"({"version":0.4,"tee":"tpm","extra-params":""})",
          R"({"version":"0.4.0","tee":"tpm","tee":"snp","extra-params":""})", "[]", "", "null", "{"}) {
        CAPTURE(text);
        const auto request = parse_request(text);
        REQUIRE(!request);
        CHECK(request.error().code() == ErrorCode::json_invalid);
    }
}

TEST_CASE("only version 0.4.0 is spoken, and the refusal names both versions") {
    for (const std::string_view version : {"0.3.0", "0.4.1", "0.4", "=0.4.0", "0.4.0 ", ""}) {
        const auto status = check_version({std::string(version), "tpm", {}});
        REQUIRE(!status);
        CHECK(status.error().code() == ErrorCode::kbs_version);
        CHECK(status.error().detail() ==
              "KBS Client Protocol Version Mismatch: expect =0.4.0 while the request is " + std::string(version));
    }
}

TEST_CASE("a challenge is read and written as Trustee writes it") {
    const std::string text = R"({"nonce":"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=","extra-params":""})";
    const auto challenge = parse_challenge(text);
    REQUIRE(challenge);
    CHECK(serialize(*challenge) == text);
    CHECK(parse_challenge(R"({"nonce":"n"})"));
    CHECK(!parse_challenge(R"({"extra-params":""})"));
    CHECK(!parse_challenge(R"({"nonce":7,"extra-params":""})"));
}

TEST_CASE("the broker selects the hash in any case and SHA-384 by silence") {
    // [coco-guest §7.4 H]
    const auto selected = [](std::string_view extra) {
        return selected_hash(*parse_challenge(R"({"nonce":"n","extra-params":)" + std::string(extra) + "}"));
    };
    CHECK(*selected(R"("")") == HashAlgorithm::sha384);
    CHECK(*selected("{}") == HashAlgorithm::sha384);
    CHECK(*selected("null") == HashAlgorithm::sha384);
    CHECK(*selected(R"({"selected-hash-algorithm":"sha256"})") == HashAlgorithm::sha256);
    CHECK(*selected(R"({"selected-hash-algorithm":"SHA384"})") == HashAlgorithm::sha384);
    CHECK(*selected(R"({"selected-hash-algorithm":"Sha512"})") == HashAlgorithm::sha512);
    for (const std::string_view bad : {R"("")", R"("sm3")", R"("md5")", "[]", "{}", "true", "384", "null"}) {
        CAPTURE(bad);
        const auto hash = selected(R"({"selected-hash-algorithm":)" + std::string(bad) + "}");
        REQUIRE(!hash);
        CHECK(hash.error().code() == ErrorCode::kbs_protocol);
    }
}

TEST_CASE("an attestation survives the way there and back") {
    const std::string text =
        R"({"init-data":{"format":"toml","body":"version = \"0.1.0\"\n"},"runtime-data":{"nonce":"n","tee-pubkey":{"kty":"EC"}},)"
        R"("tee-evidence":{"primary_evidence":{"a":[1,2]},"additional_evidence":"{\"nvidia\":{}}"}})";
    const auto attestation = parse_attestation(text);
    REQUIRE(attestation);
    CHECK(attestation->init_data->format == "toml");
    CHECK(attestation->additional_evidence == R"({"nvidia":{}})");
    CHECK(serialize(*attestation) == text);
}

TEST_CASE("init data may be null or absent and is written as null") {
    const std::string tail =
        R"("runtime-data":{"nonce":"n","tee-pubkey":{}},"tee-evidence":{"primary_evidence":null,"additional_evidence":""}})";
    for (const std::string_view head : {"{", R"({"init-data":null,)"}) {
        const auto attestation = parse_attestation(std::string(head) + tail);
        REQUIRE(attestation);
        CHECK(!attestation->init_data);
        CHECK(serialize(*attestation) == R"({"init-data":null,)" + tail);
    }
    CHECK(!parse_attestation(R"({"init-data":"text",)" + tail));
    CHECK(!parse_attestation(R"({"init-data":{"format":"toml"},)" + tail));
}

TEST_CASE("an attestation lacking any inner member is refused by the member's name") {
    const std::string key =
        R"({"runtime-data":{"nonce":"n"},"tee-evidence":{"primary_evidence":1,"additional_evidence":""}})";
    CHECK(parse_attestation(key).error().detail().contains("tee-pubkey"));
    const std::string additional =
        R"({"runtime-data":{"nonce":"n","tee-pubkey":{}},"tee-evidence":{"primary_evidence":1,"additional-evidence":""}})";
    CHECK(parse_attestation(additional).error().detail().contains("additional_evidence"));
    const std::string object =
        R"({"runtime-data":{"nonce":"n","tee-pubkey":{}},"tee-evidence":{"primary_evidence":1,"additional_evidence":{}}})";
    CHECK(parse_attestation(object).error().detail().contains("additional_evidence"));
}

TEST_CASE("a message over two mebibytes is refused before it is read") {
    const std::string text = R"({"nonce":")" + std::string(max_message_bytes, 'a') + R"("})";
    CHECK(parse_challenge(text).error().code() == ErrorCode::input_too_large);
}

TEST_CASE("the token response has one member") {
    CHECK(serialize_token_response("eyJ") == R"({"token":"eyJ"})");
    CHECK(*parse_token_response(R"({"token":"eyJ","more":1})") == "eyJ");
    CHECK(!parse_token_response(R"({"token":null})"));
}

TEST_CASE("an error of Trustee is understood without our members") {
    const auto error = parse_error_body(
        R"({"type":"https://github.com/confidential-containers/kbs/errors/PolicyDeny","detail":"Access denied by policy"})");
    REQUIRE(error);
    CHECK(error->variant == "PolicyDeny");
    CHECK(error->detail == "Access denied by policy");
    CHECK(error->code.empty());
}

TEST_CASE("our errors carry code, hint and request id behind what Trustee sends") {
    const ErrorBody error{"PolicyDeny", "No.", "policy-denied", "Ask.", "id"};
    const std::string text = serialize(error);
    CHECK(
        text ==
        R"({"type":"https://github.com/confidential-containers/kbs/errors/PolicyDeny","detail":"No.","code":"policy-denied","hint":"Ask.","request_id":"id"})");
    const auto again = parse_error_body(text);
    REQUIRE(again);
    CHECK(serialize(*again) == text);
    CHECK(serialize(ErrorBody{"PolicyDeny", "No.", {}, {}, {}}) ==
          R"({"type":"https://github.com/confidential-containers/kbs/errors/PolicyDeny","detail":"No."})");
    CHECK(!parse_error_body("<html>"));
    CHECK(!parse_error_body(R"({"type":"x"})"));
    CHECK(!parse_error_body(R"({"type":"x","detail":"d","code":3})"));
}
