// SPDX-License-Identifier: Apache-2.0
#include "command_protocol.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <span>

#include "base/fd.h"
#include "keyprovider/failure.h"
#include "ocicrypt/keyprovider_protocol.h"

namespace keyprovider {

namespace {

// A signal handler can be given nothing, so these are the only globals of the program.
std::array<char, 512> deadline_line;
std::size_t deadline_line_size = 0;
std::atomic_flag stderr_line_written;

extern "C" void on_deadline(int) {
    if (stderr_line_written.test_and_set()) return;
    // Nothing can be done about a failing write: the exit status still says it.
    [[maybe_unused]] const ssize_t ignored = write(STDERR_FILENO, deadline_line.data(), deadline_line_size);
    _exit(1);
}

void set_timer(std::chrono::seconds limit) {
    itimerval timer{};
    timer.it_value.tv_sec = limit.count();
    setitimer(ITIMER_REAL, &timer, nullptr);
}

int fail(std::string_view text) {
    if (!stderr_line_written.test_and_set()) {
        const std::string line = command_error_line(text);
        [[maybe_unused]] const auto ignored = base::write_all(STDERR_FILENO, base::as_bytes(line));
    }
    return 1;
}

}  // namespace

void prepare_process() {
    base::forbid_core_files();
    // tpm2-tss logs to stderr by itself, where command mode promises one line; its errors reach us as return codes.
    setenv("TSS2_LOG", "all+NONE", 0);
    static_cast<void>(signal(SIGPIPE, SIG_IGN));  // cannot fail for this signal
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd) {
        if (fcntl(fd, F_GETFD) < 0) open("/dev/null", fd == STDIN_FILENO ? O_RDONLY : O_WRONLY);
    }
}

void arm_deadline(std::chrono::seconds limit, std::string_view request_id) {
    set_timer(std::chrono::seconds(0));
    const base::Error error(base::ErrorCode::deadline_exceeded,
                            "no answer within " + std::to_string(limit.count()) + " s");
    const std::string line = command_error_line(Failure{error, std::string(request_id)}.text());
    deadline_line_size = std::min(line.size(), deadline_line.size());
    std::copy_n(line.begin(), deadline_line_size, deadline_line.begin());
    struct sigaction action{};
    action.sa_handler = on_deadline;
    sigaction(SIGALRM, &action, nullptr);
    set_timer(limit);
}

void disarm_deadline() {
    set_timer(std::chrono::seconds(0));
}

base::Result<base::SecretBytes> read_request() {
    return base::read_to_end(STDIN_FILENO, ocicrypt::max_keyprovider_message);
}

int finish_command(const std::expected<std::string_view, std::string>& answer) {
    if (!answer) return fail(answer.error());
    if (const auto written = base::write_all(STDOUT_FILENO, base::as_bytes(*answer)); !written)
        return fail(Failure{written.error().within("stdout"), new_request_id()}.text());
    disarm_deadline();
    return 0;
}

}  // namespace keyprovider
