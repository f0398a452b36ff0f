// SPDX-License-Identifier: Apache-2.0
#include "unix_listener.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <system_error>
#include <utility>

namespace keyprovider {

namespace {

using base::ErrorCode;
using base::Fail;
using base::Result;
using base::UniqueFd;

Fail socket_failed(const std::filesystem::path& path, int error) {
    return Fail(ErrorCode::file_unwritable, path.string() + ": " + std::generic_category().message(error));
}

Fail already_served(const std::filesystem::path& path) {
    return Fail(base::Error(ErrorCode::file_unwritable, path.string() + ": another process serves this socket")
                    .with_remedy("stop the other service, or choose another path under [serve]"));
}

// Held as long as this process serves the path. The kernel lets go of it however the process ends, so a socket whose
// lock is free is a dead one of ours, and two starting at once cannot both win.
Result<UniqueFd> take_lock(const std::filesystem::path& path) {
    UniqueFd lock(open((path.string() + ".lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!lock.valid()) return socket_failed(path, errno);
    if (flock(lock.get(), LOCK_EX | LOCK_NB) == 0) return lock;
    if (errno != EWOULDBLOCK) return socket_failed(path, errno);
    return already_served(path);
}

Result<UniqueFd> listen_at(const std::filesystem::path& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.native().size() >= sizeof(address.sun_path)) return socket_failed(path, ENAMETOOLONG);
    std::memcpy(address.sun_path, path.c_str(), path.native().size());

    struct stat existing{};
    if (lstat(path.c_str(), &existing) == 0) {
        // Whatever else lies there is not ours to remove.
        if (!S_ISSOCK(existing.st_mode)) return socket_failed(path, EEXIST);
        // Another kind of program takes no lock of ours.
        if (base::connect_unix(path)) return already_served(path);
        if (unlink(path.c_str()) != 0) return socket_failed(path, errno);
    }
    UniqueFd listener(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!listener.valid()) return socket_failed(path, errno);
    // Before bind(2): the file is born with these permissions, and the umask, which all threads share, stays alone.
    if (fchmod(listener.get(), 0600) != 0 ||
        bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0 ||
        listen(listener.get(), 128) != 0)
        return socket_failed(path, errno);
    return listener;
}

}  // namespace

Result<UnixListener> UnixListener::open(const std::filesystem::path& path) {
    UnixListener made;
    TRY_ASSIGN(made.lock_, take_lock(path));
    TRY_ASSIGN(made.listener_, listen_at(path));
    made.path_ = path;
    return made;
}

UnixListener UnixListener::adopt(UniqueFd listener) {
    UnixListener made;
    const int flags = fcntl(listener.get(), F_GETFL);
    fcntl(listener.get(), F_SETFL, flags | O_NONBLOCK);
    made.listener_ = std::move(listener);
    return made;
}

void UnixListener::remove_file() {
    if (!path_.empty()) unlink(path_.c_str());
}

void UnixListener::close() {
    listener_.reset();
    lock_.reset();
}

bool peer_is_trusted(int connection) {
    ucred peer{};
    socklen_t size = sizeof(peer);
    return getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
           (peer.uid == 0 || peer.uid == geteuid());
}

}  // namespace keyprovider
