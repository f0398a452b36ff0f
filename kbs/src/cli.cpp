// SPDX-License-Identifier: Apache-2.0
#include "kbs/cli.h"

#include <fmt/ostream.h>

#include <CLI/CLI.hpp>
#include <functional>
#include <ostream>

#include "commands.h"
#include "crypto/random.h"
#include "kbs/init.h"
#include "serve.h"
#include "version.h"

namespace kbs {

using base::ErrorCode;
using base::Fail;
using base::Result;
using base::Status;

namespace {

constexpr int exit_failure = 1;
constexpr int exit_usage = 2;

int report(std::ostream& err, const base::Error& error) {
    fmt::print(err, "ocicrypt-kbs: error: {}\nocicrypt-kbs: hint: {}\n", error.message(), error.remedy());
    return error.code() == ErrorCode::usage ? exit_usage : exit_failure;
}

/// What a verb does once the command line is understood; true: exit status 0.
using Action = std::function<Result<bool>()>;

class CommandLine {
  public:
    CommandLine(const char* default_config, std::ostream& out) : out_(out) {
        if (default_config != nullptr) config_file_ = default_config;
        app_.require_subcommand(1);
        app_.set_version_flag("--version", "ocicrypt-kbs " + std::string(version));
        app_.add_option("--config", config_file_, "configuration file (or OCICRYPT_KBS_CONFIG)");
        app_.add_flag("--json", json_, "print JSON");
        add_init();
        add_serve();
        add_key();
        add_policy();
        add_ak();
    }

    CLI::App& app() { return app_; }
    Result<bool> run() { return action_(); }

  private:
    /// A verb; `--config` and `--json` may stand behind it.
    CLI::App* verb(CLI::App* parent, const std::string& name, const std::string& help) {
        CLI::App* added = parent->add_subcommand(name, help);
        added->fallthrough();
        return added;
    }
    CLI::App* group(const std::string& name, const std::string& help) {
        CLI::App* added = verb(&app_, name, help);
        added->require_subcommand(1);
        return added;
    }

    Result<Config> config() const {
        if (config_file_.empty())
            return Fail(base::Error(ErrorCode::usage, "no configuration file is given")
                            .with_remedy("pass --config FILE or set OCICRYPT_KBS_CONFIG"));
        return load_config(config_file_);
    }

    /// Runs `command` on the opened store.
    template <typename Command>
    void on_store(CLI::App* app, Command command) {
        app->callback([this, command] {
            action_ = [this, command]() -> Result<bool> {
                TRY_ASSIGN(Config loaded, config());
                TRY_ASSIGN(MasterKey master_key, MasterKey::load(loaded.store.master_key));
                TRY_ASSIGN(auto store, Store::open(loaded.store.path, std::move(master_key), crypto::fill_random));
                CommandContext context{std::move(loaded),  std::move(store),   out_, json_,
                                       base::system_now(), crypto::fill_random};
                if constexpr (std::is_same_v<decltype(command(context)), Status>) {
                    TRY(command(context));
                    return true;
                } else {
                    return command(context);
                }
            };
        });
    }

    void add_init() {
        CLI::App* init_verb = verb(&app_, "init", "make a new broker: certificates, keys, configuration and store");
        init_verb->add_option("DIR", directory_, "where")->required();
        init_verb->add_option("--listen", init_options_.listen, "address and port")->capture_default_str();
        init_verb->add_option("--name", init_options_.names, "DNS name or IP address of the server certificate");
        init_verb->callback([this] {
            action_ = [this]() -> Result<bool> {
                TRY(init(directory_, init_options_, base::system_now(), crypto::fill_random));
                const std::string config = (std::filesystem::path(directory_) / "kbs.toml").string();
                fmt::print(out_,
                           "{0} is ready. What next:\n"
                           "  ocicrypt-kbs serve --config {1}\n"
                           "  ocicrypt-kbs ak enroll NAME AK.pem --config {1}\n"
                           "  ocicrypt-kbs policy set NAME FILE --config {1}\n"
                           "Nodes and publishers trust {0}/ca.pem; publishers sign with {0}/publisher.key.\n",
                           directory_, config);
                return true;
            };
        });
    }

    void add_serve() {
        verb(&app_, "serve", "answer nodes and publishers")->callback([this] {
            action_ = [this]() -> Result<bool> {
                TRY_ASSIGN(const Config loaded, config());
                TRY(serve(loaded, out_));
                return true;
            };
        });
    }

