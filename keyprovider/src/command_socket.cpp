// SPDX-License-Identifier: Apache-2.0
#include "keyprovider/command_socket.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <condition_variable>
#include <mutex>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

#include "unix_listener.h"

namespace keyprovider {

namespace {

using base::UniqueFd;

// A client that does not read its answer must not hold a thread.
void limit_sending(int connection, std::chrono::milliseconds limit) {
    const auto seconds = std::chrono::floor<std::chrono::seconds>(limit);
    timeval timeout{};
    timeout.tv_sec = seconds.count();
    timeout.tv_usec = std::chrono::microseconds(limit - seconds).count();
    setsockopt(connection, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
}

// The client that went away misses its answer; there is nobody left to tell.
void send_answer(int connection, std::string_view word, std::string_view text) {
    base::WipingString message;
    message.reserve(word.size() + text.size() + 1);
    message.append(word).append("\n").append(text);
    [[maybe_unused]] const auto ignored = base::write_all(connection, base::as_bytes(message));
}

void send_failure(int connection, const Failure& failure) {
    send_answer(connection, "error", failure.text());
}

}  // namespace

struct CommandSocket::State {
    CommandSocketOptions options;
    CommandHandler handler;
    UnixListener listener;
    UniqueFd stop_read;
    UniqueFd stop_write;
    std::thread acceptor;
    std::mutex mutex;
    std::condition_variable changed;
    std::size_t connections = 0;

    void accept_until_stopped() {
        while (true) {
            pollfd waiting[] = {{listener.fd(), POLLIN, 0}, {stop_read.get(), POLLIN, 0}};
            if (poll(waiting, 2, -1) < 0) continue;
            const bool stopping = waiting[1].revents != 0;
            UniqueFd connection(accept4(listener.fd(), nullptr, nullptr, SOCK_CLOEXEC));
            if (connection.valid()) {
                admit(std::move(connection));
            } else if (stopping) {
                return;  // only now: whoever had connected before is answered
            } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
                // The connection stays in the queue; without a pause this loop would spin until something is freed.
                std::this_thread::sleep_for(std::chrono::milliseconds(50));
            }
        }
    }

    // Waits for a free place: clients queue in the kernel, each with its own deadline.
    void admit(UniqueFd connection) {
        if (!peer_is_trusted(connection.get())) return;
        limit_sending(connection.get(), options.peer_timeout);
        {
            std::unique_lock guard(mutex);
            changed.wait(guard, [this] { return connections < options.max_connections; });
            ++connections;
        }
        std::thread([this, connection = std::move(connection)] {
            answer(connection.get());
            // Under the lock, for `stop` may destroy this object as soon as the count is zero.
            const std::lock_guard guard(mutex);
            --connections;
            changed.notify_all();
        }).detach();
    }

    void answer(int connection) const {
        const auto deadline = std::chrono::steady_clock::now() + options.peer_timeout;
        const auto request = base::read_to_end(connection, options.max_request_bytes, deadline);
        if (!request) return send_failure(connection, {request.error(), new_request_id()});
        const Answer result = handler(request->view());
        if (!result) return send_failure(connection, result.error());
        send_answer(connection, "ok", *result);
    }
};

base::Result<std::unique_ptr<CommandSocket>> CommandSocket::start(CommandSocketOptions options,
                                                                  CommandHandler handler) {
    auto state = std::make_unique<State>();
    if (options.adopted.valid()) {
        state->listener = UnixListener::adopt(std::move(options.adopted));
    } else {
        TRY_ASSIGN(state->listener, UnixListener::open(options.path));
    }
    int stop_pipe[2];
    if (pipe2(stop_pipe, O_CLOEXEC) != 0)
        return base::Fail(base::ErrorCode::internal, "pipe: " + std::generic_category().message(errno));
    state->stop_read = UniqueFd(stop_pipe[0]);
    state->stop_write = UniqueFd(stop_pipe[1]);
    state->options = std::move(options);
    state->handler = std::move(handler);
    state->acceptor = std::thread([raw = state.get()] { raw->accept_until_stopped(); });
    return std::unique_ptr<CommandSocket>(new CommandSocket(std::move(state)));
}

CommandSocket::CommandSocket(std::unique_ptr<State> state) : state_(std::move(state)) {}

CommandSocket::~CommandSocket() {
    stop();
}

void CommandSocket::stop() {
    if (!state_->acceptor.joinable()) return;
    // Gone first, so that a client starting now finds nobody and attests by itself.
    state_->listener.remove_file();
    state_->stop_write.reset();
    state_->acceptor.join();
    std::unique_lock guard(state_->mutex);
    state_->changed.wait(guard, [this] { return state_->connections == 0; });
    state_->listener.close();
}

}  // namespace keyprovider
