// SPDX-License-Identifier: Apache-2.0
#include "kbs/cli.h"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <sstream>

#include "base/json.h"
#include "crypto/x509.h"
#include "fake_tpm.h"
#include "kbs/admin_auth.h"
#include "kbs/config.h"
#include "kbs/token.h"
#include "temporary_directory.h"

using namespace kbs;

namespace {

struct Ran {
    int status;
    std::string out;
    std::string err;
};

Ran run(std::vector<std::string> arguments, const char* default_config = nullptr) {
    arguments.insert(arguments.begin(), "ocicrypt-kbs");
    std::vector<char*> argv;
    for (std::string& argument : arguments) argv.push_back(argument.data());
    std::ostringstream out;
    std::ostringstream err;
    const int status = run_cli(static_cast<int>(argv.size()), argv.data(), default_config, out, err);
    return {status, out.str(), err.str()};
}

/// A broker's directory as `init` makes it.
struct Installation {
    Installation() { REQUIRE(run({"init", path}).status == 0); }
    [[nodiscard]] Ran operator()(std::vector<std::string> arguments) const {
        arguments.insert(arguments.end(), {"--config", config});
        return run(std::move(arguments));
    }
    TemporaryDirectory directory;
    std::string path = (directory / "kbs").string();
    std::string config = path + "/kbs.toml";
};

void failed(const Ran& ran, std::string_view code) {
    CHECK(ran.status == 1);
    CHECK(ran.out.empty());
    CHECK(ran.err.starts_with("ocicrypt-kbs: error: " + std::string(code)));
    CHECK(ran.err.find("\nocicrypt-kbs: hint: ") != std::string::npos);
}

const std::string tpm_policy =
    R"({"version":"1.0.0","anyOf":[{"authority":"ocicrypt-kbs","allOf":[{"claim":"tee","equals":"tpm"},{"claim":"tpm.pcr01","equals":"0101010101010101010101010101010101010101010101010101010101010101"}]}]})";

}  // namespace

TEST_CASE("init makes everything that serve loads, readable by its owner only") {
    const Installation kbs;
    struct stat info{};
    for (const auto& entry : std::filesystem::directory_iterator(kbs.path)) {
        CAPTURE(entry.path().string());
        REQUIRE(::stat(entry.path().c_str(), &info) == 0);
        CHECK((info.st_mode & 07777) == 0600);
    }
    REQUIRE(::stat(kbs.path.c_str(), &info) == 0);
    CHECK((info.st_mode & 07777) == 0700);

    const auto config = load_config(kbs.config);
    REQUIRE(config);
    const auto admins = load_admin_authenticator(config->admins);
    CHECK(admins);
    const auto ca = crypto::Certificate::from_pem(kbs.directory.read("kbs/ca.pem"));
    const auto server = crypto::Certificate::from_pem(kbs.directory.read("kbs/server.pem"));
    const auto token = crypto::Certificate::from_pem(kbs.directory.read("kbs/token.pem"));
    REQUIRE(ca);
    REQUIRE(server);
    REQUIRE(token);
    CHECK(crypto::verify_chain(*server, {}, std::array{*ca}, base::system_now()));
    CHECK(crypto::verify_chain(*token, {}, std::array{*ca}, base::system_now()));
}

TEST_CASE("two brokers share no key") {
    const Installation one;
    const Installation other;
    for (const std::string file :
         {"ca.key", "server.key", "token.key", "admin.key", "publisher.key", "master.key", "sealing.key"})
        CHECK(one.directory.read("kbs/" + file) != other.directory.read("kbs/" + file));
}

TEST_CASE("init overwrites nothing") {
    const Installation kbs;
    const std::string before = kbs.directory.read("kbs/master.key");
    failed(run({"init", kbs.path}), "file-unwritable");
    std::filesystem::remove(kbs.config);
    failed(run({"init", kbs.path}), "file-unwritable");
    CHECK(kbs.directory.read("kbs/master.key") == before);
}

TEST_CASE("an init that fails leaves nothing behind") {
    const TemporaryDirectory directory;
    const std::string path = (directory / "kbs").string();
    failed(run({"init", path, "--name", "not a name!"}), "parameter-invalid");
    CHECK(std::filesystem::is_empty(path));
    failed(run({"init", path, "--listen", "nowhere"}), "parameter-invalid");
    CHECK(run({"init", path, "--listen", "[::1]:0", "--name", "kbs.example.org", "--name", "192.0.2.1"}).status == 0);
}

