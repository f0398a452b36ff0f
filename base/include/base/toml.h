// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace base {

/// A configuration file (TOML 1.0) read table by table. Every key must be asked for: `finish()` refuses the others with
/// line, column and "did you mean". Errors: config_invalid, detail "FILE:LINE:COLUMN: …".
///
/// Narrower than TOML: no strings of many lines; characters beyond ASCII stand only in comments (strings have escapes).
///
/// Use: `TRY_ASSIGN(auto file, TomlFile::parse(text, name)); auto kbs = file.table("kbs"); TRY_ASSIGN(url,
/// kbs.string("url")); … TRY(file.finish());`
class TomlFile {
  public:
    class Table {
      public:
        /// Absent → nullopt; of another type → config_invalid.
        Result<std::optional<std::string>> string(std::string_view key);
        Result<std::optional<std::int64_t>> integer(std::string_view key, std::int64_t min, std::int64_t max);
        Result<std::optional<bool>> boolean(std::string_view key);
        Result<std::optional<std::vector<std::string>>> strings(std::string_view key);
        /// A table inside; absent → an empty one.
        Result<Table> table(std::string_view key);
        /// An array of tables (`[[key]]`); absent → none.
        Result<std::vector<Table>> tables(std::string_view key);
        /// "FILE:LINE:COLUMN" of a key that exists, else of the table.
        [[nodiscard]] std::string place(std::string_view key) const;
        [[nodiscard]] bool contains(std::string_view key) const;

      private:
        friend class TomlFile;
        struct State;
        std::shared_ptr<State> state_;
    };

    /// At most 1 MiB of text. `name` appears in messages.
    static Result<TomlFile> parse(std::string_view text, std::string_view name);
    Table& root() { return root_; }
    /// An error for the first key of any table that nobody asked for.
    Status finish() const;

  private:
    Table root_;
};

}  // namespace base
