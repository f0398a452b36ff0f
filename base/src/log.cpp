// SPDX-License-Identifier: Apache-2.0
#include "base/log.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <chrono>

#include "base/fd.h"
#include "base/json.h"

namespace base {
namespace {

constexpr std::string_view level_name(LogLevel level) {
    switch (level) {
        case LogLevel::debug:
            return "debug";
        case LogLevel::info:
            return "info";
        case LogLevel::warning:
            return "warning";
        case LogLevel::error:
            return "error";
    }
    return "error";
}

bool needs_quotes(std::string_view value) {
    return value.empty() || value.find_first_of(" =\"\\") != std::string_view::npos;
}

}  // namespace

void Log::write(LogLevel level, std::string_view event, Fields fields) {
    if (level < threshold_) return;
    const auto now = std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
    const auto millis = now.time_since_epoch() % std::chrono::seconds(1);
    const std::string time = fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z",
                                         fmt::gmtime(std::chrono::system_clock::to_time_t(now)), millis.count());
    std::string line;
    if (format_ == LogFormat::json) {
        json::Object object{{"ts", time}, {"level", level_name(level)}, {"event", event}};
        for (const auto& [key, value] : fields) object.set(key, printable_line(value, 2000));
        line = json::serialize_public(object);
    } else {
        line = fmt::format("ts={} level={} event={}", time, level_name(level), event);
        for (const auto& [key, value] : fields) {
            const std::string printable = printable_line(value, 2000);
            line += fmt::format(" {}=", key);
            // Quoting as JSON does keeps one event one line, whatever a peer sent.
            line += needs_quotes(printable) ? json::serialize_public(std::string_view(printable)) : printable;
        }
    }
    line += '\n';
    const std::lock_guard lock(mutex_);
    // A log that cannot be written has nowhere to complain.
    static_cast<void>(write_all(fd_, as_bytes(line)));
}

}  // namespace base
