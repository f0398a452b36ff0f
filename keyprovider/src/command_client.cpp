// SPDX-License-Identifier: Apache-2.0
#include "keyprovider/command_client.h"

#include <sys/socket.h>

#include "keyprovider/failure.h"
#include "ocicrypt/keyprovider_protocol.h"
#include "unix_listener.h"

namespace keyprovider {

using base::ErrorCode;

base::Result<base::UniqueFd> connect_command_socket(const std::filesystem::path& path) {
    TRY_ASSIGN(base::UniqueFd connection, base::connect_unix(path));
    if (!peer_is_trusted(connection.get()))
        return base::Fail(ErrorCode::net_unreachable, path.string() + ": another user listens there");
    return connection;
}

std::expected<base::SecretBytes, std::string> forward_command(const base::UniqueFd& connection,
                                                              base::ByteView request) {
    const auto failed = [](const base::Error& error) {
        return std::unexpected(Failure{error.within("running service"), new_request_id()}.text());
    };
    if (const auto sent = base::write_all(connection.get(), request); !sent) return failed(sent.error());
    shutdown(connection.get(), SHUT_WR);
    auto answer = base::read_to_end(connection.get(), ocicrypt::max_keyprovider_message);
    if (!answer) return failed(answer.error());

    constexpr std::string_view ok = "ok\n";
    constexpr std::string_view error = "error\n";
    const std::string_view text = answer->text();
    if (text.starts_with(ok)) return base::SecretBytes::copy_of(text.substr(ok.size()));
    if (text.starts_with(error)) return std::unexpected(std::string(text.substr(error.size())));
    return failed(base::Error(ErrorCode::net_failed, "it closed the connection without an answer"));
}

}  // namespace keyprovider
