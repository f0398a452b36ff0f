// SPDX-License-Identifier: Apache-2.0
#include "base/toml.h"

// toml++ 3.3 asserts on some malformed files, and where NDEBUG is set lets the compiler assume they never come. Here
// its assertions are always on and throw to TomlFile::parse, which reports the file as malformed.
namespace {
struct ParserAssertion {};
}  // namespace
#undef NDEBUG
#define TOML_ASSERT(condition) ((condition) ? static_cast<void>(0) : throw ParserAssertion{})
#define TOML_HEADER_ONLY 1
#define TOML_EXCEPTIONS 0
#define TOML_ENABLE_FORMATTERS 0
// GCC names the noexcept functions whose assertions would end the program; fuzzing has not reached one of them.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpragmas"
#pragma GCC diagnostic ignored "-Wunknown-warning-option"
#pragma GCC diagnostic ignored "-Wterminate"
#include <toml++/toml.h>
#pragma GCC diagnostic pop

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace base {
namespace {

constexpr std::size_t kMaxText = 1 << 20;

std::string place_of(std::string_view file, const toml::source_region& source) {
    return fmt::format("{}:{}:{}", file, source.begin.line, source.begin.column);
}

/// Its tables of Unicode letters and white space are not sound, so bytes beyond ASCII may stand only where it does not
/// look them up: in comments. Strings have their escapes.
bool ascii_before_comment(std::string_view line) {
    char quote = '\0';
    for (std::size_t i = 0; i < line.size(); ++i) {
        const char c = line[i];
        if (static_cast<unsigned char>(c) >= 0x80) return false;
        if (quote == '\0' && c == '#') return true;
        if (quote == '\0' && (c == '"' || c == '\'')) {
            quote = c;
        } else if (c == '\\' && quote == '"') {
            ++i;
        } else if (c == quote) {
            quote = '\0';
        }
    }
    return true;
}

Status check_text(std::string_view text, std::string_view name) {
    // Without strings of many lines, what is a comment can be told from one line alone.
    if (text.find("\"\"\"") != text.npos || text.find("'''") != text.npos) {
        return Fail(ErrorCode::config_invalid, fmt::format("{}: a string of many lines is not supported", name));
    }
    for (std::size_t line = 1; !text.empty(); ++line) {
        const std::size_t end = std::min(text.find('\n'), text.size() - 1) + 1;
        const std::string_view current = text.substr(0, end);
        if (!ascii_before_comment(current)) {
            return Fail(
                ErrorCode::config_invalid,
                fmt::format(
                    "{}:{}: a character beyond ASCII outside a comment; in a string write it as an escape: \\u00E4",
                    name, line));
        }
        text.remove_prefix(end);
    }
    return {};
}

std::string_view type_of(const toml::node& node) {
    switch (node.type()) {
        case toml::node_type::table:
            return "a table";
        case toml::node_type::array:
            return "an array";
        case toml::node_type::string:
            return "a string";
        case toml::node_type::integer:
            return "an integer";
        case toml::node_type::floating_point:
            return "a floating-point number";
        case toml::node_type::boolean:
            return "a boolean";
        default:
            return "a date or time";
    }
}

}  // namespace

/// One table and what was asked of it. `document` keeps the parsed file alive.
struct TomlFile::Table::State {
    std::shared_ptr<const toml::table> document;
    const toml::table* table = nullptr;
    std::shared_ptr<const std::string> file;
    std::set<std::string, std::less<>> asked;
    std::vector<std::shared_ptr<State>> children;

    const toml::node* ask(std::string_view key) {
        asked.emplace(key);
        return table == nullptr ? nullptr : table->get(key);
    }

    Fail wrong_type(std::string_view key, const toml::node& node, std::string_view wanted) const {
        return Fail(ErrorCode::config_invalid,
                    fmt::format("{}: {} is {}, not {}", place_of(*file, node.source()), key, type_of(node), wanted));
    }

    std::shared_ptr<State> child(const toml::table* inner) {
        auto state = std::make_shared<State>(State{document, inner, file, {}, {}});
        children.push_back(state);
        return state;
    }

    [[nodiscard]] Status finish() const {
        if (table != nullptr) {
            for (const auto& [key, node] : *table) {
                if (asked.contains(key.str())) continue;
                std::vector<std::string_view> known(asked.begin(), asked.end());
                std::string hint;
                if (const auto near = nearest(key.str(), known)) hint = fmt::format(" (did you mean {}?)", *near);
                return Fail(ErrorCode::config_invalid,
                            fmt::format("{}: unknown key {}{}", place_of(*file, key.source()), key.str(), hint));
            }
        }
        for (const auto& inner : children) TRY(inner->finish());
        return {};
    }
};

Result<TomlFile> TomlFile::parse(std::string_view text, std::string_view name) {
    if (text.size() > kMaxText) return Fail(ErrorCode::config_invalid, fmt::format("{}: more than 1 MiB", name));
    TRY(check_text(text, name));
    toml::parse_result result = [&]() -> toml::parse_result {
        try {
            return toml::parse(text);
        } catch (const ParserAssertion&) {
            return toml::parse("not TOML");
        }
    }();
    if (!result) {
        return Fail(ErrorCode::config_invalid,
                    fmt::format("{}: {}", place_of(name, result.error().source()), result.error().description()));
    }
    TomlFile file;
    file.root_.state_ = std::make_shared<Table::State>();
    auto document = std::make_shared<const toml::table>(std::move(result).table());
    file.root_.state_->table = document.get();
    file.root_.state_->document = std::move(document);
    file.root_.state_->file = std::make_shared<const std::string>(name);
    return file;
}

Status TomlFile::finish() const {
    return root_.state_->finish();
}

Result<std::optional<std::string>> TomlFile::Table::string(std::string_view key) {
    const toml::node* node = state_->ask(key);
    if (node == nullptr) return std::optional<std::string>();
    const auto* text = node->as_string();
    if (text == nullptr) return state_->wrong_type(key, *node, "a string");
    return std::optional<std::string>(text->get());
}

Result<std::optional<std::int64_t>> TomlFile::Table::integer(std::string_view key, std::int64_t min, std::int64_t max) {
    const toml::node* node = state_->ask(key);
    if (node == nullptr) return std::optional<std::int64_t>();
    const auto* number = node->as_integer();
    if (number == nullptr) return state_->wrong_type(key, *node, "an integer");
    if (number->get() < min || number->get() > max) {
        return Fail(ErrorCode::config_invalid, fmt::format("{}: {} must be from {} to {}", place(key), key, min, max));
    }
    return std::optional<std::int64_t>(number->get());
}

Result<std::optional<bool>> TomlFile::Table::boolean(std::string_view key) {
    const toml::node* node = state_->ask(key);
    if (node == nullptr) return std::optional<bool>();
    const auto* value = node->as_boolean();
    if (value == nullptr) return state_->wrong_type(key, *node, "a boolean");
    return std::optional<bool>(value->get());
}

Result<std::optional<std::vector<std::string>>> TomlFile::Table::strings(std::string_view key) {
    const toml::node* node = state_->ask(key);
    if (node == nullptr) return std::optional<std::vector<std::string>>();
    const auto* array = node->as_array();
    if (array == nullptr) return state_->wrong_type(key, *node, "an array of strings");
    std::vector<std::string> out;
    for (const toml::node& element : *array) {
        const auto* text = element.as_string();
        if (text == nullptr) return state_->wrong_type(key, element, "a string");
        out.push_back(text->get());
    }
    return std::optional(std::move(out));
}

Result<TomlFile::Table> TomlFile::Table::table(std::string_view key) {
    const toml::node* node = state_->ask(key);
    if (node != nullptr && node->as_table() == nullptr) return state_->wrong_type(key, *node, "a table");
    Table inner;
    inner.state_ = state_->child(node == nullptr ? nullptr : node->as_table());
    return inner;
}

Result<std::vector<TomlFile::Table>> TomlFile::Table::tables(std::string_view key) {
    std::vector<Table> out;
    const toml::node* node = state_->ask(key);
    if (node == nullptr) return out;
    const auto* array = node->as_array();
    if (array == nullptr) return state_->wrong_type(key, *node, "an array of tables");
    for (const toml::node& element : *array) {
        if (element.as_table() == nullptr) return state_->wrong_type(key, element, "a table");
        Table inner;
        inner.state_ = state_->child(element.as_table());
        out.push_back(inner);
    }
    return out;
}

std::string TomlFile::Table::place(std::string_view key) const {
    const toml::node* node = state_->table == nullptr ? nullptr : state_->table->get(key);
    if (node != nullptr) return place_of(*state_->file, node->source());
    if (state_->table != nullptr && state_->table->source().begin)
        return place_of(*state_->file, state_->table->source());
    return *state_->file;
}

bool TomlFile::Table::contains(std::string_view key) const {
    return state_->table != nullptr && state_->table->contains(key);
}

}  // namespace base
