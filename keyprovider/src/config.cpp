// SPDX-License-Identifier: Apache-2.0
#include "keyprovider/config.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <initializer_list>
#include <span>
#include <system_error>
#include <utility>

#include "base/fd.h"
#include "base/json.h"
#include "base/toml.h"

namespace keyprovider {

namespace {

using base::ErrorCode;
using base::Fail;
using base::Result;
using base::Status;

constexpr std::size_t max_file = std::size_t{1} << 20;
constexpr std::string_view variable_prefix = "KEYPROVIDER_";
constexpr std::string_view file_variable = "KEYPROVIDER_CONFIG";
constexpr std::int64_t max_seconds = 3600;
// As curl reads them; HTTP_PROXY is left out because a CGI caller can be made to set it.
constexpr std::array<std::string_view, 5> proxy_variables = {"https_proxy", "HTTPS_PROXY", "http_proxy", "no_proxy",
                                                             "NO_PROXY"};

template <typename T>
using Choices = std::initializer_list<std::pair<std::string_view, T>>;

std::string upper_case(std::string_view text) {
    std::string out(text);
    std::ranges::transform(out, out.begin(),
                           [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
    return out;
}

// TOML's basic strings escape as JSON's do, and DEL too. Beyond ASCII our reader takes escapes only; a byte that is no
// UTF-8 (a variable may hold any) becomes U+FFFD.
std::string toml_text(std::string_view text) {
    const std::string quoted = base::json::serialize_public(base::json::Value(text));
    std::string out;
    for (std::size_t i = 0; i < quoted.size();) {
        const auto byte = [&](std::size_t k) -> std::uint32_t {
            return i + k < quoted.size() ? static_cast<unsigned char>(quoted[i + k]) : 0U;
        };
        const std::uint32_t first = byte(0);
        if (first < 0x7f) {
            out += quoted[i++];
            continue;
        }
        const std::size_t size = first < 0xc0 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
        std::uint32_t point = size == 1 ? first : first & (0x7fU >> size);
        bool sound = size == 1 ? first == 0x7f : first >= 0xc2 && first <= 0xf4;
        for (std::size_t k = 1; k < size; ++k) {
            sound = sound && (byte(k) & 0xc0U) == 0x80;
            point = point << 6U | (byte(k) & 0x3fU);
        }
        if (!sound || (point >= 0xd800 && point <= 0xdfff) || point > 0x10ffff) {
            out += "\\uFFFD";
            ++i;
            continue;
        }
        out += fmt::format("\\U{:08X}", point);
        i += size;
    }
    return out;
}

// A proxy's URL may hold a password, which `explain` must not show.
std::string without_password(std::string_view url) {
    const std::size_t at = url.rfind('@');
    if (at == std::string_view::npos) return std::string(url);
    const std::size_t scheme = url.find("://");
    return std::string(url.substr(0, scheme == std::string_view::npos ? 0 : scheme + 3)) + "***" +
           std::string(url.substr(at));
}

std::optional<std::int64_t> parse_integer(std::string_view text) {
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return value;
}

std::string variable_name(std::string_view section, std::string_view key) {
    return std::string(variable_prefix) + upper_case(section) + "_" + upper_case(key);
}

// Walks the settings once. Every setting is one call here: read from the file, replaced by its variable or flag,
// checked, stored in the configuration and recorded for `explain`.
class Loader {
  public:
    Loader(LoadedConfig& loaded, const Environment& environment, const std::vector<FlagSetting>& flags)
        : loaded_(loaded), environment_(environment), flags_(flags) {}

    Status open_section(base::TomlFile::Table& root, std::string_view name) {
        section_ = name;
        TRY_ASSIGN(table_, root.table(name));
        return {};
    }

    Status text(std::string_view key, std::string& value) {
        TRY_ASSIGN(auto from_file, table_.string(key));
        if (from_file) value = std::move(*from_file);
        if (const auto replacement = replacement_of(key)) value = replacement->value;
        record(key, toml_text(value));
        return {};
    }

    // A text setting that the variables of other programs set, too, where nobody else does.
    Status text_or_variable(std::string_view key, std::string& value,
                            std::initializer_list<std::string_view> variables) {
        TRY(text(key, value));
        EffectiveSetting& setting = loaded_.settings.back();
        for (const std::string_view name : variables) {
            const auto variable = environment_.find(name);
            if (setting.origin != Origin::built_in || variable == environment_.end()) continue;
            value = variable->second;
            setting.origin = Origin::environment;
            setting.place = name;
        }
        setting.value = toml_text(without_password(value));
        return {};
    }

    Status path(std::string_view key, std::filesystem::path& value) {
        TRY_ASSIGN(auto from_file, table_.string(key));
        if (from_file && !from_file->empty()) value = loaded_.file.parent_path() / *from_file;
        if (from_file && from_file->empty()) value.clear();
        if (const auto replacement = replacement_of(key)) value = replacement->value;
        record(key, toml_text(value.string()));
        return {};
    }

    Status boolean(std::string_view key, bool& value) {
        TRY_ASSIGN(const auto from_file, table_.boolean(key));
        if (from_file) value = *from_file;
        if (const auto replacement = replacement_of(key)) {
            if (replacement->value != "true" && replacement->value != "false")
                return invalid(key, "is neither true nor false");
            value = replacement->value == "true";
        }
        record(key, value ? "true" : "false");
        return {};
    }

    Status seconds(std::string_view key, std::chrono::seconds& value) {
        TRY_ASSIGN(const auto from_file, table_.integer(key, 1, max_seconds));
        if (from_file) value = std::chrono::seconds(*from_file);
        if (const auto replacement = replacement_of(key)) {
            const auto parsed = parse_integer(replacement->value);
            if (!parsed || *parsed < 1 || *parsed > max_seconds)
                return invalid(key, "is not a number from 1 to " + std::to_string(max_seconds));
            value = std::chrono::seconds(*parsed);
        }
        record(key, std::to_string(value.count()));
        return {};
    }

    template <typename T>
    Status choice(std::string_view key, T& value, Choices<T> choices) {
        std::string name(std::ranges::find(choices, value, &std::pair<std::string_view, T>::second)->first);
        TRY(text(key, name));
        const auto chosen = std::ranges::find(choices, name, &std::pair<std::string_view, T>::first);
        if (chosen == choices.end()) {
            std::string allowed;
            for (const auto& [word, unused] : choices)
                allowed.append(allowed.empty() ? "" : ", ").append(toml_text(word));
            return invalid(key, toml_text(name) + " is not one of " + allowed);
        }
        value = chosen->second;
        return {};
    }

    // Handles of persistent TPM objects [TPM 2.0 part 2 §7.5]; written in hex because every TPM tool does.
    Status persistent_handle(std::string_view key, std::uint32_t& value) {
        std::array<char, 11> built_in{'0', 'x'};
        const auto printed = std::to_chars(built_in.data() + 2, built_in.data() + built_in.size(), value, 16);
        std::string name(built_in.data(), printed.ptr);
        TRY(text(key, name));
        std::uint32_t parsed = 0;
        const char* end = name.data() + name.size();
        const auto result = name.starts_with("0x") ? std::from_chars(name.data() + 2, end, parsed, 16)
                                                   : std::from_chars_result{name.data(), std::errc::invalid_argument};
        if (result.ec != std::errc{} || result.ptr != end || parsed >> 24 != 0x81)
            return invalid(
                key, toml_text(name) + " is not the handle of a persistent TPM object (0x81000000 to 0x81ffffff)");
        value = parsed;
        return {};
    }

    // Catches KEYPROVIDER_KBS_ULR: a misspelt restriction would otherwise silently not apply. Other programs may own
    // other variables of the prefix, so only those of our sections are judged.
    Status refuse_unknown_variables() const {
        std::vector<std::string> known;
        known.reserve(loaded_.settings.size());
        for (const EffectiveSetting& setting : loaded_.settings)
            known.push_back(variable_name(setting.section, setting.key));
        for (const auto& [name, value] : environment_) {
            if (name == file_variable || std::ranges::find(known, name) != known.end()) continue;
            const bool ours = std::ranges::any_of(loaded_.settings, [&](const EffectiveSetting& setting) {
                return name.starts_with(variable_name(setting.section, ""));
            });
            if (!ours) continue;
            std::string message = "the environment variable " + name + " is no setting";
            const std::vector<std::string_view> candidates(known.begin(), known.end());
            if (const auto near = base::nearest(name, candidates))
                message.append(" (did you mean ").append(*near).append("?)");
            return Fail(ErrorCode::config_invalid, message);
        }
        return {};
    }

  private:
    // What stands over the file: the flag, else the variable.
    struct Replacement {
        std::string_view value;
        Origin origin;
        std::string place;
    };

    std::optional<Replacement> replacement_of(std::string_view key) const {
        const auto flag = std::ranges::find_if(
            flags_, [&](const FlagSetting& setting) { return setting.section == section_ && setting.key == key; });
        if (flag != flags_.end()) return Replacement{flag->value, Origin::command_line, flag->flag};
        const auto variable = environment_.find(variable_name(section_, key));
        if (variable != environment_.end()) return Replacement{variable->second, Origin::environment, variable->first};
        return std::nullopt;
    }

    void record(std::string_view key, std::string value) {
        EffectiveSetting setting{std::string(section_), std::string(key), std::move(value), Origin::built_in, {}};
        if (const auto replacement = replacement_of(key)) {
            setting.origin = replacement->origin;
            setting.place = replacement->place;
        } else if (table_.contains(key)) {
            setting.origin = Origin::file;
            setting.place = table_.place(key);
        }
        loaded_.settings.push_back(std::move(setting));
    }

    Fail invalid(std::string_view key, std::string_view what) const {
        const auto replacement = replacement_of(key);
        const std::string place = replacement ? replacement->place : table_.place(key);
        return Fail(ErrorCode::config_invalid,
                    place + ": " + std::string(section_) + "." + std::string(key) + " " + std::string(what));
    }

    LoadedConfig& loaded_;
    const Environment& environment_;
    const std::vector<FlagSetting>& flags_;
    std::string_view section_;
    base::TomlFile::Table table_;
};

// The order here is the order of `config explain` and of the manual.
Status load_settings(Loader& loader, base::TomlFile& file, Config& config) {
    auto& root = file.root();
    TRY(loader.open_section(root, "kbs"));
    TRY(loader.text("url", config.kbs.url));
    TRY(loader.path("ca_file", config.kbs.ca_file));
    TRY(loader.text("spki_sha256", config.kbs.spki_sha256));
    TRY(loader.seconds("timeout_seconds", config.kbs.timeout));
    TRY(loader.boolean("allow_http", config.kbs.allow_http));
    if (config.kbs.url.starts_with("http://")) {
        TRY(loader.text_or_variable("proxy", config.kbs.proxy, {"http_proxy"}));
    } else {
        TRY(loader.text_or_variable("proxy", config.kbs.proxy, {"https_proxy", "HTTPS_PROXY"}));
    }
    TRY(loader.text_or_variable("no_proxy", config.kbs.no_proxy, {"no_proxy", "NO_PROXY"}));

    TRY(loader.open_section(root, "attester"));
    TRY(loader.choice("type", config.attester.type,
                      {{"auto", AttesterType::automatic}, {"tpm", AttesterType::tpm}, {"none", AttesterType::none}}));
    TRY(loader.text("tpm_tcti", config.attester.tpm_tcti));
    TRY(loader.persistent_handle("tpm_ak_handle", config.attester.tpm_ak_handle));
    TRY(loader.choice("tpm_ak_algorithm", config.attester.tpm_ak_algorithm,
                      {{"rsa", AkAlgorithm::rsa}, {"ecc", AkAlgorithm::ecc}}));

    TRY(loader.open_section(root, "publish"));
    TRY(loader.path("key_file", config.publish.key_file));
    TRY(loader.text("role", config.publish.role));
    TRY(loader.text("issuer", config.publish.issuer));
    TRY(loader.text("audience", config.publish.audience));
    TRY(loader.text("policy", config.publish.policy));
    TRY(loader.choice("usage", config.publish.usage,
                      {{"unwrap-only", KeyUsage::unwrap_only}, {"exportable", KeyUsage::exportable}}));
    TRY(loader.choice("readback", config.publish.readback,
                      {{"required", Readback::required}, {"status-only", Readback::status_only}}));

    TRY(loader.open_section(root, "serve"));
    TRY(loader.text("listen", config.serve.listen));
    TRY(loader.path("command_socket", config.serve.command_socket));
    TRY(loader.path("tls_certificate", config.serve.tls_certificate));
    TRY(loader.path("tls_key", config.serve.tls_key));
    TRY(loader.path("tls_client_ca", config.serve.tls_client_ca));

    TRY(loader.open_section(root, "command"));
    TRY(loader.seconds("deadline_seconds", config.command.deadline));
    TRY(loader.boolean("allow_legacy_unauthenticated", config.command.allow_legacy_unauthenticated));
    TRY(loader.text("provider", config.command.provider));

    TRY(file.finish());
    return loader.refuse_unknown_variables();
}

std::filesystem::path choose_file(const std::filesystem::path& flag, const Environment& environment) {
    if (!flag.empty()) return flag;
    const auto variable = environment.find(file_variable);
    if (variable != environment.end() && !variable->second.empty()) return variable->second;
    std::error_code ignored;
    return std::filesystem::exists(default_config_file, ignored) ? default_config_file : std::filesystem::path();
}

std::string origin_text(const EffectiveSetting& setting) {
    switch (setting.origin) {
        case Origin::built_in:
            return "built in";
        case Origin::file:
            return setting.place;
        case Origin::environment:
            return "environment " + setting.place;
        case Origin::command_line:
            return "command line " + setting.place;
    }
    std::unreachable();
}

}  // namespace

const EffectiveSetting& LoadedConfig::setting(std::string_view section, std::string_view key) const {
    return *std::ranges::find_if(settings, [&](const EffectiveSetting& candidate) {
        return candidate.section == section && candidate.key == key;
    });
}

Environment read_environment(const char* const* environment) {
    Environment ours;
    for (; *environment != nullptr; ++environment) {
        const std::string_view entry(*environment);
        const std::size_t equals = entry.find('=');
        if (equals == std::string_view::npos) continue;
        const std::string_view name = entry.substr(0, equals);
        if (name.starts_with(variable_prefix) || std::ranges::find(proxy_variables, name) != proxy_variables.end())
            ours.emplace(name, entry.substr(equals + 1));
    }
    return ours;
}

base::Result<LoadedConfig> load_config(const std::filesystem::path& file, const Environment& environment,
                                       const std::vector<FlagSetting>& flags) {
    LoadedConfig loaded;
    loaded.file = choose_file(file, environment);
    std::string content;
    if (!loaded.file.empty()) {
        auto read = base::load_text_file(loaded.file, max_file);
        if (!read) return Fail(read.error().as(ErrorCode::config_unreadable));
        content = std::move(*read);
    }
    TRY_ASSIGN(base::TomlFile toml, base::TomlFile::parse(content, loaded.file.string()));
    Loader loader(loaded, environment, flags);
    TRY(load_settings(loader, toml, loaded.config));
    return loaded;
}

std::string explain(const LoadedConfig& loaded) {
    std::string out =
        "# configuration file: " + (loaded.file.empty() ? "none" : base::printable_line(loaded.file.string())) + "\n";
    std::string_view section;
    for (const EffectiveSetting& setting : loaded.settings) {
        if (setting.section != section) out += "\n[" + setting.section + "]\n";
        section = setting.section;
        std::string line = setting.key + " = " + setting.value;
        // Origins stand in one column where the values let them.
        line.resize(std::max(line.size() + 2, std::size_t{60}), ' ');
        out += line + "# " + origin_text(setting) + "\n";
    }
    return out;
}

std::optional<std::filesystem::path> forwarding_socket(const LoadedConfig& loaded) {
    const std::filesystem::path& path = loaded.config.serve.command_socket;
    if (path.empty()) return std::nullopt;
    if (loaded.setting("serve", "command_socket").origin != Origin::built_in) return path;
    const bool own_settings = std::ranges::any_of(loaded.settings, [](const EffectiveSetting& setting) {
        // The deadline concerns the caller only, and a proxy of the environment is nobody's choice of a broker.
        if (setting.key == "deadline_seconds") return false;
        return setting.origin == Origin::command_line ||
               (setting.origin == Origin::environment && setting.place.starts_with(variable_prefix));
    });
    const bool own_file = !loaded.file.empty() && loaded.file != default_config_file;
    if (own_settings || own_file) return std::nullopt;
    return path;
}

}  // namespace keyprovider
