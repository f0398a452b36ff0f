// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <memory>

#include "base/bytes.h"
#include "base/fd.h"
#include "base/result.h"
#include "keyprovider/failure.h"

/// How command mode hands its request to a running service, so that it need not attest by itself.
///
/// The client connects to a Unix stream socket, sends the request JSON and shuts down its side; the service answers
/// "ok\n<response JSON>" or "error\n<one line>" and closes.
namespace keyprovider {

/// Answers one request; called on several threads at once.
using CommandHandler = std::function<Answer(base::ByteView request)>;

struct CommandSocketOptions {
    std::filesystem::path path;
    std::size_t max_request_bytes;
    /// Requests answered at once; further clients wait.
    std::size_t max_connections = 64;
    /// How long a client may take to send its request, and again to read its answer.
    std::chrono::milliseconds peer_timeout{10'000};
    /// A listening socket that systemd made for us: used instead of `path`, which is then left alone.
    base::UniqueFd adopted{};
};

/// Mode 0600, and only processes of the same user or of root are answered, whatever the mode of the
/// file says later.
class CommandSocket {
  public:
    /// Binds and begins to answer. A socket left behind by a dead process is replaced; a lock file beside it
    /// ("<path>.lock") tells dead from living. The folder must exist.
    /// Errors: file_unwritable (also where another process serves this path).
    static base::Result<std::unique_ptr<CommandSocket>> start(CommandSocketOptions options, CommandHandler handler);

    CommandSocket(const CommandSocket&) = delete;
    CommandSocket& operator=(const CommandSocket&) = delete;
    /// As `stop()`.
    ~CommandSocket();

    /// Accepts no more, waits for the requests being answered, removes the socket.
    void stop();

  private:
    struct State;
    explicit CommandSocket(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

}  // namespace keyprovider
