// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>

#include "base/result.h"
#include "base/secret_bytes.h"

namespace base {

/// Owns a file descriptor.
class UniqueFd {
  public:
    UniqueFd() = default;
    explicit UniqueFd(int fd) : fd_(fd) {}
    UniqueFd(UniqueFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    UniqueFd& operator=(UniqueFd&& other) noexcept;
    UniqueFd(const UniqueFd&) = delete;
    UniqueFd& operator=(const UniqueFd&) = delete;
    ~UniqueFd() { reset(); }

    [[nodiscard]] int get() const { return fd_; }
    [[nodiscard]] bool valid() const { return fd_ >= 0; }
    int release() { return std::exchange(fd_, -1); }
    void reset();

  private:
    int fd_ = -1;
};

/// Reads a whole regular file of at most `max_bytes`. Errors: file_unreadable (with the path and the system's reason),
/// input_too_large.
Result<SecretBytes> load_file(const std::filesystem::path& path, std::size_t max_bytes);
/// The same as text, for files that hold no secret.
Result<std::string> load_text_file(const std::filesystem::path& path, std::size_t max_bytes);

/// Replaces or creates a file so that a crash leaves the old or the new content, never half: written beside, synced,
/// renamed. `mode` as for open(2), applied exactly. Errors: file_unwritable.
Status store_file(const std::filesystem::path& path, ByteView content, unsigned mode);
/// The same, but an existing file is an error (file_unwritable, "exists already").
Status create_file(const std::filesystem::path& path, ByteView content, unsigned mode);

/// Reads until end of file, at most `max_bytes` and at most until `deadline`.
/// Errors: input_too_large, deadline_exceeded, input_invalid.
Result<SecretBytes> read_to_end(int fd, std::size_t max_bytes,
                                std::optional<std::chrono::steady_clock::time_point> deadline = {});
/// Writes everything. A closed peer is an error (net_failed), never a signal, where `fd` is a socket.
Status write_all(int fd, ByteView content);

/// Connects to a Unix stream socket. Errors: net_unreachable.
Result<UniqueFd> connect_unix(const std::filesystem::path& path);

}  // namespace base
