// SPDX-License-Identifier: Apache-2.0
#include "call_pool.h"

#include <utility>

namespace keyprovider::serve {

CallPool::CallPool(std::size_t max_running, std::size_t max_waiting)
    : max_running_(max_running), max_waiting_(max_waiting) {}

CallPool::~CallPool() {
    {
        const std::lock_guard guard(mutex_);
        refusing_ = true;
        closing_ = true;
    }
    submitted_.notify_all();
    for (auto& thread : threads_) thread.join();
}

bool CallPool::submit(std::function<void()> call) {
    const std::lock_guard guard(mutex_);
    const bool thread_is_free = idle_ > waiting_.size() || threads_.size() < max_running_;
    if (refusing_ || (!thread_is_free && waiting_.size() >= max_waiting_)) return false;
    waiting_.push_back(std::move(call));
    if (idle_ < waiting_.size() && threads_.size() < max_running_) threads_.emplace_back([this] { work(); });
    submitted_.notify_one();
    return true;
}

void CallPool::refuse_more() {
    const std::lock_guard guard(mutex_);
    refusing_ = true;
}

bool CallPool::wait_until_idle(std::chrono::steady_clock::time_point deadline) {
    std::unique_lock guard(mutex_);
    return ended_.wait_until(guard, deadline, [this] { return running_ == 0 && waiting_.empty(); });
}

void CallPool::work() {
    std::unique_lock guard(mutex_);
    while (true) {
        ++idle_;
        submitted_.wait(guard, [this] { return closing_ || !waiting_.empty(); });
        --idle_;
        if (waiting_.empty()) return;
        auto call = std::move(waiting_.front());
        waiting_.pop_front();
        ++running_;
        guard.unlock();
        call();
        call = nullptr;  // what it holds is freed before it counts as ended
        guard.lock();
        --running_;
        ended_.notify_all();
    }
}

}  // namespace keyprovider::serve
