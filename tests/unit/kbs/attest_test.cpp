// SPDX-License-Identifier: Apache-2.0
#include <atomic>
#include <thread>

#include "broker_fixture.h"

using namespace kbs;
namespace json = base::json;

namespace {

/// A challenge and its valid answer, of which a test breaks one thing.
struct Handshake {
    explicit Handshake(TestBroker& b) : broker(b) {
        const Answer answer = broker.auth();
        cookie = answer.cookie();
        message = broker.attestation(answer.text("nonce"));
    }
    Answer send() { return broker.attest(cookie, message); }

    TestBroker& broker;
    std::string cookie;
    kbs_protocol::Attestation message;
};

void refused(const Answer& answer, std::string_view code) {
    CHECK(answer.status == 401);
    CHECK(answer.code() == code);
    CHECK(answer.variant() == "AttestationError");
    CHECK(answer.header("Set-Cookie").empty());
    CHECK(answer.text("token").empty());
}

/// `message` with one character of the signed quote changed.
json::Value with_quote_member(const json::Value& evidence, std::string_view member, json::Value value) {
    json::Object quote = *evidence.find("tpm_quote")->as_object();
    quote.set(member, std::move(value));
    json::Object changed = *evidence.as_object();
    changed.set("tpm_quote", std::move(quote));
    return changed;
}

}  // namespace

TEST_CASE("an enrolled TPM gets a token and a session, whatever its kind of key") {
    TestBroker broker;
    SUBCASE("ECC") {}
    SUBCASE("RSA") {
        broker.tpm = FakeTpm(crypto::KeyType::rsa);
    }
    broker.enroll();
    const Answer answer = broker.handshake();
    CHECK(answer.status == 200);
    CHECK(answer.header("Content-Type") == "application/json");
    const auto node = broker.tokens().verify(answer.text("token"), broker.now);
    REQUIRE(node);
    CHECK(node->tee == "tpm");
    CHECK(node->name() == "node-1");
    CHECK(**node->tee_key() == broker.tee_jwk());
    const auto session = broker.sealer().open_session(answer.cookie().substr(15), broker.now);
    REQUIRE(session);
    CHECK(session->evidence == node->evidence);
}

TEST_CASE("the evidence is bound to nonce and key as the published vector says") {
    // kbs-protocol §2.5, §3.3: the digest that a guest with this nonce and this key puts into its hardware.
    const json::Value jwk = json::Object{{"kty", "EC"},
                                         {"crv", "P-256"},
                                         {"alg", "ECDH-ES+A256KW"},
                                         {"x", "AhfmF_C2RDkoJ4-WmZ5pojpPLBUr321s32bluAKC1O0"},
                                         {"y", "GUp968uXcS0t2jyoWqh2Wlb0X8dYWZZS8ol8ZTBuV5Q"}};
    const std::string nonce = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    const auto digest = base::hex_decode(
        "1147b1af549c26b6863daf32fc064834beaa470ddb06fd5c57c44363cb2e86f11c4d80906326c2154d2b96d47de1ac62");
    TestBroker broker;
    broker.enroll();
    broker.random = [](std::span<std::uint8_t> out) {
        for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<std::uint8_t>(i);
    };
    const Answer challenge = broker.auth();
    CHECK(challenge.text("nonce") == nonce);
    const Answer answer = broker.attest(challenge.cookie(), {.init_data = {},
                                                             .nonce = nonce,
                                                             .tee_pubkey = jwk,
                                                             .primary_evidence = broker.tpm.quote(*digest),
                                                             .additional_evidence = ""});
    CHECK(answer.status == 200);
}

TEST_CASE("both requests of the worked transcript are understood, and refused only for the TEE that they name") {
    // kbs-protocol §8.3, as text: what a guest puts on the wire.
    TestBroker broker;
    const Answer challenge = broker.send(
        "POST", "/kbs/v0/auth",
        R"({"version":"0.4.0","tee":"sample","extra-params":{"supported-hash-algorithms":["sha256","sha384","sha512","sm3"]}})");
    CHECK(challenge.status == 401);
    CHECK(challenge.text("code") == "evidence-unsupported");
    const auto message = kbs_protocol::parse_attestation(
        R"({"init-data":null,"runtime-data":{"nonce":"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",)"
        R"("tee-pubkey":{"kty":"EC","crv":"P-256","alg":"ECDH-ES+A256KW","x":"AhfmF_C2RDkoJ4-WmZ5pojpPLBUr321s32bluAKC1O0",)"
        R"("y":"GUp968uXcS0t2jyoWqh2Wlb0X8dYWZZS8ol8ZTBuV5Q"}},"tee-evidence":{"primary_evidence":{"svn":"1",)"
        R"("report_data":"EUexr1ScJraGPa8y/AZINL6qRw3bBv1cV8RDY8suhvEcTYCQYybCFU0rltR94axi"},"additional_evidence":""}})");
    REQUIRE(message);
    const auto runtime_data =
        kbs_protocol::primary_runtime_data(message->nonce, message->tee_pubkey, message->additional_evidence);
    REQUIRE(runtime_data);
    const auto digest = kbs_protocol::runtime_data_digest(crypto::HashAlgorithm::sha384, *runtime_data);
    REQUIRE(digest);
    CHECK(base::base64_encode(*digest) == *message->primary_evidence.string_at("report_data"));
}

