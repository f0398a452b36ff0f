// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "base/encoding.h"
#include "crypto/jose/jwk.h"
#include "fake_broker.h"

using base::ErrorCode;
using namespace kbs_client_test;

namespace {

/// [kbs-protocol §2.5] scalar 0x11 × 32
base::Result<crypto::PrivateKey> worked_tee_key() {
    return crypto::jose::private_key_from_jwk(base::json::Object{
        {"kty", "EC"},
        {"crv", "P-256"},
        {"x", "AhfmF_C2RDkoJ4-WmZ5pojpPLBUr321s32bluAKC1O0"},
        {"y", "GUp968uXcS0t2jyoWqh2Wlb0X8dYWZZS8ol8ZTBuV5Q"},
        {"d", base::base64url_encode(base::Bytes(32, 0x11))},
    });
}

ErrorCode attest_code(const std::shared_ptr<FakeBroker>& broker) {
    const auto session = create(guest_of(broker))->attest(request_id);
    return session ? ErrorCode::usage : session.error().code();
}

}  // namespace

TEST_CASE("the handshake is the worked transcript's, byte for byte") {
    // [kbs-protocol §8.3]
    const auto broker = std::make_shared<FakeBroker>();
    broker->on("POST /kbs/v0/auth", [](const Sent&) {
        return answer(
            200, R"({"nonce":"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=","extra-params":""})",
            {{"Set-Cookie", "kbs-session-id=0123456789abcdef0123456789abcdef; Expires=Thu, 01 Jan 2026 00:05:00 GMT"}});
    });
    auto options = guest_of(broker);
    options.tee_key = worked_tee_key;
    const auto client = create(std::move(options));
    REQUIRE(client->attest(request_id));
    const auto sent = broker->sent();
    REQUIRE(sent.size() == 2);

    CHECK(sent[0].method == "POST");
    CHECK(sent[0].path == "/kbs/v0/auth");
    CHECK(sent[0].header("Content-Type") == "application/json");
    CHECK(sent[0].headers.count("Cookie") == 0);
    CHECK(
        sent[0].body ==
        R"({"version":"0.4.0","tee":"sample","extra-params":{"supported-hash-algorithms":["sha256","sha384","sha512","sm3"]}})");

    CHECK(sent[1].method == "POST");
    CHECK(sent[1].path == "/kbs/v0/attest");
    CHECK(sent[1].header("Content-Type") == "application/json");
    CHECK(sent[1].header("Cookie") == "kbs-session-id=0123456789abcdef0123456789abcdef");
    CHECK(
        sent[1].body ==
        R"({"init-data":null,"runtime-data":{"nonce":"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",)"
        R"("tee-pubkey":{"kty":"EC","crv":"P-256","alg":"ECDH-ES+A256KW",)"
        R"("x":"AhfmF_C2RDkoJ4-WmZ5pojpPLBUr321s32bluAKC1O0","y":"GUp968uXcS0t2jyoWqh2Wlb0X8dYWZZS8ol8ZTBuV5Q"}},)"
        R"("tee-evidence":{"primary_evidence":{"svn":"1","report_data":"EUexr1ScJraGPa8y/AZINL6qRw3bBv1cV8RDY8suhvEcTYCQYybCFU0rltR94axi"},)"
        R"("additional_evidence":""}})");
    for (const Sent& request : sent) CHECK(request.header("X-Request-Id") == request_id);
}

TEST_CASE("the broker may select another hash, and evidence follows it") {
    const auto broker = std::make_shared<FakeBroker>();
    broker->on("POST /kbs/v0/auth", [](const Sent&) {
        return answer(200, R"({"nonce":"n","extra-params":{"selected-hash-algorithm":"SHA256"}})",
                      {{"Set-Cookie", "kbs-session-id=c"}});
    });
    REQUIRE(create(guest_of(broker))->attest(request_id));
    const auto body = base::json::parse(broker->sent()[1].body, {.max_bytes = 1 << 20});
    const auto evidence = body->find("tee-evidence")->find("primary_evidence")->string_at("report_data");
    CHECK(base::base64_decode(*evidence)->size() == 32);
}

