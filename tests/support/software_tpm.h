// SPDX-License-Identifier: Apache-2.0
// A real swtpm for the time of a test, and a TPM evidence builder that needs none.
#pragma once

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <thread>

extern char** environ;

namespace test_support {

class SoftwareTpm {
  public:
    /// Starts swtpm, started up and with nothing in it. Throws where it cannot: a test of TPMs without one proves
    /// nothing.
    SoftwareTpm() {
        std::string name = (std::filesystem::temp_directory_path() / "swtpm.XXXXXX").string();
        if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp");
        folder_ = name;
        const std::string state = "dir=" + name;
        const std::string server = "type=unixio,path=" + (folder_ / "sock").string();
        const std::string control = "type=unixio,path=" + (folder_ / "sock.ctrl").string();
        const char* arguments[] = {"swtpm",
                                   "socket",
                                   "--tpm2",
                                   "--tpmstate",
                                   state.c_str(),
                                   "--server",
                                   server.c_str(),
                                   "--ctrl",
                                   control.c_str(),
                                   "--flags",
                                   "not-need-init,startup-clear",
                                   nullptr};
        posix_spawn_file_actions_t quiet;  // it notes every client that goes
        posix_spawn_file_actions_init(&quiet);
        posix_spawn_file_actions_addopen(&quiet, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
        if (posix_spawnp(&process_, "swtpm", &quiet, nullptr, const_cast<char**>(arguments), environ) != 0) {
            throw std::runtime_error("swtpm cannot be started");
        }
        posix_spawn_file_actions_destroy(&quiet);
        for (int i = 0; i < 500 && !std::filesystem::exists(folder_ / "sock.ctrl"); ++i) {
            std::this_thread::sleep_for(std::chrono::milliseconds(10));
        }
    }
    SoftwareTpm(const SoftwareTpm&) = delete;
    SoftwareTpm& operator=(const SoftwareTpm&) = delete;
    ~SoftwareTpm() {
        kill(process_, SIGKILL);
        waitpid(process_, nullptr, 0);
        std::filesystem::remove_all(folder_);
    }
    /// swtpm ends when its client goes, unless it is told to stay: it serves connections one after the other.
    [[nodiscard]] std::string tcti() const { return "swtpm:path=" + (folder_ / "sock").string(); }
    [[nodiscard]] std::filesystem::path lock_file() const { return folder_ / "lock"; }

    /// Runs a shell command with TPM2TOOLS_TCTI set, in the TPM's folder; whether it succeeded.
    [[nodiscard]] bool run(const std::string& command) const {
        return std::system(
                   ("export TPM2TOOLS_TCTI='" + tcti() + "'; cd " + folder_.string() + " && " + command).c_str()) == 0;
    }
    /// Power off and on: PCRs are reset, a new allocation of banks takes effect, persistent keys stay.
    [[nodiscard]] bool reboot() const { return run("swtpm_ioctl --unix sock.ctrl -i && tpm2_startup -c"); }

  private:
    std::filesystem::path folder_;
    pid_t process_ = -1;
};

}  // namespace test_support