TEST_CASE("keys are created, listed, shown and deleted") {
    const Installation kbs;
    CHECK(kbs({"key", "create", "kbs:///demo/kek/app"}).status == 0);
    const Ran list = kbs({"key", "list"});
    CHECK(list.out.find("kbs:///demo/kek/app") != std::string::npos);
    CHECK(list.out.find("unwrap-only") != std::string::npos);
    const auto json = base::json::parse(kbs({"key", "list", "--json"}).out, {.max_bytes = 10000});
    REQUIRE(json);
    REQUIRE(json->as_array()->size() == 1);
    CHECK(*json->as_array()->front().string_at("kid") == "kbs:///demo/kek/app");
    CHECK(kbs({"key", "show", "/demo/kek/app", "--json"}).out.starts_with(R"({"kid":"kbs:///demo/kek/app")"));
    failed(kbs({"key", "create", "kbs:///demo/kek/app"}), "key-exists");
    CHECK(kbs({"key", "delete", "kbs:///demo/kek/app"}).status == 0);
    failed(kbs({"key", "show", "kbs:///demo/kek/app"}), "key-not-found");
    failed(kbs({"key", "delete", "kbs:///demo/kek/app"}), "key-not-found");
    CHECK(kbs({"key", "list", "--json"}).out == "[]\n");
}

TEST_CASE("a key comes from a file, with usage and policy") {
    const Installation kbs;
    const std::string kek = kbs.directory.write("kek", std::string(32, 'w'));
    const std::string policy = kbs.directory.write("policy.json", tpm_policy);
    CHECK(kbs({"policy", "set", "p", policy}).status == 0);
    const Ran made =
        kbs({"key", "create", "kbs:///a/b/c", "--from-file", kek, "--usage", "exportable", "--policy", "p", "--json"});
    CHECK(made.status == 0);
    CHECK(made.out.find(R"("usage":"exportable","policy":"p","kcv":"25f194faba11c989")") != std::string::npos);
    CHECK(made.out.find("wwww") == std::string::npos);
    failed(kbs({"key", "create", "kbs:///a/b/d", "--from-file", kbs.directory.write("short", "x")}), "key-invalid");
    failed(kbs({"key", "create", "kbs:///a/b/d", "--from-file", "/nowhere"}), "file-unreadable");
    failed(kbs({"key", "create", "kbs:///a/b/d", "--usage", "secret"}), "parameter-invalid");
    failed(kbs({"key", "create", "kbs:///a/b/d", "--policy", "none"}), "policy-missing");
    failed(kbs({"key", "create", "kbs:///a/b"}), "parameter-invalid");
    CHECK(kbs({"key", "set-policy", "kbs:///a/b/c"}).status == 0);
    CHECK(kbs({"key", "show", "kbs:///a/b/c", "--json"}).out.find(R"("policy":null)") != std::string::npos);
}

TEST_CASE("a policy that is not valid is not stored, and its fault is named") {
    const Installation kbs;
    const Ran ran = kbs(
        {"policy", "set", "p", kbs.directory.write("bad.json", R"({"version":"1.0.0","anyOf":[{"authority":"x"}]})")});
    failed(ran, "policy-invalid");
    CHECK(ran.err.find("/anyOf/0") != std::string::npos);
    failed(kbs({"policy", "show", "p"}), "policy-missing");
    CHECK(kbs({"policy", "set", "p", kbs.directory.write("good.json", tpm_policy)}).status == 0);
    CHECK(kbs({"policy", "show", "p"}).out == tpm_policy + "\n");
    CHECK(kbs({"policy", "list"}).out.find("\np") != std::string::npos);
    failed(kbs({"policy", "set", "../p", kbs.directory.write("good.json", tpm_policy)}), "input-invalid");
}

TEST_CASE("an attestation key is enrolled from PEM and DER") {
    const Installation kbs;
    const auto key = crypto::PrivateKey::generate(crypto::KeyType::rsa)->public_key();
    CHECK(kbs({"ak", "enroll", "node-1", kbs.directory.write("ak.pem", key.to_pem())}).status == 0);
    const base::Bytes der = key.to_spki_der();
    CHECK(kbs({"ak", "enroll", "node-1", kbs.directory.write("ak.der", std::string(der.begin(), der.end()))}).status ==
          0);
    CHECK(kbs({"ak", "list"}).out.find(base::hex_encode(key.spki_sha256())) != std::string::npos);
    CHECK(kbs({"ak", "remove", "node-1"}).status == 0);
    CHECK(kbs({"ak", "list", "--json"}).out == "[]\n");
    failed(kbs({"ak", "remove", "node-1"}), "key-not-found");
    failed(kbs({"ak", "enroll", "node-1", kbs.directory.write("text", "hello")}), "key-file-invalid");
}

TEST_CASE("policy test shows each condition, what was wanted and what the evidence says") {
    const Installation kbs;
    FakeTpm tpm;
    REQUIRE(kbs({"policy", "set", "p", kbs.directory.write("p.json", tpm_policy)}).status == 0);
    REQUIRE(kbs({"ak", "enroll", "node-1", kbs.directory.write("ak.pem", tpm.attestation_key.public_key().to_pem())})
                .status == 0);
    const auto evidence = [&] {
        return kbs.directory.write("evidence.json", base::json::serialize_public(tpm.quote(base::Bytes(48, 3))));
    };
    const Ran released = kbs({"policy", "test", "p", evidence()});
    CHECK(released.status == 0);
    CHECK(released.out.find("would be released") != std::string::npos);
    CHECK(released.out.find("not checked here") != std::string::npos);
    CHECK(released.out.find("tpm.pcr01") != std::string::npos);

    tpm.pcrs[1].fill(0xaa);
    const Ran denied = kbs({"policy", "test", "p", evidence()});
    CHECK(denied.status == 1);
    CHECK(denied.err.empty());
    CHECK(denied.out.find("FAILED  claim      tpm.pcr01\n        wanted  " + base::hex_encode(base::Bytes(32, 1)) +
                          "\n        got     " + base::hex_encode(base::Bytes(32, 0xaa))) != std::string::npos);
    const auto json = base::json::parse(kbs({"policy", "test", "p", evidence(), "--json"}).out, {.max_bytes = 100000});
    REQUIRE(json);
    CHECK_FALSE(*json->bool_at("released"));

    tpm.pcrs[1].fill(1);
    REQUIRE(kbs({"ak", "remove", "node-1"}).status == 0);
    const Ran stranger = kbs({"policy", "test", "p", evidence()});
    CHECK(stranger.status == 1);
    CHECK(stranger.out.find("not enrolled") != std::string::npos);
    CHECK(stranger.out.find("ok      claim      tpm.pcr01") != std::string::npos);

    failed(kbs({"policy", "test", "none", evidence()}), "policy-missing");
    failed(kbs({"policy", "test", "p", kbs.directory.write("e", "hello")}), "json-invalid");
    failed(kbs({"policy", "test", "p", kbs.directory.write("e", "{}")}), "evidence-invalid");
}

TEST_CASE("a command line that is not understood is exit status 2") {
    for (const auto& arguments :
         std::vector<std::vector<std::string>>{{}, {"kye"}, {"key"}, {"key", "create"}, {"key", "list", "--jsn"}}) {
        const Ran ran = run(arguments);
        CHECK(ran.status == 2);
        CHECK(ran.err.starts_with("ocicrypt-kbs: error: usage: "));
    }
    CHECK(run({"key", "list"}).status == 2);
}

TEST_CASE("the configuration may come from the environment") {
    const Installation kbs;
    CHECK(run({"key", "list"}, kbs.config.c_str()).status == 0);
    failed(run({"key", "list"}, "/nowhere/kbs.toml"), "config-unreadable");
}

TEST_CASE("help and version go to standard output") {
    CHECK(run({"--version"}).out.starts_with("ocicrypt-kbs "));
    CHECK(run({"--help"}).status == 0);
    CHECK(run({"key", "--help"}).out.find("create") != std::string::npos);
}

TEST_CASE("a store under another master key is locked") {
    const Installation kbs;
    kbs.directory.write("kbs/master.key", std::string(32, 'x'));
    failed(kbs({"key", "list"}), "store-locked");
}
