// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <thread>

#include "fake_broker.h"

using base::ErrorCode;
using namespace kbs_client_test;

namespace {

constexpr std::string_view auth = "POST /kbs/v0/auth";

/// Runs `action` on 16 threads at once and counts how often it succeeded.
template <typename Action>
int succeeded_in_16_threads(Action action) {
    std::atomic<int> count = 0;
    std::vector<std::thread> threads;
    threads.reserve(16);
    for (int i = 0; i < 16; ++i) {
        threads.emplace_back([&] {
            if (action()) ++count;
        });
    }
    for (std::thread& thread : threads) thread.join();
    return count;
}

}  // namespace

TEST_CASE("sixteen threads that unwrap at once share one handshake and one session") {
    const auto broker = std::make_shared<FakeBroker>();
    broker->attest_takes = std::chrono::milliseconds(50);
    broker->on("POST /kbs/v0/unwrap",
               [&](const Sent&) { return broker->encrypted(R"({"results":[{"plaintext":"a2V5"}]})"); });
    const auto client = create(guest_of(broker));
    const auto unwrap = [&] {
        const auto results = client->unwrap(std::vector<std::string>{"{}"}, request_id);
        return results && (*results)[0] && (*results)[0]->text() == "key";
    };
    CHECK(succeeded_in_16_threads(unwrap) == 16);
    CHECK(broker->count(auth) == 1);
    CHECK(broker->count("POST /kbs/v0/attest") == 1);
    CHECK(broker->count("POST /kbs/v0/unwrap") == 16);
}

TEST_CASE("sixteen threads whose session was forgotten share one renewal") {
    const auto broker = std::make_shared<FakeBroker>();
    broker->attest_takes = std::chrono::milliseconds(20);
    broker->on("GET /kbs/v0/resource/a/b/c", [&](const Sent& request) {
        if (request.header("Cookie") == "kbs-session-id=session-1")
            return refuse(401, "TokenNotFound", "session-expired");
        return broker->encrypted("secret");
    });
    const auto client = create(guest_of(broker));
    REQUIRE(client->attest(request_id));
    const auto id = *kbs_protocol::ResourceId::from_path("a/b/c");
    CHECK(succeeded_in_16_threads([&] { return client->fetch_resource(id, request_id).has_value(); }) == 16);
    CHECK(broker->count(auth) == 2);
}

TEST_CASE("sixteen threads that fail fail with one handshake") {
    const auto broker = std::make_shared<FakeBroker>();
    broker->on("POST /kbs/v0/attest", [](const Sent&) {
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
        return refuse(401, "AttestationError", "ak-not-enrolled");
    });
    const auto client = create(guest_of(broker));
    std::atomic<int> not_enrolled = 0;
    CHECK(succeeded_in_16_threads([&] {
              const auto session = client->attest(request_id);
              if (!session && session.error().code() == ErrorCode::ak_not_enrolled) ++not_enrolled;
              return session.has_value();
          }) == 0);
    CHECK(not_enrolled == 16);
    CHECK(broker->count(auth) == 1);
}

TEST_CASE("a failure is remembered for a while and then tried again") {
    const auto broker = std::make_shared<FakeBroker>();
    broker->on("POST /kbs/v0/attest", [](const Sent&) { return refuse(401, "AttestationError", "ak-not-enrolled"); });
    auto options = guest_of(broker);
    options.failure_hold = std::chrono::milliseconds(200);
    const auto client = create(std::move(options));
    CHECK(client->attest(request_id).error().code() == ErrorCode::ak_not_enrolled);
    broker->on("POST /kbs/v0/attest", [](const Sent&) { return answer(200, R"({"token":"opaque"})"); });
    CHECK(client->attest(request_id).error().code() == ErrorCode::ak_not_enrolled);
    CHECK(broker->count(auth) == 1);
    std::this_thread::sleep_for(std::chrono::milliseconds(250));
    CHECK(client->attest(request_id));
    CHECK(broker->count(auth) == 2);
}

TEST_CASE("a session is renewed before it expires, not earlier") {
    const auto broker = std::make_shared<FakeBroker>();
    std::atomic<std::int64_t> now = 50'000;
    auto options = guest_of(broker);
    options.clock = [&] { return base::TimePoint(std::chrono::seconds(now.load())); };
    const auto client = create(std::move(options));
    const auto first = client->attest(request_id);
    REQUIRE(first);
    now = 50'269;
    CHECK(*client->attest(request_id) == *first);
    now = 50'270;
    const auto second = client->attest(request_id);
    REQUIRE(second);
    CHECK(*second != *first);
    CHECK((*second)->cookie == "session-2");
    CHECK(broker->count(auth) == 2);
}

TEST_CASE("a thread that waits for another's handshake gives up at its own deadline") {
    const auto broker = std::make_shared<FakeBroker>();
    std::atomic<bool> begun = false;
    broker->on("POST /kbs/v0/attest", [&](const Sent&) {
        begun = true;
        std::this_thread::sleep_for(std::chrono::milliseconds(400));
        return answer(200, R"({"token":"opaque"})");
    });
    auto options = guest_of(broker);
    options.deadline = std::chrono::milliseconds(150);
    const auto client = create(std::move(options));
    std::thread first([&] { CHECK(client->attest(request_id)); });
    while (!begun) std::this_thread::yield();
    const auto second = client->attest(request_id);
    CHECK(!second);
    first.join();
    REQUIRE(!second);
    CHECK(second.error().code() == ErrorCode::deadline_exceeded);
    CHECK(client->attest(request_id));
    CHECK(broker->count(auth) == 1);
}
