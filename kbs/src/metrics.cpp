// SPDX-License-Identifier: Apache-2.0
#include "kbs/metrics.h"

#include <fmt/format.h>

#include <array>
#include <iterator>

#include "version.h"

namespace kbs {

namespace {

/// Upper bounds in seconds: a warm unwrap takes about a millisecond, an attestation waits for the disk.
constexpr std::array<double, 8> bounds = {0.001, 0.0025, 0.005, 0.01, 0.05, 0.25, 1, 10};

void counter(std::string& out, std::string_view name, std::string_view help,
             const std::map<std::string, std::uint64_t>& values) {
    fmt::format_to(std::back_inserter(out), "# HELP {0} {1}\n# TYPE {0} counter\n", name, help);
    for (const auto& [labels, value] : values)
        fmt::format_to(std::back_inserter(out), "{}{{{}}} {}\n", name, labels, value);
}

}  // namespace

void Metrics::request(std::string_view endpoint, int status, std::string_view error,
                      std::chrono::duration<double> taken) {
    const std::lock_guard lock(mutex_);
    ++requests_[fmt::format("endpoint=\"{}\",status=\"{}\"", endpoint, status)];
    if (!error.empty()) ++errors_[fmt::format("endpoint=\"{}\",code=\"{}\"", endpoint, error)];
    Duration& duration = durations_[std::string(endpoint)];
    for (std::size_t i = 0; i < bounds.size(); ++i)
        if (taken.count() <= bounds[i]) ++duration.buckets[i];
    duration.sum += taken.count();
    ++duration.count;
}

void Metrics::release(std::string_view way, std::string_view error) {
    const std::lock_guard lock(mutex_);
    ++releases_[fmt::format("way=\"{}\",outcome=\"{}\"", way, error.empty() ? "released" : error)];
}

void Metrics::attestation(std::string_view tee) {
    const std::lock_guard lock(mutex_);
    ++attestations_[fmt::format("tee=\"{}\"", tee)];
}

std::string Metrics::render() const {
    const std::lock_guard lock(mutex_);
    std::string out;
    const auto append = std::back_inserter(out);
    fmt::format_to(append,
                   "# HELP ocicrypt_kbs_build_info The version that runs.\n# TYPE ocicrypt_kbs_build_info gauge\n"
                   "ocicrypt_kbs_build_info{{version=\"{}\"}} 1\n",
                   version);
    counter(out, "ocicrypt_kbs_requests_total", "Requests answered.", requests_);
    counter(out, "ocicrypt_kbs_errors_total", "Requests answered by an error, by its code.", errors_);
    counter(out, "ocicrypt_kbs_attestations_total", "Nodes that have proved themselves.", attestations_);
    counter(out, "ocicrypt_kbs_releases_total", "Keys asked for by attested nodes.", releases_);
    fmt::format_to(append,
                   "# HELP ocicrypt_kbs_request_duration_seconds Time to answer.\n"
                   "# TYPE ocicrypt_kbs_request_duration_seconds histogram\n");
    for (const auto& [endpoint, duration] : durations_) {
        for (std::size_t i = 0; i < bounds.size(); ++i)
            fmt::format_to(append, "ocicrypt_kbs_request_duration_seconds_bucket{{endpoint=\"{}\",le=\"{}\"}} {}\n",
                           endpoint, bounds[i], duration.buckets[i]);
        fmt::format_to(append,
                       "ocicrypt_kbs_request_duration_seconds_bucket{{endpoint=\"{0}\",le=\"+Inf\"}} {2}\n"
                       "ocicrypt_kbs_request_duration_seconds_sum{{endpoint=\"{0}\"}} {1}\n"
                       "ocicrypt_kbs_request_duration_seconds_count{{endpoint=\"{0}\"}} {2}\n",
                       endpoint, duration.sum, duration.count);
    }
    return out;
}

}  // namespace kbs
