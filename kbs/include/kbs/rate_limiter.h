// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/clock.h"

namespace kbs {

/// So many requests a second from one peer address, bursts of twice as many. Remembers a bounded number of peers: when
/// they are too many, those whose allowance is whole again are forgotten, and if there are none such, the newcomer has
/// to wait. Thread-safe.
class RateLimiter {
  public:
    explicit RateLimiter(unsigned per_second, std::size_t max_peers = 16384)
        : per_second_(per_second), max_peers_(max_peers) {}

    [[nodiscard]] bool allow(std::string_view peer, base::TimePoint now);

  private:
    struct Bucket {
        std::int64_t tokens;
        base::TimePoint filled;
    };
    void refill(Bucket& bucket, base::TimePoint now) const;

    const std::int64_t per_second_;
    const std::size_t max_peers_;
    std::mutex mutex_;
    std::unordered_map<std::string, Bucket> buckets_;
};

}  // namespace kbs
