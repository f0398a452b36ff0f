// SPDX-License-Identifier: Apache-2.0
#include "keyprovider/command_socket.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <string>
#include <system_error>
#include <thread>
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

// Held as long as this process serves the path. The kernel lets go of it however the process ends, so a socket whose
// lock is free is a dead one: no guessing by connecting, and two starting at once cannot both win.
Result<UniqueFd> take_lock(const std::filesystem::path& path) {
    UniqueFd lock(open((path.string() + ".lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!lock.valid()) return socket_failed(path, errno);
    if (flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK) return socket_failed(path, errno);
        return Fail(base::Error(ErrorCode::file_unwritable, path.string() + ": another process serves this socket")
                        .with_remedy("stop the other service, or set another [serve] command_socket"));
    }
    return lock;
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

bool may_ask(int connection) {
    ucred peer{};
    socklen_t size = sizeof(peer);
    return getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
           (peer.uid == 0 || peer.uid == geteuid());
}

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
    UniqueFd lock;
    UniqueFd listener;
    UniqueFd stop_read;
    UniqueFd stop_write;
    std::thread acceptor;
    std::mutex mutex;
    std::condition_variable changed;
    std::size_t connections = 0;

    void accept_until_stopped() {
        while (true) {
            pollfd waiting[] = {{listener.get(), POLLIN, 0}, {stop_read.get(), POLLIN, 0}};
            if (poll(waiting, 2, -1) < 0) continue;
            const bool stopping = waiting[1].revents != 0;
            UniqueFd connection(accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
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
        if (!may_ask(connection.get())) return;
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
        if (!request) return send_failure(connection, {request.error(), {}});
        const Answer result = handler(request->view());
        if (!result) return send_failure(connection, result.error());
        send_answer(connection, "ok", *result);
    }
};

base::Result<std::unique_ptr<CommandSocket>> CommandSocket::start(CommandSocketOptions options,
                                                                  CommandHandler handler) {
    auto state = std::make_unique<State>();
    TRY_ASSIGN(state->lock, take_lock(options.path));
    TRY_ASSIGN(state->listener, listen_at(options.path));
    int stop_pipe[2];
    if (pipe2(stop_pipe, O_CLOEXEC) != 0) return socket_failed(options.path, errno);
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
    unlink(state_->options.path.c_str());
    state_->stop_write.reset();
    state_->acceptor.join();
    state_->listener.reset();
    std::unique_lock guard(state_->mutex);
    state_->changed.wait(guard, [this] { return state_->connections == 0; });
    state_->lock.reset();
}

}  // namespace keyprovider
