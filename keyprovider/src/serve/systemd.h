// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "base/result.h"

/// The two small protocols of systemd that a service speaks: sd_listen_fds(3) and sd_notify(3), without libsystemd.
namespace keyprovider::serve {

/// The variables of both protocols as `main` found them; empty where unset.
struct SystemdEnvironment {
    std::string_view listen_pid;
    std::string_view listen_fds;
    std::string_view listen_fdnames;
    std::string notify_socket;
};

struct InheritedSocket {
    std::string name;  ///< FileDescriptorName= of the socket unit
    base::UniqueFd listener;
};

/// The listening stream sockets that were handed to this process; none where they were meant for another.
/// Errors: config_invalid for anything else than a listening stream socket, or a malformed environment.
base::Result<std::vector<InheritedSocket>> inherited_sockets(const SystemdEnvironment& environment);

/// Tells the service manager, where there is one: "READY=1", "STOPPING=1". Nothing depends on it being heard.
void notify_manager(const SystemdEnvironment& environment, std::string_view state);

}  // namespace keyprovider::serve
