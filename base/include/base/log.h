// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <initializer_list>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

#include "base/error.h"

namespace base {

enum class LogLevel : std::uint8_t { debug, info, warning, error };
enum class LogFormat : std::uint8_t { logfmt, json };

/// One line per event to a file descriptor: `ts=… level=… event=… key=value …` or the same as JSON.
/// Values are strings made by the caller: `SecretBytes` has no way to become one. Lines are whole under concurrency.
class Log {
  public:
    using Fields = std::initializer_list<std::pair<std::string_view, std::string_view>>;

    Log(int fd, LogLevel threshold, LogFormat format) : fd_(fd), threshold_(threshold), format_(format) {}

    void debug(std::string_view event, Fields fields = {}) { write(LogLevel::debug, event, fields); }
    void info(std::string_view event, Fields fields = {}) { write(LogLevel::info, event, fields); }
    void warning(std::string_view event, Fields fields = {}) { write(LogLevel::warning, event, fields); }
    void error(std::string_view event, Fields fields = {}) { write(LogLevel::error, event, fields); }

  private:
    void write(LogLevel level, std::string_view event, Fields fields);

    int fd_;
    LogLevel threshold_;
    LogFormat format_;
    std::mutex mutex_;
};

}  // namespace base
