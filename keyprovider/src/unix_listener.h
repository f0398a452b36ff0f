// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>

#include "base/fd.h"
#include "base/result.h"

namespace keyprovider {

/// A listening Unix stream socket of mode 0600. Non-blocking.
class UnixListener {
  public:
    UnixListener() = default;
    /// Binds `path`. A socket left behind by a dead process is replaced; a lock file beside it ("<path>.lock") tells
    /// dead from living, and nobody may answer there either. The folder must exist.
    /// Errors: file_unwritable (also where another process serves this path).
    static base::Result<UnixListener> open(const std::filesystem::path& path);
    /// Takes over a socket that is listening already; its file belongs to whoever made it.
    static UnixListener adopt(base::UniqueFd listener);

    UnixListener(UnixListener&&) = default;
    UnixListener& operator=(UnixListener&&) = default;

    [[nodiscard]] int fd() const { return listener_.get(); }
    /// Removes the file, if it is ours: who tries to connect from now on finds nobody.
    void remove_file();
    /// Stops listening and lets go of the path.
    void close();

  private:
    std::filesystem::path path_;  // empty where adopted
    base::UniqueFd lock_;
    base::UniqueFd listener_;
};

/// Whether the process at the other end of a Unix socket runs as this user or as root.
bool peer_is_trusted(int connection);

}  // namespace keyprovider
