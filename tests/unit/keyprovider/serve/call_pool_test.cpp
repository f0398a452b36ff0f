// SPDX-License-Identifier: Apache-2.0
#include "serve/call_pool.h"

#include <doctest/doctest.h>

#include <atomic>
#include <latch>

using keyprovider::serve::CallPool;
using std::chrono::steady_clock;

TEST_CASE("no more calls run than there are places, one more waits, and the next is refused") {
    CallPool pool(2, 1);
    std::latch running(2);
    std::latch go(1);
    std::atomic<int> ended = 0;
    const auto block = [&] {
        running.count_down();
        go.wait();
        ++ended;
    };
    REQUIRE(pool.submit(block));
    REQUIRE(pool.submit(block));
    running.wait();
    CHECK(pool.submit([&] { ++ended; }));
    CHECK_FALSE(pool.submit([&] { ++ended; }));
    CHECK(ended == 0);
    CHECK_FALSE(pool.wait_until_idle(steady_clock::now()));
    go.count_down();
    CHECK(pool.wait_until_idle(steady_clock::now() + std::chrono::seconds(10)));
    CHECK(ended == 3);
}

TEST_CASE("a pool that refuses more still finishes what it took") {
    std::atomic<int> ended = 0;
    {
        CallPool pool(1, 8);
        for (int call = 0; call < 5; ++call) REQUIRE(pool.submit([&] { ++ended; }));
        pool.refuse_more();
        CHECK_FALSE(pool.submit([&] { ++ended; }));
    }
    CHECK(ended == 5);
}

TEST_CASE("a place that became free is used again") {
    CallPool pool(1, 0);
    for (int call = 0; call < 100; ++call) {
        REQUIRE(pool.wait_until_idle(steady_clock::now() + std::chrono::seconds(10)));
        // Idle says that the call ended; its thread may be a moment on its way back.
        while (!pool.submit([] {})) std::this_thread::yield();
    }
    CHECK(pool.wait_until_idle(steady_clock::now() + std::chrono::seconds(10)));
}
