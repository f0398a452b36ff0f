// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace keyprovider::serve {

/// Runs calls on a bounded number of threads, which are started when they are first needed; a bounded number waits.
class CallPool {
  public:
    CallPool(std::size_t max_running, std::size_t max_waiting);
    CallPool(const CallPool&) = delete;
    CallPool& operator=(const CallPool&) = delete;
    /// Runs what waits, and waits for what runs.
    ~CallPool();

    /// False where no place is free, or after `refuse_more()`: the call is not taken then.
    [[nodiscard]] bool submit(std::function<void()> call);
    void refuse_more();
    /// False where something still runs or waits at `deadline`.
    [[nodiscard]] bool wait_until_idle(std::chrono::steady_clock::time_point deadline);

  private:
    void work();

    const std::size_t max_running_;
    const std::size_t max_waiting_;
    std::mutex mutex_;
    std::condition_variable submitted_;
    std::condition_variable ended_;
    std::deque<std::function<void()>> waiting_;
    std::vector<std::thread> threads_;
    std::size_t idle_ = 0;
    std::size_t running_ = 0;
    bool refusing_ = false;
    bool closing_ = false;
};

}  // namespace keyprovider::serve
