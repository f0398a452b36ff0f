// SPDX-License-Identifier: Apache-2.0
#include "kbs/config.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/fd.h"
#include "base/toml.h"

namespace kbs {

using base::ErrorCode;
using base::Fail;
using base::Result;
using base::Status;
using Table = base::TomlFile::Table;

namespace {

constexpr std::size_t max_config_bytes = 1024 * 1024;
constexpr std::int64_t max_lifetime_seconds = 86400;

Fail invalid(const Table& table, std::string_view key, std::string_view what) {
    return Fail(ErrorCode::config_invalid, fmt::format("{}: {}", table.place(key), what));
}

Result<std::string> required_string(Table& table, std::string_view key) {
    TRY_ASSIGN(auto value, table.string(key));
    if (!value || value->empty()) return invalid(table, key, fmt::format("{} is missing", key));
    return std::move(*value);
}

Result<std::filesystem::path> required_path(Table& table, std::string_view key, const std::filesystem::path& base) {
    TRY_ASSIGN(const std::string value, required_string(table, key));
    return base / value;
}

Result<std::chrono::seconds> seconds_or(Table& table, std::string_view key, std::chrono::seconds otherwise,
                                        std::int64_t max) {
    TRY_ASSIGN(const auto value, table.integer(key, 1, max));
    return value ? std::chrono::seconds(*value) : otherwise;
}

Result<Config::Server> parse_server(Table table, const std::filesystem::path& base) {
    Config::Server server;
    TRY_ASSIGN(auto listen, table.strings("listen"));
    if (!listen || listen->empty()) return invalid(table, "listen", "listen is missing");
    server.listen = std::move(*listen);
    TRY_ASSIGN(const auto insecure, table.boolean("insecure_http"));
    server.insecure_http = insecure.value_or(false);
    TRY_ASSIGN(const auto rate, table.integer("handshakes_per_second", 1, 1'000'000));
    if (rate) server.handshakes_per_second = static_cast<unsigned>(*rate);
    if (server.insecure_http) {
        for (const std::string_view key : {"certificate", "private_key"})
            if (table.contains(key))
                return invalid(table, key, fmt::format("{} has no meaning with insecure_http = true", key));
        return server;
    }
    TRY_ASSIGN(server.certificate, required_path(table, "certificate", base));
    TRY_ASSIGN(server.private_key, required_path(table, "private_key", base));
    return server;
}

Result<Config::Admin> parse_admin(Table table, const std::filesystem::path& base) {
    Config::Admin admin;
    TRY_ASSIGN(admin.name, required_string(table, "name"));
    TRY_ASSIGN(admin.public_key, required_path(table, "public_key", base));
    TRY_ASSIGN(admin.max_token_lifetime,
               seconds_or(table, "max_token_lifetime_seconds", admin.max_token_lifetime, 10 * 365 * 86400));
    TRY_ASSIGN(const auto roles, table.strings("roles"));
    if (!roles || roles->empty()) return invalid(table, "roles", "roles is missing");
    for (const std::string& role : *roles) {
        if (role == "admin")
            admin.roles.push_back(Role::admin);
        else if (role == "publisher")
            admin.roles.push_back(Role::publisher);
        else
            return invalid(table, "roles", fmt::format("a role is admin or publisher, not \"{}\"", role));
    }
    return admin;
}

}  // namespace

std::string_view role_name(Role role) {
    return role == Role::admin ? "admin" : "publisher";
}

Result<Config> parse_config(std::string_view text, std::string_view name, const std::filesystem::path& base) {
    TRY_ASSIGN(auto file, base::TomlFile::parse(text, name));
    Table& root = file.root();
    Config config;

    TRY_ASSIGN(Table server, root.table("server"));
    TRY_ASSIGN(config.server, parse_server(std::move(server), base));

    TRY_ASSIGN(Table store, root.table("store"));
    TRY_ASSIGN(config.store.path, required_path(store, "path", base));
    TRY_ASSIGN(config.store.master_key, required_path(store, "master_key", base));

    TRY_ASSIGN(Table token, root.table("token"));
    TRY_ASSIGN(config.token.signing_key, required_path(token, "signing_key", base));
    TRY_ASSIGN(config.token.certificate, required_path(token, "certificate", base));
    TRY_ASSIGN(auto issuer, token.string("issuer"));
    if (issuer) config.token.issuer = std::move(*issuer);
    if (config.token.issuer.empty()) return invalid(token, "issuer", "issuer is empty");
    TRY_ASSIGN(config.token.lifetime,
               seconds_or(token, "lifetime_seconds", config.token.lifetime, max_lifetime_seconds));

    TRY_ASSIGN(Table session, root.table("session"));
    TRY_ASSIGN(config.session.sealing_key, required_path(session, "sealing_key", base));
    TRY_ASSIGN(config.session.lifetime,
               seconds_or(session, "lifetime_seconds", config.session.lifetime, max_lifetime_seconds));

    TRY_ASSIGN(auto admins, root.tables("admin"));
    for (Table& table : admins) {
        TRY_ASSIGN(Config::Admin admin, parse_admin(table, base));
        if (std::ranges::find(config.admins, admin.name, &Config::Admin::name) != config.admins.end())
            return invalid(table, "name", fmt::format("two administrators are named {}", admin.name));
        config.admins.push_back(std::move(admin));
    }

    TRY_ASSIGN(Table attestation, root.table("attestation"));
    TRY_ASSIGN(const auto tpm, attestation.boolean("tpm"));
    config.attestation.tpm = tpm.value_or(true);

    TRY(file.finish());
    return config;
}

Result<Config> load_config(const std::filesystem::path& path) {
    auto text = base::load_text_file(path, max_config_bytes);
    if (!text) return Fail(text.error().as(ErrorCode::config_unreadable));
    return parse_config(*text, path.string(), path.parent_path());
}

}  // namespace kbs
