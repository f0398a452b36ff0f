// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.h"
#include "base/secret_bytes.h"

namespace base::json {

class Value;
using Array = std::vector<Value>;
struct Member;

/// An object that keeps the order of its members; names are unique.
class Object {
  public:
    // Defined below, where Member is complete.
    Object();
    Object(const Object&);
    Object(Object&&) noexcept;
    Object& operator=(const Object&);
    Object& operator=(Object&&) noexcept;
    ~Object();
    Object(std::initializer_list<std::pair<std::string_view, Value>> members);
    [[nodiscard]] const Value* find(std::string_view name) const;
    /// As `find`, where several members match without regard to ASCII case the last wins (Go's encoding/json).
    [[nodiscard]] const Value* find_ignoring_case(std::string_view name) const;
    /// Appends, or replaces the member of that name.
    void set(std::string_view name, Value value);
    [[nodiscard]] std::size_t size() const;
    [[nodiscard]] bool empty() const { return size() == 0; }
    [[nodiscard]] std::vector<Member>::const_iterator begin() const;
    [[nodiscard]] std::vector<Member>::const_iterator end() const;

  private:
    friend struct Builder;
    std::vector<Member> members_;
};

/// A JSON value. All text in it is wiped when freed, because requests carry keys in JSON strings.
class Value {
  public:
    Value() = default;  ///< null
    Value(std::nullptr_t) {}
    Value(bool value) : data_(value) {}
    /// Integers that do not fit std::int64_t are kept as doubles.
    template <std::integral T>
        requires(!std::same_as<T, bool>)
    Value(T value) {
        if (std::in_range<std::int64_t>(value)) {
            data_ = static_cast<std::int64_t>(value);
        } else {
            data_ = static_cast<double>(value);
        }
    }
    Value(double value) : data_(value) {}
    Value(const void*) = delete;  ///< else a pointer would become a boolean
    Value(const char* text) : data_(WipingString(text)) {}
    Value(std::string_view text) : data_(WipingString(text)) {}
    Value(const std::string& text) : data_(WipingString(std::string_view(text))) {}
    Value(WipingString text) : data_(std::move(text)) {}
    Value(Array array) : data_(std::move(array)) {}
    Value(Object object) : data_(std::move(object)) {}

    [[nodiscard]] bool is_null() const { return std::holds_alternative<std::monostate>(data_); }
    [[nodiscard]] const bool* as_bool() const { return std::get_if<bool>(&data_); }
    [[nodiscard]] const std::int64_t* as_int() const { return std::get_if<std::int64_t>(&data_); }
    [[nodiscard]] const double* as_double() const { return std::get_if<double>(&data_); }
    [[nodiscard]] const WipingString* as_string() const { return std::get_if<WipingString>(&data_); }
    [[nodiscard]] const Array* as_array() const { return std::get_if<Array>(&data_); }
    [[nodiscard]] const Object* as_object() const { return std::get_if<Object>(&data_); }
    [[nodiscard]] Array* as_array() { return std::get_if<Array>(&data_); }
    [[nodiscard]] Object* as_object() { return std::get_if<Object>(&data_); }
    /// "null", "boolean", "number", "string", "array" or "object"
    [[nodiscard]] std::string_view type_name() const;

    /// The member of an object; nullptr where this is no object or has none such.
    [[nodiscard]] const Value* find(std::string_view name) const;
    /// Members that must be there and of that type. The error (json_invalid) names the member.
    [[nodiscard]] Result<std::string_view> string_at(std::string_view name) const;
    [[nodiscard]] Result<std::int64_t> int_at(std::string_view name) const;
    [[nodiscard]] Result<bool> bool_at(std::string_view name) const;
    [[nodiscard]] Result<const Array*> array_at(std::string_view name) const;
    [[nodiscard]] Result<const Object*> object_at(std::string_view name) const;
    [[nodiscard]] Result<const Value*> value_at(std::string_view name) const;
    /// Checks that this is an object with no members but those named (json_invalid names the other).
    [[nodiscard]] Status expect_only(std::initializer_list<std::string_view> names) const;

    friend bool operator==(const Value& a, const Value& b);

  private:
    std::variant<std::monostate, bool, std::int64_t, double, WipingString, Array, Object> data_;
};

/// A member of an object; `for (const auto& [name, value] : object)`.
struct Member {
    WipingString first;
    Value second;
};

inline Object::Object() = default;
inline Object::Object(const Object&) = default;
inline Object::Object(Object&&) noexcept = default;
inline Object& Object::operator=(const Object&) = default;
inline Object& Object::operator=(Object&&) noexcept = default;
inline Object::~Object() = default;
inline std::size_t Object::size() const {
    return members_.size();
}
inline std::vector<Member>::const_iterator Object::begin() const {
    return members_.begin();
}
inline std::vector<Member>::const_iterator Object::end() const {
    return members_.end();
}

enum class Duplicates : std::uint8_t {
    refuse,
    last_wins,  ///< only where a peer is known to parse so and cannot be told otherwise (ocicrypt.md §1.3)
};

struct Limits {
    std::size_t max_bytes;       ///< no default: every caller knows how much it is ready to read
    std::size_t max_depth = 64;  ///< nesting of arrays and objects
    Duplicates duplicates = Duplicates::refuse;
};

/// Parses one [RFC 8259] text: UTF-8 only, no NUL, no trailing data, no comments; numbers of at most 64 characters.
/// Errors: json_invalid with the byte offset, input_too_large. Never recurses, never throws.
Result<Value> parse(std::string_view text, Limits limits);

/// Compact text, members in their order. Escapes only what must be escaped ('"', '\\', control characters): never '/'.
/// Numbers that are not finite cannot be built.
WipingString serialize(const Value& value);

/// The same text as std::string, for values without secrets.
std::string serialize_public(const Value& value);

/// Two-space indentation, for people.
std::string serialize_pretty(const Value& value);

/// [RFC 8785] canonical form: members sorted by UTF-16 code units, numbers as ECMAScript prints them.
/// An integer beyond 2^53 is an error (json_invalid), because its canonical form would be another number.
Result<WipingString> canonicalize(const Value& value);

}  // namespace base::json
