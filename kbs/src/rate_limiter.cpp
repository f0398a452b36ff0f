// SPDX-License-Identifier: Apache-2.0
#include "kbs/rate_limiter.h"

#include <algorithm>

namespace kbs {

void RateLimiter::refill(Bucket& bucket, base::TimePoint now) const {
    // A clock that was set back gives nothing, and does not stop later refills either.
    const std::int64_t seconds = std::clamp<std::int64_t>((now - bucket.filled).count(), 0, 2);
    bucket.tokens = std::min(2 * per_second_, bucket.tokens + seconds * per_second_);
    bucket.filled = now;
}

bool RateLimiter::allow(std::string_view peer, base::TimePoint now) {
    const std::lock_guard lock(mutex_);
    auto found = buckets_.find(std::string(peer));
    if (found == buckets_.end()) {
        if (buckets_.size() >= max_peers_)
            std::erase_if(buckets_, [&](const auto& entry) {
                Bucket bucket = entry.second;
                refill(bucket, now);
                return bucket.tokens == 2 * per_second_;
            });
        if (buckets_.size() >= max_peers_) return false;
        found = buckets_.emplace(std::string(peer), Bucket{2 * per_second_, now}).first;
    }
    refill(found->second, now);
    if (found->second.tokens == 0) return false;
    --found->second.tokens;
    return true;
}

}  // namespace kbs