TEST_CASE("a session shows tee, claims and its end by our clock") {
    const auto broker = std::make_shared<FakeBroker>();
    auto options = guest_of(broker);
    options.clock = [] { return base::TimePoint(std::chrono::seconds(50'000)); };
    const auto client = create(std::move(options));
    const auto session = client->attest(request_id);
    REQUIRE(session);
    CHECK((*session)->tee == "sample");
    CHECK((*session)->cookie == "session-1");
    CHECK((*session)->expires == base::TimePoint(std::chrono::seconds(50'300)));
    CHECK((*session)->renew_after == base::TimePoint(std::chrono::seconds(50'270)));
    CHECK(*(*session)->unverified_claims.int_at("exp") == 1300);
}

TEST_CASE("a token that cannot be read still makes a session, for a minute") {
    const auto broker = std::make_shared<FakeBroker>();
    broker->on("POST /kbs/v0/attest", [](const Sent&) { return answer(200, R"({"token":"opaque"})"); });
    auto options = guest_of(broker);
    options.clock = [] { return base::TimePoint(std::chrono::seconds(50'000)); };
    const auto session = create(std::move(options))->attest(request_id);
    REQUIRE(session);
    CHECK((*session)->cookie == "challenge");
    CHECK((*session)->expires == base::TimePoint(std::chrono::seconds(50'060)));
    CHECK((*session)->unverified_claims.is_null());
}

TEST_CASE("a challenge that is no challenge ends the handshake") {
    const net::HeaderList cookie{{"Set-Cookie", "kbs-session-id=c"}};
    for (const std::string_view body :
         {"", "<html></html>", "{", "{}", R"({"nonce":7})", R"({"nonce":"n","nonce":"m"})",
          R"({"nonce":"n","extra-params":{"selected-hash-algorithm":"sm3"}})"}) {
        CAPTURE(body);
        const auto broker = std::make_shared<FakeBroker>();
        broker->on("POST /kbs/v0/auth", [&](const Sent&) { return answer(200, body, cookie); });
        CHECK(attest_code(broker) == ErrorCode::kbs_protocol);
        CHECK(broker->count("POST /kbs/v0/attest") == 0);
    }
}

TEST_CASE("an oversize challenge is refused") {
    const auto broker = std::make_shared<FakeBroker>();
    broker->on("POST /kbs/v0/auth", [](const Sent&) {
        return answer(200, R"({"nonce":")" + std::string(3'000'000, 'a') + R"("})",
                      {{"Set-Cookie", "kbs-session-id=c"}});
    });
    CHECK(attest_code(broker) == ErrorCode::kbs_protocol);
}

TEST_CASE("a challenge without a usable session cookie ends the handshake") {
    for (const std::string_view cookie : {"", "kbs-session-id", "kbs-session-id=", "other=1", "kbs-session-id=a b",
                                          "kbs-session-id=\"a\"", "Kbs-Session-Id=c", "kbs-session-id=a\\b"}) {
        CAPTURE(cookie);
        const auto broker = std::make_shared<FakeBroker>();
        broker->on("POST /kbs/v0/auth", [&](const Sent&) {
            return answer(200, R"({"nonce":"n","extra-params":""})", {{"Set-Cookie", std::string(cookie)}});
        });
        CHECK(attest_code(broker) == ErrorCode::kbs_protocol);
    }
}

TEST_CASE("the session cookie is found among others and with any attributes") {
    for (const std::string_view cookie : {"kbs-session-id=c", "kbs-session-id=c; Path=/; HttpOnly",
                                          "kbs-session-id=c;Secure", "kbs-session-id=c ; x"}) {
        CAPTURE(cookie);
        const auto broker = std::make_shared<FakeBroker>();
        broker->on("POST /kbs/v0/auth", [&](const Sent&) {
            return answer(200, R"({"nonce":"n","extra-params":""})",
                          {{"Set-Cookie", "other=1"}, {"SET-COOKIE", std::string(cookie)}, {"Set-Cookie", "last=2"}});
        });
        REQUIRE(attest_code(broker) == ErrorCode::usage);
        CHECK(broker->sent()[1].header("Cookie") == "kbs-session-id=c");
    }
}

TEST_CASE("an answer to the attestation that holds no token is refused") {
    for (const std::string_view body : {"", "{}", R"({"token":null})", "<html>"}) {
        CAPTURE(body);
        const auto broker = std::make_shared<FakeBroker>();
        broker->on("POST /kbs/v0/attest", [&](const Sent&) { return answer(200, body); });
        CHECK(attest_code(broker) == ErrorCode::kbs_protocol);
    }
}

TEST_CASE("a machine without hardware to attest with sends nothing") {
    const auto broker = std::make_shared<FakeBroker>();
    auto options = guest_of(broker);
    options.attester = nullptr;
    CHECK(create(options)->attest(request_id).error().code() == ErrorCode::attester_unavailable);
    options.attester = [] {
        return base::Result<std::unique_ptr<attestation::collect::Attester>>(
            base::Fail(ErrorCode::attester_unavailable, "/dev/tpmrm0: No such file or directory"));
    };
    CHECK(create(options)->attest(request_id).error().detail() == "/dev/tpmrm0: No such file or directory");
    CHECK(broker->sent().empty());
}
