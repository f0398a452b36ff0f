// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

namespace kbs {

/// Counters in Prometheus' text format. Every label takes its values from a closed set (endpoints, statuses, error
/// codes of the registry), never from a request: their number is bounded. Thread-safe.
class Metrics {
  public:
    /// One answered request. `error` is the name of an error code, empty for success.
    void request(std::string_view endpoint, int status, std::string_view error, std::chrono::duration<double> taken);
    /// One key asked for, by "resource" or "unwrap"; `error` as above.
    void release(std::string_view way, std::string_view error);
    /// One node that has proved itself; `tee` is of a kind that this broker verifies.
    void attestation(std::string_view tee);
    [[nodiscard]] std::string render() const;

  private:
    struct Duration {
        std::uint64_t buckets[8] = {};
        double sum = 0;
        std::uint64_t count = 0;
    };
    mutable std::mutex mutex_;
    std::map<std::string, std::uint64_t> requests_;
    std::map<std::string, std::uint64_t> errors_;
    std::map<std::string, std::uint64_t> releases_;
    std::map<std::string, std::uint64_t> attestations_;
    std::map<std::string, Duration> durations_;
};

}  // namespace kbs
