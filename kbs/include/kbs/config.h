// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace kbs {

/// What a bearer of an administrator's token may do: `publisher` creates keys and wraps, `admin` replaces and deletes
/// them too.
enum class Role : std::uint8_t { admin, publisher };
std::string_view role_name(Role role);

/// The broker's configuration file. Paths are absolute or relative to the working directory once parsed.
struct Config {
    struct Server {
        std::vector<std::string> listen;    ///< "127.0.0.1:8080", "[::1]:8080"; port 0 takes a free one
        std::filesystem::path certificate;  ///< both empty with insecure_http only
        std::filesystem::path private_key;
        bool insecure_http = false;
        unsigned handshakes_per_second = 50;  ///< of one peer address; bursts of twice as many
    } server;
    struct Store {
        std::filesystem::path path;
        std::filesystem::path master_key;
    } store;
    struct Token {
        std::filesystem::path signing_key;
        std::filesystem::path certificate;
        std::string issuer = "ocicrypt-kbs";
        std::chrono::seconds lifetime{300};
    } token;
    struct Session {
        std::filesystem::path sealing_key;
        std::chrono::seconds lifetime{300};
    } session;
    struct Admin {
        std::string name;
        std::filesystem::path public_key;
        std::vector<Role> roles;
        std::chrono::seconds max_token_lifetime{86400};
    };
    std::vector<Admin> admins;
    struct Attestation {
        bool tpm = true;
    } attestation;
};

/// `name` appears in messages; relative paths inside are taken from `base_directory`.
/// Errors: config_invalid, "FILE:LINE:COLUMN: …".
base::Result<Config> parse_config(std::string_view text, std::string_view name,
                                  const std::filesystem::path& base_directory);
/// Errors: config_unreadable, config_invalid.
base::Result<Config> load_config(const std::filesystem::path& path);

}  // namespace kbs
