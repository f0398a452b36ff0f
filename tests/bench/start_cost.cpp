// SPDX-License-Identifier: Apache-2.0
// usage: start_cost RUNS INPUT PROGRAM [ARGUMENT...]
// Runs PROGRAM that often, one after the other, with INPUT as stdin, and prints the median of its wall time in
// microseconds and the largest resident set in KiB. Static and small, because a child's resident set counts from that
// of its parent at the time of exec.
#include <fcntl.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <vector>

int main(int argc, char** argv) {
    const int runs = argc < 4 ? 0 : std::atoi(argv[1]);
    if (runs <= 0) return 2;
    std::vector<double> times;
    long largest = 0;
    for (int run = 0; run < runs; ++run) {
        posix_spawn_file_actions_t actions;
        posix_spawn_file_actions_init(&actions);
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, argv[2], O_RDONLY, 0);
        posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
        const auto began = std::chrono::steady_clock::now();
        pid_t child = 0;
        if (posix_spawn(&child, argv[3], &actions, nullptr, argv + 3, environ) != 0) return 1;
        int status = 0;
        rusage usage{};
        if (wait4(child, &status, 0, &usage) != child) return 1;
        const std::chrono::duration<double, std::micro> took = std::chrono::steady_clock::now() - began;
        posix_spawn_file_actions_destroy(&actions);
        if (status != 0) {
            std::fprintf(stderr, "start_cost: %s failed with status %d\n", argv[3], status);
            return 1;
        }
        times.push_back(took.count());
        largest = std::max(largest, usage.ru_maxrss);
    }
    const auto middle = times.begin() + runs / 2;
    std::nth_element(times.begin(), middle, times.end());
    std::printf("%.0f %ld\n", *middle, largest);
    return 0;
}
