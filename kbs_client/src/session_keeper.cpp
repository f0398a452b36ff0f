// SPDX-License-Identifier: Apache-2.0
#include "session_keeper.h"

namespace kbs_client {

using base::ErrorCode;
using base::Fail;
using base::Result;

Result<std::shared_ptr<const Session>> SessionKeeper::session(const Operation& operation,
                                                              const std::shared_ptr<const Session>& refused) {
    std::unique_lock lock(mutex_);
    for (;;) {
        if (session_ && session_ != refused && clock_() < session_->renew_after) return session_;
        if (failure_ && std::chrono::steady_clock::now() < failure_until_) return Fail(*failure_);
        if (!attesting_) break;
        if (finished_.wait_until(lock, operation.deadline) == std::cv_status::timeout) {
            return Fail(ErrorCode::deadline_exceeded, "another request is still attesting");
        }
    }
    attesting_ = true;
    lock.unlock();
    auto outcome = handshake_(operation);
    lock.lock();
    attesting_ = false;
    failure_.reset();
    if (outcome) {
        session_ = *outcome;
    } else {
        session_.reset();
        // A deadline is its operation's own; the next one may have more time.
        if (outcome.error().code() != ErrorCode::deadline_exceeded) {
            failure_ = outcome.error();
            failure_until_ = std::chrono::steady_clock::now() + failure_hold_;
        }
    }
    finished_.notify_all();
    return outcome;
}

}  // namespace kbs_client
