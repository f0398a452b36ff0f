// SPDX-License-Identifier: Apache-2.0
#include "kbs/rate_limiter.h"

#include <doctest/doctest.h>

using namespace kbs;

namespace {
const base::TimePoint noon{std::chrono::seconds(1'800'000'000)};
int allowed(RateLimiter& limiter, std::string_view peer, base::TimePoint now, int tries) {
    int count = 0;
    for (int i = 0; i < tries; ++i) count += limiter.allow(peer, now) ? 1 : 0;
    return count;
}
}  // namespace

TEST_CASE("a peer has a burst of twice its rate, and then its rate") {
    RateLimiter limiter(10);
    CHECK(allowed(limiter, "a", noon, 100) == 20);
    CHECK(allowed(limiter, "a", noon + std::chrono::seconds(1), 100) == 10);
    CHECK(allowed(limiter, "a", noon + std::chrono::hours(1), 100) == 20);
}

TEST_CASE("peers do not take from each other") {
    RateLimiter limiter(1);
    CHECK(allowed(limiter, "a", noon, 9) == 2);
    CHECK(allowed(limiter, "b", noon, 9) == 2);
}

TEST_CASE("a clock that is set back gives nothing and takes nothing") {
    RateLimiter limiter(1);
    CHECK(allowed(limiter, "a", noon, 9) == 2);
    CHECK(allowed(limiter, "a", noon - std::chrono::hours(1), 9) == 0);
    CHECK(allowed(limiter, "a", noon - std::chrono::hours(1) + std::chrono::seconds(1), 9) == 1);
}

TEST_CASE("too many peers wait until others have rested") {
    RateLimiter limiter(1, 2);
    CHECK(limiter.allow("a", noon));
    CHECK(limiter.allow("b", noon));
    CHECK_FALSE(limiter.allow("c", noon));
    CHECK(limiter.allow("a", noon));
    CHECK(limiter.allow("c", noon + std::chrono::seconds(1)));
}
