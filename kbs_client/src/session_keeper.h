// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>

#include "base/clock.h"
#include "base/result.h"
#include "kbs_client/client.h"
#include "transport.h"

namespace kbs_client {

/// One session for all threads. Whoever needs one while another thread attests waits for its outcome; a failure
/// answers for `failure_hold`, so that many layers of one image do not each fail with a quote of their own.
class SessionKeeper {
  public:
    using Handshake = std::function<base::Result<std::shared_ptr<const Session>>(const Operation&)>;

    SessionKeeper(Handshake handshake, base::Clock clock, std::chrono::milliseconds failure_hold)
        : handshake_(std::move(handshake)), clock_(std::move(clock)), failure_hold_(failure_hold) {}

    /// A session that is not due for renewal, and is not `refused`, which the broker no longer knows.
    base::Result<std::shared_ptr<const Session>> session(const Operation& operation,
                                                         const std::shared_ptr<const Session>& refused = nullptr);

  private:
    Handshake handshake_;
    base::Clock clock_;
    std::chrono::milliseconds failure_hold_;

    std::mutex mutex_;
    std::condition_variable finished_;
    std::shared_ptr<const Session> session_;
    bool attesting_ = false;
    std::optional<base::Error> failure_;
    std::chrono::steady_clock::time_point failure_until_;
};

}  // namespace kbs_client