TEST_CASE("the session fits into a cookie that every client keeps") {
    TestBroker broker;
    broker.tpm = FakeTpm(crypto::KeyType::rsa);
    broker.tee_key = *crypto::PrivateKey::generate(crypto::KeyType::ec_p521);
    broker.enroll();
    for (auto& pcr : broker.tpm.pcrs) crypto::fill_random(pcr);
    CHECK(broker.handshake().cookie().size() < 4096);
}

TEST_CASE("evidence without a session cookie is refused") {
    TestBroker broker;
    broker.enroll();
    const Handshake handshake(broker);
    refused(broker.send("POST", "/kbs/v0/attest", kbs_protocol::serialize(handshake.message)), "session-missing");
}

TEST_CASE("a challenge is answered once, even by the same evidence") {
    TestBroker broker;
    broker.enroll();
    Handshake handshake(broker);
    CHECK(handshake.send().status == 200);
    refused(handshake.send(), "nonce-replayed");
}

TEST_CASE("evidence that was refused has spent its challenge") {
    TestBroker broker;
    Handshake handshake(broker);
    refused(handshake.send(), "ak-not-enrolled");
    broker.enroll();
    refused(handshake.send(), "nonce-replayed");
}

TEST_CASE("of two answers to one challenge at the same time exactly one is taken") {
    TestBroker broker;
    broker.enroll();
    for (int round = 0; round < 10; ++round) {
        Handshake handshake(broker);
        std::atomic<int> taken = 0;
        std::atomic<int> replayed = 0;
        const auto answer = [&] {
            const Answer got = handshake.send();
            if (got.status == 200) ++taken;
            if (got.code() == "nonce-replayed") ++replayed;
        };
        std::thread one(answer);
        std::thread other(answer);
        one.join();
        other.join();
        CHECK(taken == 1);
        CHECK(replayed == 1);
    }
}

TEST_CASE("a challenge that is answered too late has expired") {
    TestBroker broker;
    broker.enroll();
    Handshake handshake(broker);
    broker.now += std::chrono::seconds(300);
    refused(handshake.send(), "session-expired");
}

TEST_CASE("a challenge is good until its last second") {
    TestBroker broker;
    broker.enroll();
    Handshake handshake(broker);
    broker.now += std::chrono::seconds(299);
    CHECK(handshake.send().status == 200);
}

TEST_CASE("the cookie of another broker is refused") {
    TestBroker broker;
    TestBroker other(base::Bytes(32, 0xee));
    broker.enroll();
    Handshake handshake(broker);
    handshake.cookie = other.auth().cookie();
    refused(handshake.send(), "session-invalid");
}

TEST_CASE("a replica with the same sealing key goes on where another began") {
    TestBroker broker;
    TestBroker replica;
    broker.enroll();
    const Answer challenge = replica.auth();
    CHECK(broker.attest(challenge.cookie(), broker.attestation(challenge.text("nonce"))).status == 200);
}

TEST_CASE("a cookie with any character changed is refused") {
    TestBroker broker;
    broker.enroll();
    Handshake handshake(broker);
    const std::string good = handshake.cookie;
    for (std::size_t i = 15; i < good.size(); i += 7) {
        CAPTURE(i);
        handshake.cookie = good;
        handshake.cookie[i] = good[i] == 'A' ? 'B' : 'A';
        refused(handshake.send(), "session-invalid");
    }
    handshake.cookie = good.substr(0, good.size() - 4);
    refused(handshake.send(), "session-invalid");
    handshake.cookie = good;
    CHECK(handshake.send().status == 200);
}

TEST_CASE("a session is no challenge") {
    TestBroker broker;
    broker.enroll();
    Handshake handshake(broker);
    handshake.cookie = broker.handshake().cookie();
    refused(handshake.send(), "session-invalid");
}

