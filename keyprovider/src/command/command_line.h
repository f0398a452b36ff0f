// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <expected>
#include <filesystem>
#include <string>
#include <vector>

#include "keyprovider/config.h"

namespace keyprovider {

enum class Verb : std::uint8_t { none, serve, attest, config_explain, tpm_ak };

struct CommandLine {
    Verb verb = Verb::none;
    std::filesystem::path config_file;
    std::vector<FlagSetting> settings;
    bool json = false;
    bool pem = false;
};

/// What to print instead of running: a help text, the version, or why the command line is not understood.
struct CommandLineEnd {
    bool understood;
    bool has_verb;
    std::string text;
};

std::expected<CommandLine, CommandLineEnd> parse_command_line(int argc, const char* const* argv);

/// The text of --help.
std::string help_text();

}  // namespace keyprovider
