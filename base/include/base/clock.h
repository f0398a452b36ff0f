// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <functional>

namespace base {

/// Wall-clock time in seconds, UTC.
using TimePoint = std::chrono::sys_seconds;

/// Time is an argument: whoever needs "now" over time takes a Clock, whoever needs it once takes a TimePoint.
using Clock = std::function<TimePoint()>;

inline TimePoint system_now() {
    return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
}

}  // namespace base
