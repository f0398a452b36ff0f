// SPDX-License-Identifier: Apache-2.0
#include "keyprovider/config.h"

#include <doctest/doctest.h>

#include "temporary_folder.h"

using base::ErrorCode;
using keyprovider::Environment;
using keyprovider::explain;
using keyprovider::forwarding_socket;
using keyprovider::load_config;
using keyprovider::LoadedConfig;
using keyprovider::Origin;

namespace {

LoadedConfig load(const std::filesystem::path& file, const Environment& environment = {},
                  const std::vector<keyprovider::FlagSetting>& flags = {}) {
    auto loaded = load_config(file, environment, flags);
    if (!loaded) FAIL(loaded.error().message());
    return std::move(*loaded);
}

void check_refused(std::string_view text, std::string_view detail, const Environment& environment = {}) {
    const TemporaryFolder folder;
    CAPTURE(text);
    const auto loaded = load_config(folder.write("c.toml", text), environment);
    REQUIRE_FALSE(loaded.has_value());
    CHECK(loaded.error().code() == ErrorCode::config_invalid);
    CHECK_MESSAGE(loaded.error().detail().contains(detail), loaded.error().detail());
}

}  // namespace

TEST_CASE("reads every key of the file and resolves its paths against its folder") {
    const TemporaryFolder folder;
    const auto file = folder.write("c.toml", R"(
[kbs]
url = "https://kbs.example"
ca_file = "ca.pem"
spki_sha256 = "pin"
timeout_seconds = 7
allow_http = true
[attester]
type = "none"
tpm_tcti = "swtpm:port=1"
tpm_ak_handle = "0x81000001"
tpm_ak_algorithm = "ecc"
[publish]
key_file = "/keys/publisher.key"
role = "admin"
issuer = "i"
audience = "a"
policy = "p"
usage = "exportable"
readback = "status-only"
[serve]
listen = "127.0.0.1:1"
command_socket = "cmd.sock"
tls_certificate = "c"
tls_key = "k"
tls_client_ca = ""
[command]
deadline_seconds = 5
allow_legacy_unauthenticated = true
provider = "kp"
)");
    const auto loaded = load(file);
    const auto& config = loaded.config;
    CHECK(config.kbs.url == "https://kbs.example");
    CHECK(config.kbs.ca_file == folder.path() / "ca.pem");
    CHECK(config.kbs.spki_sha256 == "pin");
    CHECK(config.kbs.timeout.count() == 7);
    CHECK(config.kbs.allow_http);
    CHECK(config.attester.type == keyprovider::AttesterType::none);
    CHECK(config.attester.tpm_tcti == "swtpm:port=1");
    CHECK(config.attester.tpm_ak_handle == 0x81000001);
    CHECK(config.attester.tpm_ak_algorithm == keyprovider::AkAlgorithm::ecc);
    CHECK(config.publish.key_file == "/keys/publisher.key");
    CHECK(config.publish.role == "admin");
    CHECK(config.publish.issuer == "i");
    CHECK(config.publish.audience == "a");
    CHECK(config.publish.policy == "p");
    CHECK(config.publish.usage == keyprovider::KeyUsage::exportable);
    CHECK(config.publish.readback == keyprovider::Readback::status_only);
    CHECK(config.serve.listen == "127.0.0.1:1");
    CHECK(config.serve.command_socket == folder.path() / "cmd.sock");
    CHECK(config.serve.tls_certificate == folder.path() / "c");
    CHECK(config.serve.tls_key == folder.path() / "k");
    CHECK(config.serve.tls_client_ca.empty());
    CHECK(config.command.deadline.count() == 5);
    CHECK(config.command.allow_legacy_unauthenticated);
    CHECK(config.command.provider == "kp");
    CHECK(loaded.setting("kbs", "timeout_seconds").place == file.string() + ":6:19");
}

