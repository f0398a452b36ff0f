// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "kbs_protocol/unwrap.h"

namespace keyprovider {

inline constexpr std::string_view default_config_file = "/etc/ocicrypt-keyprovider/config.toml";

enum class AttesterType : std::uint8_t { automatic, tpm, none };
enum class AkAlgorithm : std::uint8_t { rsa, ecc };
using kbs_protocol::KeyUsage;
enum class Readback : std::uint8_t {
    required,     ///< the broker must show the key-check value of what was registered
    status_only,  ///< its HTTP status is enough: a Trustee, which can show nothing to a publisher
};

/// The whole configuration: file, then environment, then command line. Empty text and paths mean "not set".
/// ocicrypt-keyprovider(1) describes every key.
struct Config {
    struct Kbs {
        std::string url;
        std::filesystem::path ca_file;
        std::string spki_sha256;
        std::chrono::seconds timeout{10};
        bool allow_http = false;
        /// As https_proxy (or http_proxy, for an http:// url) and no_proxy, which are read where these are not set.
        std::string proxy;
        std::string no_proxy;
    } kbs;
    struct Attester {
        AttesterType type = AttesterType::automatic;
        std::string tpm_tcti = "device:/dev/tpmrm0";
        std::uint32_t tpm_ak_handle = 0x81010002;
        AkAlgorithm tpm_ak_algorithm = AkAlgorithm::rsa;
    } attester;
    struct Publish {
        std::filesystem::path key_file;
        std::string role = "publisher";
        std::string issuer;
        std::string audience;
        std::string policy;
        KeyUsage usage = KeyUsage::unwrap_only;
        Readback readback = Readback::required;
    } publish;
    struct Serve {
        std::string listen = "unix:///run/ocicrypt-keyprovider/keyprovider.sock";
        std::filesystem::path command_socket = "/run/ocicrypt-keyprovider/command.sock";
        std::filesystem::path tls_certificate;
        std::filesystem::path tls_key;
        std::filesystem::path tls_client_ca;
    } serve;
    struct Command {
        std::chrono::seconds deadline{30};
        bool allow_legacy_unauthenticated = false;
        /// Our name in ocicrypt's configuration; needed only where a request names several key providers.
        std::string provider;
    } command;
};

enum class Origin : std::uint8_t { built_in, file, environment, command_line };

/// One setting as `config explain` shows it.
struct EffectiveSetting {
    std::string section;
    std::string key;
    std::string value;  ///< as TOML writes it: quoted text, bare number or boolean
    Origin origin;
    std::string place;  ///< "FILE:LINE:COLUMN", the variable's or the flag's name; empty where built in
};

struct LoadedConfig {
    Config config;
    /// The file that was read; empty where there is none.
    std::filesystem::path file;
    /// Every setting, in the order of the manual.
    std::vector<EffectiveSetting> settings;

    /// The setting `section.key`, which must exist.
    [[nodiscard]] const EffectiveSetting& setting(std::string_view section, std::string_view key) const;
};

/// The variables whose names begin with "KEYPROVIDER_", and those that name a proxy.
using Environment = std::map<std::string, std::string, std::less<>>;
Environment read_environment(const char* const* environment);

/// A flag of the command line that sets a setting: "--listen" sets serve.listen.
struct FlagSetting {
    std::string section;
    std::string key;
    std::string value;
    std::string flag;
};

/// Reads the configuration: `file` (from --config), else $KEYPROVIDER_CONFIG, else `default_config_file` where it
/// exists; over it KEYPROVIDER_<SECTION>_<KEY>, and over these `flags`. Unknown keys and sections, and unknown
/// variables of a known section, are refused with "did you mean". Relative paths belong to the folder of the file;
/// those of variables and flags to the working directory. Errors: config_unreadable, config_invalid.
base::Result<LoadedConfig> load_config(const std::filesystem::path& file, const Environment& environment,
                                       const std::vector<FlagSetting>& flags = {});

/// The configuration as TOML, each value with its origin as a comment.
std::string explain(const LoadedConfig& loaded);

/// The command socket that a caller may forward its request to: the one that flag, environment or file names; the
/// built-in one only where nothing was overridden, because the service behind it answers by the system's configuration
/// and not by the caller's.
std::optional<std::filesystem::path> forwarding_socket(const LoadedConfig& loaded);

}  // namespace keyprovider
