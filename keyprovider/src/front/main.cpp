// SPDX-License-Identifier: Apache-2.0
// ocicrypt starts a new process for every layer, so this program is small and static: it hands the request to a running
// service, and becomes one of the larger programs only where there is none, or where it was called with a verb.
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "command_protocol.h"
#include "keyprovider/command_client.h"
#include "keyprovider/config.h"
#include "keyprovider/failure.h"

namespace keyprovider {
namespace {

struct Arguments {
    std::string_view program = "command";
    bool has_verb = false;
    /// Whether a service, which answers by its own configuration, may answer this call.
    bool may_forward = true;
    std::filesystem::path config_file;
    std::vector<FlagSetting> settings;
};

// Understands only what decides where the request goes. Everything else is for the program that is started then, which
// also knows what to say about it.
Arguments read_arguments(std::span<const char* const> words) {
    Arguments arguments;
    for (std::size_t i = 1; i < words.size(); ++i) {
        const std::string_view word(words[i]);
        const auto value_of = [&](std::string_view flag) -> std::optional<std::string_view> {
            if (word == flag && i + 1 < words.size()) return words[++i];
            if (word.starts_with(flag) && word.substr(flag.size()).starts_with('='))
                return word.substr(flag.size() + 1);
            return std::nullopt;
        };
        if (const auto file = value_of("--config")) {
            arguments.config_file = *file;
        } else if (const auto socket = value_of("--command-socket")) {
            arguments.settings.push_back({"serve", "command_socket", std::string(*socket), "--command-socket"});
        } else if (word.starts_with('-')) {
            arguments.may_forward = false;
        } else {
            arguments.has_verb = true;
            if (word == "serve") arguments.program = "serve";
            break;
        }
    }
    return arguments;
}

// nullopt where no service answered to a connection; stdin is untouched then.
std::optional<int> forward(const Arguments& arguments) {
    const auto loaded = load_config(arguments.config_file, read_environment(environ), arguments.settings);
    if (!loaded) return std::nullopt;  // the command program reports what is wrong with it
    const auto path = forwarding_socket(*loaded);
    if (!path) return std::nullopt;
    const auto connection = connect_command_socket(*path);
    if (!connection) return std::nullopt;

    const std::string request_id = new_request_id();
    arm_deadline(loaded->config.command.deadline, request_id);
    const auto request = read_request();
    if (!request) return finish_command(std::unexpected(Failure{request.error(), request_id}.text()));
    const auto answer = forward_command(*connection, request->view());
    if (!answer) return finish_command(std::unexpected(answer.error()));
    return finish_command(answer->text());
}

// The programs lie beside this one in a build folder, and below libexec once installed.
int become(std::string_view program, char** argv) {
    std::error_code error;
    const std::filesystem::path folder = std::filesystem::read_symlink("/proc/self/exe", error).parent_path();
    const std::string name = "ocicrypt-keyprovider-" + std::string(program);
    const std::array candidates{folder / name, folder / "../libexec/ocicrypt-keyprovider" / name};
    for (const auto& candidate : candidates) execv(candidate.c_str(), argv);
    return finish_command(std::unexpected(
        Failure{base::Error(base::ErrorCode::file_unreadable, candidates.back().string() + " cannot be started")
                    .with_remedy("reinstall the package: one of its programs is missing"),
                new_request_id()}
            .text()));
}

}  // namespace
}  // namespace keyprovider

int main(int argc, char** argv) {
    keyprovider::prepare_process();
    const auto arguments = keyprovider::read_arguments({argv, static_cast<std::size_t>(argc)});
    if (!arguments.has_verb && arguments.may_forward && isatty(STDIN_FILENO) == 0) {
        if (const auto status = keyprovider::forward(arguments)) return *status;
    }
    return keyprovider::become(arguments.program, argv);
}