TEST_CASE("a variable replaces the file and a flag replaces both, each with its origin") {
    const TemporaryFolder folder;
    const auto file = folder.write("c.toml", "[kbs]\nurl = \"a\"\nca_file = \"ca\"\n[command]\ndeadline_seconds = 3\n");
    const Environment environment{{"KEYPROVIDER_KBS_URL", "b"},
                                  {"KEYPROVIDER_KBS_CA_FILE", "here/ca"},
                                  {"KEYPROVIDER_KBS_ALLOW_HTTP", "true"},
                                  {"KEYPROVIDER_COMMAND_DEADLINE_SECONDS", "9"},
                                  {"KEYPROVIDER_ATTESTER_TPM_AK_HANDLE", "0x81000002"}};
    const auto loaded = load(file, environment, {{"kbs", "url", "c", "--kbs"}});
    CHECK(loaded.config.kbs.url == "c");
    CHECK(loaded.config.kbs.ca_file == "here/ca");
    CHECK(loaded.config.kbs.allow_http);
    CHECK(loaded.config.command.deadline.count() == 9);
    CHECK(loaded.config.attester.tpm_ak_handle == 0x81000002);
    CHECK(loaded.setting("kbs", "url").origin == Origin::command_line);
    CHECK(loaded.setting("kbs", "url").place == "--kbs");
    CHECK(loaded.setting("kbs", "ca_file").origin == Origin::environment);
    CHECK(loaded.setting("kbs", "ca_file").place == "KEYPROVIDER_KBS_CA_FILE");
    CHECK(loaded.setting("kbs", "timeout_seconds").origin == Origin::built_in);
}

TEST_CASE("the file is the flag's, else the variable's") {
    const TemporaryFolder folder;
    const auto one = folder.write("one.toml", "[kbs]\nurl = \"one\"\n");
    const auto two = folder.write("two.toml", "[kbs]\nurl = \"two\"\n");
    const Environment environment{{"KEYPROVIDER_CONFIG", two.string()}};
    CHECK(load("", environment).config.kbs.url == "two");
    CHECK(load(one, environment).config.kbs.url == "one");
    CHECK(load("", {{"KEYPROVIDER_CONFIG", ""}}).config.kbs.url != "two");
}

TEST_CASE("refuses a named file that cannot be read") {
    for (const auto& loaded :
         {load_config("/nonexistent/c.toml", {}), load_config("", {{"KEYPROVIDER_CONFIG", "/nonexistent/c.toml"}})}) {
        REQUIRE_FALSE(loaded.has_value());
        CHECK(loaded.error().code() == ErrorCode::config_unreadable);
        CHECK(loaded.error().detail().contains("/nonexistent/c.toml"));
    }
}

TEST_CASE("refuses unknown keys and sections with their place and the nearest known one") {
    check_refused("[kbs]\nurll = \"x\"\n", "c.toml:2:1: unknown key urll (did you mean url?)");
    check_refused("[publisher]\nrole = \"x\"\n", "c.toml:1:2: unknown key publisher (did you mean publish?)");
    check_refused("url = \"x\"\n", "c.toml:1:1: unknown key url");
}

TEST_CASE("refuses values of the wrong type, range or spelling with their place") {
    check_refused("[kbs]\nurl = 1\n", "c.toml:2:7: url is an integer, not a string");
    check_refused("[kbs]\nallow_http = \"true\"\n", "allow_http is a string, not a boolean");
    check_refused("[command]\ndeadline_seconds = 0\n", "deadline_seconds must be from 1 to 3600");
    check_refused("[publish]\nusage = \"export\"\n",
                  R"(publish.usage "export" is not one of "unwrap-only", "exportable")");
    check_refused("[kbs\n", "c.toml:1:5: ");
    for (const char* handle : {"81000001", "0x80000001", "0x", "0x8100000g", "0x181000001", ""})
        check_refused("[attester]\ntpm_ak_handle = \"" + std::string(handle) + "\"\n",
                      "not the handle of a persistent TPM");
}

TEST_CASE("refuses bad values of variables by their name") {
    check_refused("", "KEYPROVIDER_KBS_ALLOW_HTTP: kbs.allow_http is neither true nor false",
                  {{"KEYPROVIDER_KBS_ALLOW_HTTP", "1"}});
    for (const char* seconds : {"", "0", "3601", "10s", "-1"})
        check_refused("", "KEYPROVIDER_KBS_TIMEOUT_SECONDS: kbs.timeout_seconds is not a number from 1 to 3600",
                      {{"KEYPROVIDER_KBS_TIMEOUT_SECONDS", seconds}});
}

TEST_CASE("refuses a misspelt variable of a known section and leaves other programs' alone") {
    check_refused("", "KEYPROVIDER_KBS_SPKI_SHA265 is no setting (did you mean KEYPROVIDER_KBS_SPKI_SHA256?)",
                  {{"KEYPROVIDER_KBS_SPKI_SHA265", "pin"}});
    const TemporaryFolder folder;
    CHECK(load(folder.write("c.toml", ""), {{"KEYPROVIDER_COLOUR", "red"}}).config.kbs.url.empty());
}

TEST_CASE("reads only the variables of its prefix and those of proxies") {
    const char* variables[] = {"HOME=/", "KEYPROVIDER_KBS_URL=a=b", "KEYPROVIDER_", "https_proxy=p", "HTTP_PROXY=x",
                               nullptr};
    CHECK(keyprovider::read_environment(variables) ==
          Environment{{"KEYPROVIDER_KBS_URL", "a=b"}, {"https_proxy", "p"}});
}

