// SPDX-License-Identifier: Apache-2.0
// The only file that includes CLI11.
#include "command_line.h"

#include <CLI/CLI.hpp>
#include <map>

namespace keyprovider {

namespace {

constexpr const char* description =
    "Wraps and unwraps the layer keys of encrypted container images with an attested key broker.\n\n"
    "Without a verb, and with standard input not a terminal, it speaks ocicrypt's key provider protocol: skopeo,\n"
    "buildah, podman, CRI-O and containerd start it so for every layer.";

constexpr const char* footer =
    "Recipients are written provider:NAME:keyid=kbs:///REPOSITORY/TYPE/TAG, with further parameters joined by \"::\":\n"
    "  keypath=FILE  algorithm=A256GCM  policy=NAME  usage=unwrap-only|exportable  register=true|false\n\n"
    "Environment:\n"
    "  KEYPROVIDER_CONFIG          the configuration file, where --config is not given\n"
    "  KEYPROVIDER_SECTION_KEY     replaces one setting, for example KEYPROVIDER_KBS_URL\n\n"
    "Exit status: 0 success, 1 an error, 2 the command line is not understood (without a verb: 1).\n"
    "ocicrypt-keyprovider(1) and ocicrypt-keyprovider.toml(5) say more.";

struct Parser {
    CLI::App app{description, "ocicrypt-keyprovider"};
    CommandLine line;
    std::map<std::string, std::string> values;  // by flag
    bool allow_legacy = false;
    bool no_serve = false;
    std::vector<std::string> listen;
    CLI::App* serve;
    CLI::App* attest;
    CLI::App* config;
    CLI::App* tpm;

    Parser() {
        app.footer(footer);
        app.set_version_flag("--version", "ocicrypt-keyprovider " KEYPROVIDER_VERSION);
        // Options of the program may also stand behind the verb.
        app.fallthrough();
        app.require_subcommand(0, 1);
        app.add_option("--config", line.config_file,
                       "configuration file (default: " + std::string(default_config_file) + ")")
            ->type_name("FILE");
        app.add_option("--command-socket", values["--command-socket"], "socket of the service to hand requests to")
            ->type_name("PATH");
        app.add_flag("--no-serve", no_serve, "answer here even where a service runs");
        app.add_option("--provider", values["--provider"],
                       "our name in ocicrypt's configuration, where a request names several key providers")
            ->type_name("NAME");
        app.add_flag("--allow-legacy-unauthenticated", allow_legacy,
                     "unwrap packets of type A256CTR, which anybody could have changed on their way");

        serve = app.add_subcommand("serve", "serve ocicrypt's gRPC protocol and the command socket until SIGTERM");
        serve
            ->add_option("--listen", listen,
                         "unix:///PATH, unix-abstract:NAME or ADDRESS:PORT; may be repeated. Beyond loopback a port "
                         "needs TLS")
            ->type_name("ADDRESS")
            ->allow_extra_args(false);
        attest = app.add_subcommand(
            "attest", "prove this machine to the broker once and show evidence and verdict; releases nothing");
        attest->add_option("--kbs", values["--kbs"], "the broker instead of the configured one")->type_name("URL");
        attest->add_flag("--json", line.json, "print JSON");
        config = app.add_subcommand("config", "the configuration")->require_subcommand(1);
        config->add_subcommand("explain", "show every setting and where it comes from");
        tpm = app.add_subcommand("tpm", "this machine's TPM")->require_subcommand(1);
        tpm->add_subcommand("ak", "show the public attestation key, for its enrolment in the broker")
            ->add_flag("--pem", line.pem, "print PEM, as ocicrypt-kbs ak enroll reads it");
    }

    void set(const char* section, const char* key, const std::string& flag) {
        if (!values[flag].empty()) line.settings.push_back({section, key, values[flag], flag});
    }

    [[nodiscard]] bool has_verb() const { return !app.get_subcommands().empty(); }

    CommandLine finish() {
        set("serve", "command_socket", "--command-socket");
        set("command", "provider", "--provider");
        for (const auto& address : listen) {
            auto& joined = values["--listen"];
            joined += (joined.empty() ? "" : ",") + address;
        }
        set("serve", "listen", "--listen");
        set("kbs", "url", "--kbs");
        if (allow_legacy)
            line.settings.push_back(
                {"command", "allow_legacy_unauthenticated", "true", "--allow-legacy-unauthenticated"});
        if (*serve) line.verb = Verb::serve;
        if (*attest) line.verb = Verb::attest;
        if (*config) line.verb = Verb::config_explain;
        if (*tpm) line.verb = Verb::tpm_ak;
        return line;
    }
};

}  // namespace

std::expected<CommandLine, CommandLineEnd> parse_command_line(int argc, const char* const* argv) {
    Parser parser;
    try {
        parser.app.parse(argc, argv);
        return parser.finish();
    } catch (const CLI::CallForHelp&) {
        return std::unexpected(CommandLineEnd{true, parser.has_verb(), parser.app.help()});
    } catch (const CLI::CallForVersion& version) {
        return std::unexpected(CommandLineEnd{true, parser.has_verb(), std::string(version.what()) + "\n"});
    } catch (const CLI::ParseError& error) {
        return std::unexpected(CommandLineEnd{false, parser.has_verb(), error.what()});
    }
}

std::string help_text() {
    return Parser().app.help();
}

}  // namespace keyprovider
