// SPDX-License-Identifier: Apache-2.0
// Command mode that attests by itself, and every verb but `serve`.
#include <unistd.h>

#include <cstdio>

#include "base/fd.h"
#include "command_line.h"
#include "command_protocol.h"
#include "keyprovider/config.h"
#include "keyprovider/failure.h"
#include "keyprovider/provider.h"
#include "ocicrypt/keyprovider_protocol.h"
#include "verbs.h"

namespace keyprovider {
namespace {

// Nothing but the answer of the caller's protocol and one line of error: whatever goes wrong, the line is all that the
// user of skopeo or the kubelet sees.
int answer_request(const CommandLine& line) {
    const std::string request_id = new_request_id();
    const auto failed = [&](const base::Error& error) {
        return finish_command(std::unexpected(Failure{error, request_id}.text()));
    };
    arm_deadline(Config::Command{}.deadline, request_id);
    const auto loaded = load_config(line.config_file, read_environment(environ), line.settings);
    if (!loaded) return failed(loaded.error());
    arm_deadline(loaded->config.command.deadline, request_id);
    const auto request = read_request();
    if (!request) return failed(request.error());
    const auto provider = open_provider(loaded->config);
    if (!provider) return failed(provider.error());
    const Answer answer = (*provider)->handle(request->view(), request_id);
    if (!answer) return finish_command(std::unexpected(answer.error().text()));
    return finish_command(*answer);
}

int print(const base::Result<std::string>& text) {
    if (text && base::write_all(STDOUT_FILENO, base::as_bytes(*text))) return 0;
    const base::Error error = text ? base::Error(base::ErrorCode::file_unwritable, "standard output") : text.error();
    std::fputs(verb_error_lines(error).c_str(), stderr);
    return 1;
}

base::Result<std::string> run_verb(const CommandLine& line) {
    TRY_ASSIGN(const auto loaded, load_config(line.config_file, read_environment(environ), line.settings));
    switch (line.verb) {
        case Verb::attest:
            return attest(loaded.config, line.json);
        case Verb::config_explain:
            return explain(loaded);
        case Verb::tpm_ak:
            return show_attestation_key(loaded.config, line.pem);
        case Verb::serve:
            return base::Fail(base::Error(base::ErrorCode::usage, "serve stands behind an option of command mode")
                                  .with_remedy("write ocicrypt-keyprovider serve, and its options behind that"));
        case Verb::none:
            break;
    }
    std::unreachable();
}

int run(int argc, char** argv) {
    const auto line = parse_command_line(argc, argv);
    const bool called_by_ocicrypt = isatty(STDIN_FILENO) == 0;
    if (line) {
        if (line->verb != Verb::none) return print(run_verb(*line));
        if (called_by_ocicrypt) return answer_request(*line);
        std::fputs(help_text().c_str(), stderr);
        return 2;
    }
    if (line.error().understood) return print(line.error().text);
    const base::Error error(base::ErrorCode::usage, line.error().text);
    // A mistake in "args" of ocicrypt's configuration comes out where every other failure does.
    if (called_by_ocicrypt && !line.error().has_verb)
        return finish_command(std::unexpected(Failure{error, new_request_id()}.text()));
    print(base::Fail(error));
    return 2;
}

}  // namespace
}  // namespace keyprovider

int main(int argc, char** argv) {
    keyprovider::prepare_process();
    return keyprovider::run(argc, argv);
}
