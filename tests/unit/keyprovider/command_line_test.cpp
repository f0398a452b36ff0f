// SPDX-License-Identifier: Apache-2.0
#include "command/command_line.h"

#include <doctest/doctest.h>

using keyprovider::CommandLine;
using keyprovider::parse_command_line;
using keyprovider::Verb;

namespace {

auto parse(std::vector<const char*> words) {
    words.insert(words.begin(), "ocicrypt-keyprovider");
    return parse_command_line(static_cast<int>(words.size()), words.data());
}

CommandLine understand(const std::vector<const char*>& words) {
    auto line = parse(words);
    if (!line) FAIL(line.error().text);
    return std::move(*line);
}

void check_setting(const CommandLine& line, std::string_view section, std::string_view key, std::string_view value,
                   std::string_view flag) {
    REQUIRE(line.settings.size() == 1);
    CHECK(line.settings[0].section == section);
    CHECK(line.settings[0].key == key);
    CHECK(line.settings[0].value == value);
    CHECK(line.settings[0].flag == flag);
}

}  // namespace

TEST_CASE("no words are command mode with nothing set") {
    const auto line = understand({});
    CHECK(line.verb == Verb::none);
    CHECK(line.config_file.empty());
    CHECK(line.settings.empty());
}

TEST_CASE("flags of command mode become settings under their names") {
    CHECK(understand({"--config", "/c"}).config_file == "/c");
    CHECK(understand({"--no-serve"}).settings.empty());
    check_setting(understand({"--command-socket=/s"}), "serve", "command_socket", "/s", "--command-socket");
    check_setting(understand({"--provider", "kp"}), "command", "provider", "kp", "--provider");
    check_setting(understand({"--allow-legacy-unauthenticated"}), "command", "allow_legacy_unauthenticated", "true",
                  "--allow-legacy-unauthenticated");
}

TEST_CASE("verbs take their flags and those of the program, before or behind") {
    const auto attest = understand({"--config", "/c", "attest", "--kbs", "https://k", "--json"});
    CHECK(attest.verb == Verb::attest);
    CHECK(attest.json);
    CHECK(attest.config_file == "/c");
    check_setting(attest, "kbs", "url", "https://k", "--kbs");
    const auto ak = understand({"tpm", "ak", "--pem", "--config", "/c"});
    CHECK(ak.verb == Verb::tpm_ak);
    CHECK(ak.pem);
    CHECK(ak.config_file == "/c");
    CHECK(understand({"config", "explain", "--config", "/c"}).verb == Verb::config_explain);
}

TEST_CASE("help and version are understood and end the program") {
    for (const auto& words : std::vector<std::vector<const char*>>{{"--help"}, {"-h"}, {"attest", "--help"}}) {
        const auto line = parse(words);
        REQUIRE_FALSE(line.has_value());
        CHECK(line.error().understood);
        CHECK(line.error().text.contains("Usage:"));
    }
    CHECK(parse({"--version"}).error().text.starts_with("ocicrypt-keyprovider "));
    CHECK(keyprovider::help_text().contains("Exit status: 0"));
}

TEST_CASE("what is not understood is named, and whether a verb was among it") {
    const auto check = [](const std::vector<const char*>& words, std::string_view name, bool has_verb) {
        const auto line = parse(words);
        REQUIRE_FALSE(line.has_value());
        CHECK_FALSE(line.error().understood);
        CHECK(line.error().has_verb == has_verb);
        CHECK_MESSAGE(line.error().text.contains(name), line.error().text);
    };
    check({"--confg", "/c"}, "--confg", false);
    check({"--config"}, "--config", false);
    check({"unwrap"}, "unwrap", false);
    check({"tpm"}, "ubcommand", true);
    check({"attest", "--pem"}, "--pem", true);
}
