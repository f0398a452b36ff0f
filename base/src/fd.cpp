// SPDX-License-Identifier: Apache-2.0
#include "base/fd.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <system_error>

namespace base {
namespace {

std::string reason(int error) {
    return std::generic_category().message(error);
}

Fail file_failed(ErrorCode code, const std::filesystem::path& path, int error) {
    return Fail(code, path.string() + ": " + reason(error));
}

/// Milliseconds until the deadline as poll(2) wants them.
int poll_timeout(std::optional<std::chrono::steady_clock::time_point> deadline) {
    if (!deadline) return -1;
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(*deadline - std::chrono::steady_clock::now()).count();
    return static_cast<int>(std::clamp<std::int64_t>(left, 0, 1'000'000'000));
}

/// Writes a new file beside `path` and syncs it. The caller gives it its name.
Result<std::string> write_beside(const std::filesystem::path& path, ByteView content, unsigned mode) {
    std::string temporary = path.string() + ".XXXXXX";
    const UniqueFd file(mkostemp(temporary.data(), O_CLOEXEC));
    if (!file.valid()) return file_failed(ErrorCode::file_unwritable, path, errno);
    const auto failed = [&](int error) {
        unlink(temporary.c_str());
        return file_failed(ErrorCode::file_unwritable, path, error);
    };
    if (fchmod(file.get(), mode) != 0) return failed(errno);
    if (!write_all(file.get(), content)) return failed(errno);
    if (fsync(file.get()) != 0) return failed(errno);
    return temporary;
}

Status sync_folder_of(const std::filesystem::path& path) {
    const auto parent = path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
    const UniqueFd folder(open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!folder.valid() || fsync(folder.get()) != 0) return file_failed(ErrorCode::file_unwritable, parent, errno);
    return {};
}

}  // namespace

UniqueFd& UniqueFd::operator=(UniqueFd&& other) noexcept {
    if (this != &other) {
        reset();
        fd_ = other.release();
    }
    return *this;
}

void UniqueFd::reset() {
    if (fd_ >= 0) close(fd_);
    fd_ = -1;
}

Result<SecretBytes> load_file(const std::filesystem::path& path, std::size_t max_bytes) {
    // O_NONBLOCK: opening a FIFO by mistake must not hang; it changes nothing for regular files.
    const UniqueFd file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (!file.valid()) return file_failed(ErrorCode::file_unreadable, path, errno);
    struct stat status{};
    if (fstat(file.get(), &status) != 0) return file_failed(ErrorCode::file_unreadable, path, errno);
    if (!S_ISREG(status.st_mode)) return Fail(ErrorCode::file_unreadable, path.string() + ": not a regular file");
    auto content = read_to_end(file.get(), max_bytes);
    if (content) return content;
    if (content.error().code() == ErrorCode::input_too_large) {
        return Fail(ErrorCode::input_too_large, fmt::format("{}: more than {} bytes", path.string(), max_bytes));
    }
    return Fail(ErrorCode::file_unreadable, path.string() + ": " + content.error().detail());
}

Result<std::string> load_text_file(const std::filesystem::path& path, std::size_t max_bytes) {
    TRY_ASSIGN(const SecretBytes content, load_file(path, max_bytes));
    return std::string(content.text());
}

Status store_file(const std::filesystem::path& path, ByteView content, unsigned mode) {
    TRY_ASSIGN(const std::string temporary, write_beside(path, content, mode));
    if (rename(temporary.c_str(), path.c_str()) != 0) {
        const int error = errno;
        unlink(temporary.c_str());
        return file_failed(ErrorCode::file_unwritable, path, error);
    }
    return sync_folder_of(path);
}

Status create_file(const std::filesystem::path& path, ByteView content, unsigned mode) {
    TRY_ASSIGN(const std::string temporary, write_beside(path, content, mode));
    // link(2) refuses an existing name, which rename(2) would replace.
    const int error = link(temporary.c_str(), path.c_str()) == 0 ? 0 : errno;
    unlink(temporary.c_str());
    if (error == EEXIST) return Fail(ErrorCode::file_unwritable, path.string() + ": exists already");
    if (error != 0) return file_failed(ErrorCode::file_unwritable, path, error);
    return sync_folder_of(path);
}

Result<SecretBytes> read_to_end(int fd, std::size_t max_bytes,
                                std::optional<std::chrono::steady_clock::time_point> deadline) {
    // Grows by doubling; each outgrown buffer wipes itself.
    SecretBytes buffer(std::min<std::size_t>(max_bytes + 1, 4096));
    std::size_t used = 0;
    while (true) {
        if (deadline) {
            pollfd waiting{fd, POLLIN, 0};
            const int ready = poll(&waiting, 1, poll_timeout(deadline));
            if (ready < 0 && errno != EINTR) return Fail(ErrorCode::input_invalid, reason(errno));
            if (ready < 0) continue;
            if (ready == 0) return Fail(ErrorCode::deadline_exceeded, "the input did not end in time");
        }
        if (used == buffer.size()) {
            if (used > max_bytes) return Fail(ErrorCode::input_too_large, fmt::format("more than {} bytes", max_bytes));
            SecretBytes larger(std::min(max_bytes + 1, buffer.size() * 2));
            std::memcpy(larger.mutable_view().data(), buffer.view().data(), used);
            buffer = std::move(larger);
        }
        const ssize_t count = read(fd, buffer.mutable_view().data() + used, buffer.size() - used);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return Fail(ErrorCode::input_invalid, reason(errno));
        if (count == 0) break;
        used += static_cast<std::size_t>(count);
    }
    if (used > max_bytes) return Fail(ErrorCode::input_too_large, fmt::format("more than {} bytes", max_bytes));
    buffer.truncate(used);
    return buffer;
}

Status write_all(int fd, ByteView content) {
    while (!content.empty()) {
        // send(2) knows how to leave SIGPIPE out; other files have no such choice and need none.
        ssize_t count = send(fd, content.data(), content.size(), MSG_NOSIGNAL);
        if (count < 0 && errno == ENOTSOCK) count = write(fd, content.data(), content.size());
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return Fail(ErrorCode::net_failed, reason(errno));
        content = content.subspan(static_cast<std::size_t>(count));
    }
    return {};
}

Result<UniqueFd> connect_unix(const std::filesystem::path& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string& name = path.native();
    if (name.size() >= sizeof(address.sun_path)) {
        return Fail(ErrorCode::net_unreachable, name + ": the path is too long for a socket");
    }
    std::memcpy(address.sun_path, name.data(), name.size());
    UniqueFd socket_fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!socket_fd.valid()) return Fail(ErrorCode::net_unreachable, name + ": " + reason(errno));
    if (connect(socket_fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
        return Fail(ErrorCode::net_unreachable, name + ": " + reason(errno));
    }
    return socket_fd;
}

}  // namespace base