TEST_CASE("explains every setting as a configuration that says where each value came from") {
    const TemporaryFolder folder;
    const auto file = folder.write("c.toml", "[kbs]\nurl = \"https://k\\\"x\"\n");
    const std::string text =
        explain(load(file, {{"KEYPROVIDER_PUBLISH_ROLE", "admin"}}, {{"serve", "listen", "127.0.0.1:1", "--listen"}}));
    const auto line = [&](std::string_view start) {
        const std::size_t at = text.find("\n" + std::string(start));
        REQUIRE(at != std::string::npos);
        return text.substr(at + 1, text.find('\n', at + 1) - at - 1);
    };
    CHECK(text.starts_with("# configuration file: " + file.string() + "\n\n[kbs]\n"));
    CHECK(line("url = \"https://k\\\"x\" ").ends_with("# " + file.string() + ":2:7"));
    CHECK(line("role = \"admin\" ").ends_with("# environment KEYPROVIDER_PUBLISH_ROLE"));
    CHECK(line("listen = \"127.0.0.1:1\" ").ends_with("# command line --listen"));
    CHECK(line("timeout_seconds = 10 ").ends_with("# built in"));
    CHECK(line("tpm_ak_handle = \"0x81010002\" ").ends_with("# built in"));
    // What explain prints is a configuration again, with the same effect.
    const auto again = load(folder.write("again.toml", text));
    CHECK(again.config.kbs.url == "https://k\"x");
    CHECK(again.config.publish.role == "admin");
}

TEST_CASE("forwards to the built-in socket only where the caller brings no settings of its own") {
    const TemporaryFolder folder;
    const auto plain = folder.write("plain.toml", "");
    const auto naming = folder.write("naming.toml", "[serve]\ncommand_socket = \"/run/x\"\n");
    // A file of the caller's own speaks for its own services only.
    CHECK_FALSE(forwarding_socket(load(plain)).has_value());
    CHECK(forwarding_socket(load(naming)) == "/run/x");
    CHECK(forwarding_socket(load(plain, {}, {{"serve", "command_socket", "/s", "--command-socket"}})) == "/s");
    CHECK(forwarding_socket(load(plain, {{"KEYPROVIDER_SERVE_COMMAND_SOCKET", "/e"}})) == "/e");
    CHECK_FALSE(forwarding_socket(load(naming, {{"KEYPROVIDER_SERVE_COMMAND_SOCKET", ""}})).has_value());
    // Without a file of one's own: as the machine's configuration is.
    LoadedConfig system = load(plain);
    system.file.clear();
    CHECK(forwarding_socket(system) == "/run/ocicrypt-keyprovider/command.sock");
    system = load(plain, {{"KEYPROVIDER_COMMAND_DEADLINE_SECONDS", "5"}});
    system.file = keyprovider::default_config_file;
    CHECK(forwarding_socket(system) == "/run/ocicrypt-keyprovider/command.sock");
    system = load(plain, {{"KEYPROVIDER_KBS_URL", "http://mine"}});
    system.file.clear();
    CHECK_FALSE(forwarding_socket(system).has_value());
}

TEST_CASE("takes the proxy of the environment that fits the broker's url, unless the settings name one") {
    const TemporaryFolder folder;
    const auto https = folder.write("https.toml", "[kbs]\nurl = \"https://k\"\n");
    const auto http = folder.write("http.toml", "[kbs]\nurl = \"http://k\"\n");
    const auto own = folder.write("own.toml", "[kbs]\nurl = \"https://k\"\nproxy = \"\"\n");
    const Environment environment{{"https_proxy", "http://user:secret@secure:1"},
                                  {"HTTPS_PROXY", "x"},
                                  {"http_proxy", "http://plain:1"},
                                  {"NO_PROXY", "k"}};
    const auto loaded = load(https, environment);
    CHECK(loaded.config.kbs.proxy == "http://user:secret@secure:1");
    CHECK(loaded.config.kbs.no_proxy == "k");
    CHECK(loaded.setting("kbs", "proxy").value == "\"http://***@secure:1\"");
    CHECK(loaded.setting("kbs", "proxy").place == "https_proxy");
    CHECK(load(http, environment).config.kbs.proxy == "http://plain:1");
    CHECK(load(own, environment).config.kbs.proxy.empty());
    CHECK(load(https, {}).config.kbs.proxy.empty());
    LoadedConfig system = loaded;
    system.file.clear();
    CHECK(forwarding_socket(system).has_value());
}
