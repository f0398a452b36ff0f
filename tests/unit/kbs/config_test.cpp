// SPDX-License-Identifier: Apache-2.0
#include "kbs/config.h"

#include <doctest/doctest.h>

using namespace kbs;

namespace {

const std::string good = R"([server]
listen = ["127.0.0.1:8080"]
certificate = "server.pem"
private_key = "/keys/server.key"
[store]
path = "kbs.sqlite"
master_key = "master.key"
[token]
signing_key = "token.key"
certificate = "token.pem"
[session]
sealing_key = "sealing.key"
[[admin]]
name = "boss"
public_key = "admin.pub"
roles = ["admin", "publisher"]
)";

base::Result<Config> parse(const std::string& text) {
    return parse_config(text, "kbs.toml", "/etc/kbs");
}

std::string replaced(const std::string& from, const std::string& to) {
    std::string text = good;
    return text.replace(text.find(from), from.size(), to);
}

void refused(const std::string& text, std::string_view why) {
    CAPTURE(text);
    const auto config = parse(text);
    REQUIRE_FALSE(config);
    CHECK(config.error().code() == base::ErrorCode::config_invalid);
    CAPTURE(config.error().detail());
    CHECK(config.error().detail().starts_with("kbs.toml:"));
    CHECK(config.error().detail().find(why) != std::string::npos);
}

}  // namespace

TEST_CASE("a configuration is read, with paths relative to its file and our defaults") {
    const auto config = parse(good);
    REQUIRE(config);
    CHECK(config->server.listen == std::vector<std::string>{"127.0.0.1:8080"});
    CHECK(config->server.certificate == "/etc/kbs/server.pem");
    CHECK(config->server.private_key == "/keys/server.key");
    CHECK_FALSE(config->server.insecure_http);
    CHECK(config->store.path == "/etc/kbs/kbs.sqlite");
    CHECK(config->token.issuer == "ocicrypt-kbs");
    CHECK(config->token.lifetime == std::chrono::seconds(300));
    CHECK(config->session.lifetime == std::chrono::seconds(300));
    REQUIRE(config->admins.size() == 1);
    CHECK(config->admins[0].roles == std::vector{Role::admin, Role::publisher});
    CHECK(config->admins[0].max_token_lifetime == std::chrono::hours(24));
    CHECK(config->attestation.tpm);
}

TEST_CASE("a configuration is refused, with its place") {
    refused(replaced("listen", "lisen"), "listen");
    refused(replaced("[\"127.0.0.1:8080\"]", "[]"), "listen is missing");
    refused(replaced("[\"127.0.0.1:8080\"]", "8080"), "listen");
    refused(replaced("master_key = \"master.key\"", ""), "master_key is missing");
    refused(replaced("\"master.key\"", "\"\""), "master_key is missing");
    refused(replaced("certificate = \"server.pem\"", ""), "certificate is missing");
    refused(replaced("[\"admin\", \"publisher\"]", "[\"root\"]"), "admin or publisher");
    refused(replaced("[\"admin\", \"publisher\"]", "[]"), "roles is missing");
    refused(good + "[extra]\n", "extra");
    refused(good + "[attestation]\ntpmm = true\n", "tpmm");
    refused(good + "[[admin]]\nname = \"boss\"\npublic_key = \"p\"\nroles = [\"admin\"]\n", "two administrators");
    refused(replaced("[session]", "[session]\nlifetime_seconds = 0"), "lifetime_seconds");
    refused(replaced("[session]", "[session]\nlifetime_seconds = 86401"), "lifetime_seconds");
    refused(replaced("[token]", "[token]\nissuer = \"\""), "issuer");
    refused("", "listen");
}

TEST_CASE("plain HTTP must be asked for, and then has no certificate") {
    refused(replaced("[server]", "[server]\ninsecure_http = true"), "no meaning");
    const auto config =
        parse(replaced("certificate = \"server.pem\"\nprivate_key = \"/keys/server.key\"", "insecure_http = true"));
    REQUIRE(config);
    CHECK(config->server.insecure_http);
}

TEST_CASE("a configuration that is not there is unreadable") {
    CHECK(load_config("/nowhere/kbs.toml").error().code() == base::ErrorCode::config_unreadable);
}