TEST_CASE("evidence is refused, one broken thing each:") {
    TestBroker broker;
    broker.enroll();
    Handshake handshake(broker);
    auto& message = handshake.message;
    std::string code = "evidence-refused";
    SUBCASE("a nonce of somebody else") {
        message.nonce = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
        code = "nonce-mismatch";
    }
    SUBCASE("another TEE key than the quote is bound to") {
        message.tee_pubkey = crypto::jose::jwk_from_public_key(
            crypto::PrivateKey::generate(crypto::KeyType::ec_p256)->public_key(), "ECDH-ES+A256KW");
        code = "evidence-stale";
    }
    SUBCASE("a TEE key with an algorithm that is not spoken") {
        json::Object jwk = *message.tee_pubkey.as_object();
        jwk.set("alg", "RSA1_5");
        message.tee_pubkey = jwk;
        code = "crypto-input-invalid";
    }
    SUBCASE("a TEE key that is not on its curve") {
        json::Object jwk = *message.tee_pubkey.as_object();
        jwk.set("y", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
        message.tee_pubkey = jwk;
        code = "crypto-input-invalid";
    }
    SUBCASE("a quote bound to nothing of ours") {
        message.primary_evidence = broker.tpm.quote(base::Bytes(48, 9));
        code = "evidence-stale";
    }
    SUBCASE("a quote of a TPM that is not enrolled") {
        const auto runtime_data = kbs_protocol::primary_runtime_data(message.nonce, message.tee_pubkey, "");
        message.primary_evidence =
            FakeTpm().quote(*kbs_protocol::runtime_data_digest(crypto::HashAlgorithm::sha384, *runtime_data));
        code = "ak-not-enrolled";
    }
    SUBCASE("an enrolled key beside the quote of another") {
        const auto runtime_data = kbs_protocol::primary_runtime_data(message.nonce, message.tee_pubkey, "");
        json::Value forged =
            FakeTpm().quote(*kbs_protocol::runtime_data_digest(crypto::HashAlgorithm::sha384, *runtime_data));
        forged.as_object()->set("ak_public", *message.primary_evidence.find("ak_public"));
        message.primary_evidence = forged;
    }
    SUBCASE("PCRs that are not the quoted ones") {
        json::Array pcrs = *message.primary_evidence.find("tpm_quote")->find("pcrs")->as_array();
        pcrs[7] = std::string(64, 'a');
        message.primary_evidence = with_quote_member(message.primary_evidence, "pcrs", pcrs);
    }
    SUBCASE("a PCR too few") {
        json::Array pcrs = *message.primary_evidence.find("tpm_quote")->find("pcrs")->as_array();
        pcrs.pop_back();
        message.primary_evidence = with_quote_member(message.primary_evidence, "pcrs", pcrs);
    }
    SUBCASE("a message that was cut") {
        message.primary_evidence = with_quote_member(message.primary_evidence, "message", "/1RDR4AY");
        code = "evidence-invalid";
    }
    SUBCASE("a signature of zeros") {
        message.primary_evidence =
            with_quote_member(message.primary_evidence, "signature", base::base64_encode(base::Bytes(72, 0)));
        code = "evidence-invalid";
    }
    SUBCASE("no evidence of a TPM") {
        message.primary_evidence = json::Object{{"svn", "1"}, {"report_data", ""}};
        code = "evidence-invalid";
    }
    SUBCASE("evidence of a device beside it, which nobody would verify") {
        message.additional_evidence = R"({"nvidia":{}})";
        code = "evidence-unsupported";
    }
    SUBCASE("init-data, which nobody would verify") {
        message.init_data = kbs_protocol::InitData{"toml", "version = \"0.1.0\""};
        code = "evidence-unsupported";
    }
    refused(handshake.send(), code);
}

TEST_CASE("a body that is no attestation is refused without spending the challenge") {
    TestBroker broker;
    broker.enroll();
    Handshake handshake(broker);
    for (const std::string body : {"", "{}", "[]", R"({"runtime-data":{"nonce":"x"}})"}) {
        CAPTURE(body);
        refused(broker.send("POST", "/kbs/v0/attest", body, {{"Cookie", handshake.cookie}}), "json-invalid");
    }
    CHECK(handshake.send().status == 200);
}

TEST_CASE("an attestation of more than 256 KiB is too large") {
    TestBroker broker;
    const Answer answer = broker.send("POST", "/kbs/v0/attest", std::string(256 * 1024 + 1, ' '));
    CHECK(answer.status == 413);
    CHECK(answer.code() == "input-too-large");
}

TEST_CASE("the node learns what of its evidence is wrong, the log also what was wanted") {
    TestBroker broker;
    broker.enroll();
    Handshake handshake(broker);
    handshake.message.primary_evidence = broker.tpm.quote(base::Bytes(48, 9));
    const Answer answer = handshake.send();
    CHECK(answer.detail().find(std::string(64, '0').replace(0, 64, base::hex_encode(base::Bytes(32, 9)))) !=
          std::string::npos);
    CHECK(broker.log().find("event=evidence-refused") != std::string::npos);
    CHECK(broker.log().find("wanted=") != std::string::npos);
}
