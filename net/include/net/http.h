// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace net {

/// Header fields in their order; names compare without regard to ASCII case [RFC 9110 §5.1].
class HeaderList {
  public:
    using Field = std::pair<std::string, std::string>;

    HeaderList() = default;
    HeaderList(std::initializer_list<Field> fields) : fields_(fields) {}
    void add(std::string name, std::string value) { fields_.emplace_back(std::move(name), std::move(value)); }
    /// The first field of that name.
    [[nodiscard]] std::optional<std::string_view> find(std::string_view name) const;
    [[nodiscard]] std::size_t count(std::string_view name) const;
    [[nodiscard]] auto begin() const { return fields_.begin(); }
    [[nodiscard]] auto end() const { return fields_.end(); }

  private:
    std::vector<Field> fields_;
};

/// Whether a field of that name and value can be sent: a token, then visible characters, blanks and tabs only.
[[nodiscard]] bool valid_field(std::string_view name, std::string_view value);

}  // namespace net
