// SPDX-License-Identifier: Apache-2.0
#include "systemd.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <charconv>
#include <cstddef>
#include <cstring>
#include <optional>
#include <utility>

namespace keyprovider::serve {

namespace {

using base::ErrorCode;
using base::Fail;

constexpr int first_inherited_fd = 3;  // SD_LISTEN_FDS_START
constexpr int max_inherited = 16;

std::optional<int> number(std::string_view text) {
    int value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return value;
}

int socket_option(int fd, int option) {
    int value = -1;
    socklen_t size = sizeof(value);
    return getsockopt(fd, SOL_SOCKET, option, &value, &size) == 0 ? value : -1;
}

}  // namespace

base::Result<std::vector<InheritedSocket>> inherited_sockets(const SystemdEnvironment& environment) {
    std::vector<InheritedSocket> sockets;
    if (environment.listen_pid.empty() || number(environment.listen_pid) != getpid()) return sockets;
    const auto count = number(environment.listen_fds);
    if (!count || *count < 0 || *count > max_inherited)
        return Fail(ErrorCode::config_invalid, "LISTEN_FDS is not a number of 0 to " + std::to_string(max_inherited));
    std::string_view names = environment.listen_fdnames;
    for (int fd = first_inherited_fd; fd < first_inherited_fd + *count; ++fd) {
        const std::string_view name = names.substr(0, names.find(':'));
        names.remove_prefix(std::min(names.size(), name.size() + 1));
        fcntl(fd, F_SETFD, FD_CLOEXEC);
        sockets.push_back({std::string(name), base::UniqueFd(fd)});
        if (socket_option(fd, SO_TYPE) != SOCK_STREAM || socket_option(fd, SO_ACCEPTCONN) != 1)
            return Fail(base::Error(ErrorCode::config_invalid,
                                    "inherited descriptor " + std::to_string(fd) + " is not a listening stream socket")
                            .with_remedy("the socket unit needs ListenStream= and Accept=no"));
    }
    return sockets;
}

void notify_manager(const SystemdEnvironment& environment, std::string_view state) {
    const std::string& path = environment.notify_socket;
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    // An absolute path, or '@' for the abstract namespace.
    if (path.size() < 2 || path.size() >= sizeof(address.sun_path) || (path[0] != '/' && path[0] != '@')) return;
    std::memcpy(address.sun_path, path.data(), path.size());
    if (path[0] == '@') address.sun_path[0] = '\0';
    const base::UniqueFd socket_fd(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    if (!socket_fd.valid()) return;
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size());
    [[maybe_unused]] const auto ignored = sendto(socket_fd.get(), state.data(), state.size(), MSG_NOSIGNAL,
                                                 reinterpret_cast<const sockaddr*>(&address), size);
}

}  // namespace keyprovider::serve
