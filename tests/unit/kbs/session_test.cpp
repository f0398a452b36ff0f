// SPDX-License-Identifier: Apache-2.0
#include "kbs/session.h"

#include <doctest/doctest.h>

#include "base/encoding.h"
#include "crypto/random.h"
#include "deflate.h"

using namespace kbs;
using base::ErrorCode;
namespace json = base::json;

namespace {

const base::TimePoint noon{std::chrono::seconds(1'800'000'000)};

Sealer sealer(std::uint8_t byte = 1) {
    return std::move(*Sealer::create(base::Bytes(32, byte), crypto::fill_random));
}

AttestedNode node() {
    return {
        .tee = "tpm",
        .evidence = json::Object{{"tpm", json::Object{{"pcr00", "00"}, {"ak_name", "node-1"}}},
                                 {"report_data", "ab"},
                                 {"init_data", "cd"},
                                 {"init_data_claims", nullptr},
                                 {"runtime_data_claims", json::Object{{"tee-pubkey", json::Object{{"kty", "EC"}}}}}}};
}

}  // namespace

TEST_CASE("a challenge comes back as it was sealed, until it expires") {
    const Sealer broker = sealer();
    const std::string blob = *broker.seal(Challenge{"bm9uY2U=", "tpm", noon});
    const auto challenge = broker.open_challenge(blob, noon - std::chrono::seconds(1));
    REQUIRE(challenge);
    CHECK(challenge->nonce == "bm9uY2U=");
    CHECK(challenge->tee == "tpm");
    CHECK(challenge->expires == noon);
    CHECK(broker.open_challenge(blob, noon).error().code() == ErrorCode::session_expired);
}

TEST_CASE("a session comes back as it was sealed, at any broker with the same key") {
    const std::string blob = *sealer().seal(node(), noon);
    const auto session = sealer().open_session(blob, noon - std::chrono::seconds(1));
    REQUIRE(session);
    CHECK(session->tee == "tpm");
    CHECK(session->evidence == node().evidence);
    CHECK(session->name() == "node-1");
    CHECK(sealer().open_session(blob, noon).error().code() == ErrorCode::session_expired);
}

TEST_CASE("the same content is never sealed the same way") {
    const Sealer broker = sealer();
    CHECK(*broker.seal(node(), noon) != *broker.seal(node(), noon));
}

TEST_CASE("what another broker sealed is nobody's session") {
    const std::string blob = *sealer(2).seal(node(), noon);
    CHECK(sealer(1).open_session(blob, noon - std::chrono::seconds(1)).error().code() == ErrorCode::session_invalid);
}

TEST_CASE("challenge and session cannot stand for each other") {
    const Sealer broker = sealer();
    const auto before = noon - std::chrono::seconds(1);
    CHECK(broker.open_session(*broker.seal(Challenge{"n", "tpm", noon}), before).error().code() ==
          ErrorCode::session_invalid);
    CHECK(broker.open_challenge(*broker.seal(node(), noon), before).error().code() == ErrorCode::session_invalid);
}

TEST_CASE("no bit of a blob can be changed, the kind and the expiry in front included") {
    const Sealer broker = sealer();
    const base::Bytes good = *base::base64url_decode(*broker.seal(node(), noon));
    for (std::size_t i = 0; i < good.size(); ++i) {
        CAPTURE(i);
        base::Bytes bad = good;
        bad[i] ^= 0x01;
        for (const auto now : {noon - std::chrono::seconds(1), noon + std::chrono::seconds(1)}) {
            const auto opened = broker.open_session(base::base64url_encode(bad), now);
            REQUIRE_FALSE(opened);
            CHECK(opened.error().code() == ErrorCode::session_invalid);
        }
    }
    for (std::size_t size = 0; size < good.size(); size += 5)
        CHECK_FALSE(broker.open_session(base::base64url_encode(base::ByteView(good).first(size)), noon));
}

TEST_CASE("text that is no blob is refused") {
    for (const std::string text : {"", "A", "====", "not base64!", "0123456789abcdef0123456789abcdef"}) {
        CAPTURE(text);
        CHECK(sealer().open_challenge(text, noon).error().code() == ErrorCode::session_invalid);
    }
}

TEST_CASE("a policy sees the TEE and its claims, not what the node says of itself") {
    CHECK(node().policy_input() ==
          json::Value(json::Object{{"tee", "tpm"},
                                   {"tpm", json::Object{{"pcr00", "00"}, {"ak_name", "node-1"}}},
                                   {"report_data", "ab"},
                                   {"init_data", "cd"}}));
}

TEST_CASE("a session without the parts it needs is an error, not a crash") {
    const AttestedNode empty{.tee = "tpm", .evidence = {}};
    CHECK(empty.tee_key().error().code() == ErrorCode::session_invalid);
    CHECK(empty.name() == "tpm");
    CHECK(empty.policy_input() == json::Value(json::Object{{"tee", "tpm"}}));
}

TEST_CASE("a sealing key has 32 bytes") {
    CHECK(Sealer::create(base::Bytes(16), crypto::fill_random).error().code() == ErrorCode::key_file_invalid);
}

TEST_CASE("inflating stops at its limit and at anything behind the stream") {
    const base::Bytes packed = deflate(base::Bytes(1000, 'x'));
    CHECK(inflate(packed, 1000)->size() == 1000);
    CHECK_FALSE(inflate(packed, 999));
    base::Bytes trailing = packed;
    trailing.push_back(0);
    CHECK_FALSE(inflate(trailing, 1000));
    CHECK_FALSE(inflate(base::ByteView(packed).first(packed.size() - 1), 1000));
    CHECK_FALSE(inflate({}, 1000));
    CHECK(inflate(deflate({}), 10)->empty());
}