    void add_key() {
        CLI::App* key = group("key", "key encryption keys and other secrets");
        CLI::App* create = verb(key, "create", "make a key; refuses to replace one");
        create->add_option("KID", key_options_.kid, "kbs:///REPOSITORY/TYPE/TAG")->required();
        create->add_option("--from-file", key_options_.from_file, "take these bytes instead of 32 random ones");
        create->add_option("--usage", key_options_.usage, "unwrap-only (default) or exportable");
        create->add_option("--policy", key_options_.policy, "release policy; a key without one is never released");
        on_store(create, [this](CommandContext& context) { return key_create(context, key_options_); });
        on_store(verb(key, "list", "all keys"), key_list);
        CLI::App* show = verb(key, "show", "one key");
        show->add_option("KID", key_options_.kid)->required();
        on_store(show, [this](CommandContext& context) { return key_show(context, key_options_.kid); });
        CLI::App* remove = verb(key, "delete", "delete a key: images encrypted under it can never be read again");
        remove->add_option("KID", key_options_.kid)->required();
        on_store(remove, [this](CommandContext& context) { return key_delete(context, key_options_.kid); });
        CLI::App* set_policy = verb(key, "set-policy", "attach another release policy to a key");
        set_policy->add_option("KID", key_options_.kid)->required();
        set_policy->add_option("NAME", key_options_.policy, "none: the key is no longer released");
        on_store(set_policy, [this](CommandContext& context) {
            return key_set_policy(context, key_options_.kid, key_options_.policy);
        });
    }

    void add_policy() {
        CLI::App* policy = group("policy", "release policies");
        CLI::App* set = verb(policy, "set", "add or replace a policy");
        set->add_option("NAME", name_)->required();
        set->add_option("FILE", file_, "JSON")->required();
        on_store(set, [this](CommandContext& context) { return policy_set(context, name_, file_); });
        CLI::App* show = verb(policy, "show", "the text of a policy");
        show->add_option("NAME", name_)->required();
        on_store(show, [this](CommandContext& context) { return policy_show(context, name_); });
        on_store(verb(policy, "list", "all policies"), policy_list);
        CLI::App* test = verb(policy, "test", "what a policy says of given evidence, condition by condition");
        test->add_option("NAME", name_)->required();
        test->add_option("EVIDENCE", file_, "JSON, as a node sends it in primary_evidence")->required();
        on_store(test, [this](CommandContext& context) { return policy_test(context, name_, file_); });
    }

    void add_ak() {
        CLI::App* ak = group("ak", "attestation keys of TPMs");
        CLI::App* enroll = verb(ak, "enroll", "believe the quotes of a TPM");
        enroll->add_option("NAME", name_, "name of the node")->required();
        enroll->add_option("FILE", file_, "public key, PEM or DER")->required();
        on_store(enroll, [this](CommandContext& context) { return ak_enroll(context, name_, file_); });
        on_store(verb(ak, "list", "all enrolled keys"), ak_list);
        CLI::App* remove = verb(ak, "remove", "no longer believe them");
        remove->add_option("NAME", name_)->required();
        on_store(remove, [this](CommandContext& context) { return ak_remove(context, name_); });
    }

    CLI::App app_{"Key Broker Service: gives the keys of encrypted images to machines that prove what they are",
                  "ocicrypt-kbs"};
    std::ostream& out_;
    std::string config_file_;
    bool json_ = false;
    std::string directory_;
    InitOptions init_options_;
    KeyCreateOptions key_options_;
    std::string name_;
    std::string file_;
    Action action_;
};

}  // namespace

int run_cli(int argc, char** argv, const char* default_config, std::ostream& out, std::ostream& err) {
    CommandLine command_line(default_config, out);
    try {
        command_line.app().parse(argc, argv);
    } catch (const CLI::Success& help) {
        return command_line.app().exit(help, out, err);
    } catch (const CLI::ParseError& error) {
        return report(err, base::Error(ErrorCode::usage, error.what()));
    }
    const auto done = command_line.run();
    if (!done) return report(err, done.error());
    out.flush();
    if (!out) return report(err, base::Error(ErrorCode::file_unwritable, "standard output"));
    return *done ? 0 : exit_failure;
}

}  // namespace kbs
