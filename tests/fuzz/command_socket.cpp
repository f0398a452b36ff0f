// SPDX-License-Identifier: Apache-2.0
#include <sys/socket.h>

#include <cstdlib>

#include "base/fd.h"
#include "keyprovider/command_client.h"

// What a service answers, as the client reads it.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size > 64 * 1024) return 0;  // must fit the socket's buffer: nobody reads meanwhile
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0) std::abort();
    const base::UniqueFd client(pair[0]);
    {
        const base::UniqueFd service(pair[1]);
        if (!base::write_all(service.get(), {data, size})) std::abort();
        shutdown(service.get(), SHUT_WR);
        const auto answer = keyprovider::forward_command(client, {});
        const std::string_view text = base::as_text({data, size});
        if (answer.has_value() != text.starts_with("ok\n")) std::abort();
        if (answer && answer->text() != text.substr(3)) std::abort();
    }
    return 0;
}
