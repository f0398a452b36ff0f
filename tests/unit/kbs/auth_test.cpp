// SPDX-License-Identifier: Apache-2.0
#include "broker_fixture.h"

using namespace kbs;

TEST_CASE("a challenge is a nonce of 32 bytes and a cookie for five minutes") {
    TestBroker broker;
    const Answer answer = broker.auth();
    CHECK(answer.status == 200);
    CHECK(answer.header("Content-Type") == "application/json");
    CHECK(base::base64_decode(answer.text("nonce"))->size() == 32);
    CHECK(answer.body == R"({"nonce":")" + answer.text("nonce") + R"(","extra-params":""})");
    const std::string cookie = answer.header("Set-Cookie");
    CHECK(cookie.starts_with("kbs-session-id="));
    CHECK(cookie.ends_with("; Expires=Fri, 15 Jan 2027 08:05:00 GMT; HttpOnly; Secure"));
    CHECK(cookie.find("Path") == std::string::npos);
}

TEST_CASE("two challenges have nothing in common") {
    TestBroker broker;
    const Answer one = broker.auth();
    const Answer other = broker.auth();
    CHECK(one.text("nonce") != other.text("nonce"));
    CHECK(one.cookie() != other.cookie());
}

TEST_CASE("over plain HTTP the cookie is not marked Secure, or guests would not send it back") {
    TestBroker broker;
    broker.secure_cookies = false;
    CHECK(broker.auth().header("Set-Cookie").ends_with("; HttpOnly"));
}

TEST_CASE("the challenge is the published one where randomness is fixed") {
    TestBroker broker;
    // kbs-protocol §3.3: the nonce of the vectors is 00 01 … 1f.
    broker.random = [](std::span<std::uint8_t> out) {
        for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<std::uint8_t>(i);
    };
    CHECK(broker.auth().body == R"({"nonce":"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=","extra-params":""})");
}

TEST_CASE("extra-params may be anything, as guests send it") {
    TestBroker broker;
    for (const std::string extra :
         {R"("")", "{}", "null", R"({"supported-hash-algorithms":["sha256","sha384","sha512","sm3"]})"}) {
        CAPTURE(extra);
        CHECK(broker.send("POST", "/kbs/v0/auth", R"({"version":"0.4.0","tee":"tpm","extra-params":)" + extra + "}")
                  .status == 200);
    }
}

TEST_CASE("a challenge is refused to") {
    TestBroker broker;
    std::string body;
    std::string code;
    SUBCASE("an older version") {
        body = R"({"version":"0.3.0","tee":"tpm","extra-params":""})";
        code = "kbs-version";
    }
    SUBCASE("a newer version") {
        body = R"({"version":"0.4.1","tee":"tpm","extra-params":""})";
        code = "kbs-version";
    }
    SUBCASE("a version that is no text") {
        body = R"({"version":4,"tee":"tpm","extra-params":""})";
        code = "json-invalid";
    }
    SUBCASE("a TEE nobody knows") {
        body = R"({"version":"0.4.0","tee":"abacus","extra-params":""})";
        code = "evidence-unsupported";
    }
    SUBCASE("a TEE that is not verified here") {
        body = R"({"version":"0.4.0","tee":"sample","extra-params":""})";
        code = "evidence-unsupported";
    }
    SUBCASE("no TEE") {
        body = R"({"version":"0.4.0","extra-params":""})";
        code = "json-invalid";
    }
    SUBCASE("no JSON") {
        body = "hello";
        code = "json-invalid";
    }
    SUBCASE("duplicate members") {
        body = R"({"version":"0.4.0","tee":"tpm","tee":"snp","extra-params":""})";
        code = "json-invalid";
    }
    SUBCASE("an empty body") {
        body = "";
        code = "json-invalid";
    }
    const Answer answer = broker.send("POST", "/kbs/v0/auth", body);
    CHECK(answer.status == 401);
    CHECK(answer.code() == code);
    CHECK(answer.variant() == "AttestationError");
    CHECK(answer.header("Set-Cookie").empty());
}

TEST_CASE("a TPM is refused where the configuration does not accept TPMs") {
    TestBroker broker;
    broker.accept_tpm = false;
    CHECK(broker.auth().code() == "evidence-unsupported");
}

TEST_CASE("a request for a challenge of more than 64 KiB is too large") {
    TestBroker broker;
    const Answer answer = broker.send("POST", "/kbs/v0/auth", std::string(64 * 1024 + 1, ' '));
    CHECK(answer.status == 413);
    CHECK(answer.code() == "input-too-large");
}

TEST_CASE("handshakes of one peer are limited, and go on a second later") {
    TestBroker broker(base::Bytes(32, 1), 2);
    for (int i = 0; i < 4; ++i) CHECK(broker.auth().status == 200);
    const Answer answer = broker.auth();
    CHECK(answer.status == 429);
    CHECK(answer.code() == "overloaded");
    broker.now += std::chrono::seconds(1);
    CHECK(broker.auth().status == 200);
}
