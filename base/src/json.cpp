// SPDX-License-Identifier: Apache-2.0
#include "base/json.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <numeric>

// Debian's RapidJSON 1.1.0 has defects that network input can reach (numbers with huge exponents, deep nesting, NUL,
// bad UTF-8, lone low surrogates). This file is its only includer, and `check_text` runs before it.
#define RAPIDJSON_ASSERT(x) ((x) ? static_cast<void>(0) : std::abort())
#define RAPIDJSON_HAS_STDSTRING 0
#if defined(__clang__)
// Its stack adds an offset to a null pointer before the first push: undefined by the letter, harmless on every target.
#pragma clang attribute push(__attribute__((no_sanitize("pointer-overflow"))), apply_to = function)
#endif
#include <rapidjson/memorystream.h>
#include <rapidjson/reader.h>
#if defined(__clang__)
#pragma clang attribute pop
#endif

#include <fmt/format.h>

namespace base::json {
namespace {

/// Bounds the memory that a text can make us allocate: a Value is some twenty times larger than "0,".
constexpr std::size_t kMaxValues = 1'000'000;
constexpr std::size_t kMaxNumberLength = 64;
constexpr std::size_t kMaxExponentLength = 4;

Fail invalid_at(std::size_t offset, std::string_view why) {
    return Fail(ErrorCode::json_invalid, fmt::format("at byte {}: {}", offset, why));
}

bool is_number_character(char c) {
    return (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.' || c == 'e' || c == 'E';
}

/// What the parser below cannot be trusted with: NUL bytes, nesting, long numbers.
Status check_text(std::string_view text, const Limits& limits) {
    if (text.size() > limits.max_bytes) {
        return Fail(ErrorCode::input_too_large, fmt::format("JSON text of more than {} bytes", limits.max_bytes));
    }
    std::size_t depth = 0;
    std::size_t values = 1;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (c == '"') {
            for (++i; i < text.size() && text[i] != '"'; ++i) {
                if (text[i] == '\0') return invalid_at(i, "NUL");
                if (text[i] == '\\') ++i;
            }
            continue;
        }
        if (c == '\0') return invalid_at(i, "NUL");
        if (c == '[' || c == '{') {
            if (++depth > limits.max_depth) return invalid_at(i, "nested too deeply");
        }
        if ((c == ']' || c == '}') && depth > 0) --depth;
        if (c == ',' || c == '[' || c == '{') {
            if (++values > kMaxValues) return invalid_at(i, "too many values");
        }
        if ((c >= '0' && c <= '9') || c == '-') {
            std::size_t end = i;
            std::size_t exponent = std::string_view::npos;
            for (; end < text.size() && is_number_character(text[end]); ++end) {
                if (text[end] == 'e' || text[end] == 'E') exponent = end;
            }
            if (end - i > kMaxNumberLength) return invalid_at(i, "a number that long");
            if (exponent != std::string_view::npos && end - exponent - 1 > kMaxExponentLength) {
                return invalid_at(i, "a number with that exponent");
            }
            i = end - 1;
        }
    }
    return {};
}

/// Wipes what the parser leaves behind: decoded strings pass through its stack.
class WipingParserAllocator {
  public:
    // RapidJSON asks for it by that name in some of its templates.
    [[maybe_unused]] static const bool kNeedFree = true;
    void* Malloc(std::size_t size) {
        if (size == 0) return nullptr;
        auto* block = static_cast<std::max_align_t*>(std::malloc(size + sizeof(std::max_align_t)));
        if (block == nullptr) std::abort();
        std::memcpy(block, &size, sizeof(size));
        return block + 1;
    }
    void* Realloc(void* old, std::size_t old_size, std::size_t size) {
        void* fresh = Malloc(size);
        if (old != nullptr && fresh != nullptr) std::memcpy(fresh, old, std::min(old_size, size));
        Free(old);
        return fresh;
    }
    static void Free(void* memory) {
        if (memory == nullptr) return;
        auto* block = static_cast<std::max_align_t*>(memory) - 1;
        std::size_t size = 0;
        std::memcpy(&size, block, sizeof(size));
        wipe(block, size + sizeof(std::max_align_t));
        std::free(block);
    }
};

/// An escaped low surrogate without its partner gets through the parser and comes out as ED A0..BF xx.
bool has_surrogate(std::string_view text) {
    for (std::size_t i = 0; i + 1 < text.size(); ++i) {
        if (static_cast<unsigned char>(text[i]) == 0xed && static_cast<unsigned char>(text[i + 1]) >= 0xa0) return true;
    }
    return false;
}

}  // namespace

/// Receives the parser's events and keeps the open containers on a stack of its own: no recursion.
struct Builder {
    explicit Builder(Duplicates rule) : duplicates(rule) {}

    struct Frame {
        bool object;
        Array values;
        std::vector<WipingString> names;
    };

    bool Null() { return add(Value()); }
    bool Bool(bool value) { return add(Value(value)); }
    // Numbers arrive as text (kParseNumbersAsStringsFlag): the parser's own conversion is not sound.
    bool Int(int) { return false; }
    bool Uint(unsigned) { return false; }
    bool Int64(std::int64_t) { return false; }
    bool Uint64(std::uint64_t) { return false; }
    bool Double(double) { return false; }
    bool RawNumber(const char* text, rapidjson::SizeType size, bool) {
        const char* end = text + size;
        if (std::string_view(text, size).find_first_of(".eE") == std::string_view::npos) {
            std::int64_t integer = 0;
            if (std::from_chars(text, end, integer) == std::from_chars_result{end, std::errc{}})
                return add(Value(integer));
        }
        double number = 0;
        if (std::from_chars(text, end, number) != std::from_chars_result{end, std::errc{}}) {
            return refuse("a number out of range");
        }
        return add(Value(number));
    }
    bool String(const char* text, rapidjson::SizeType size, bool) {
        if (has_surrogate({text, size})) return refuse("a lone surrogate");
        return add(Value(WipingString(text, size)));
    }
    bool StartObject() {
        stack.push_back({true, {}, {}});
        return true;
    }
    bool Key(const char* text, rapidjson::SizeType size, bool) {
        if (has_surrogate({text, size})) return refuse("a lone surrogate");
        stack.back().names.emplace_back(text, size);
        return true;
    }
    bool EndObject(rapidjson::SizeType) {
        Frame frame = std::move(stack.back());
        stack.pop_back();
        if (!drop_duplicates(frame)) return refuse("a duplicate member");
        Object object;
        object.members_.reserve(frame.values.size());
        for (std::size_t i = 0; i < frame.values.size(); ++i) {
            object.members_.push_back({std::move(frame.names[i]), std::move(frame.values[i])});
        }
        return add(Value(std::move(object)));
    }
    bool StartArray() {
        stack.push_back({false, {}, {}});
        return true;
    }
    bool EndArray(rapidjson::SizeType) {
        Array values = std::move(stack.back().values);
        stack.pop_back();
        return add(Value(std::move(values)));
    }

    bool add(Value value) {
        if (stack.empty()) {
            root = std::move(value);
        } else {
            stack.back().values.push_back(std::move(value));
        }
        return true;
    }
    bool refuse(std::string_view why) {
        problem = why;
        return false;
    }
    /// False where there are duplicates and they are refused. Sorting keeps a hostile object from costing its square.
    [[nodiscard]] bool drop_duplicates(Frame& frame) const {
        std::vector<std::size_t> order(frame.names.size());
        std::iota(order.begin(), order.end(), std::size_t{0});
        std::ranges::stable_sort(order, {}, [&](std::size_t i) -> const WipingString& { return frame.names[i]; });
        std::vector<std::size_t> dropped;
        for (std::size_t i = 1; i < order.size(); ++i) {
            if (frame.names[order[i - 1]] == frame.names[order[i]]) dropped.push_back(order[i - 1]);
        }
        if (dropped.empty()) return true;
        if (duplicates == Duplicates::refuse) return false;
        std::ranges::sort(dropped);
        std::size_t kept = 0;
        for (std::size_t i = 0; i < frame.names.size(); ++i) {
            if (std::ranges::binary_search(dropped, i)) continue;
            if (kept != i) {
                frame.names[kept] = std::move(frame.names[i]);
                frame.values[kept] = std::move(frame.values[i]);
            }
            ++kept;
        }
        frame.names.resize(kept);
        frame.values.resize(kept);
        return true;
    }

    Duplicates duplicates;
    std::vector<Frame> stack;
    Value root;
    std::string_view problem;
};

Result<Value> parse(std::string_view text, Limits limits) {
    TRY(check_text(text, limits));
    constexpr unsigned kFlags =
        rapidjson::kParseIterativeFlag | rapidjson::kParseValidateEncodingFlag | rapidjson::kParseNumbersAsStringsFlag;
    WipingParserAllocator allocator;
    rapidjson::GenericReader<rapidjson::UTF8<>, rapidjson::UTF8<>, WipingParserAllocator> reader(&allocator);
    rapidjson::MemoryStream stream(text.data(), text.size());
    Builder builder(limits.duplicates);
    const rapidjson::ParseResult result = reader.Parse<kFlags>(stream, builder);
    if (result.IsError()) {
        if (!builder.problem.empty()) return invalid_at(result.Offset(), builder.problem);
        const bool ended = result.Offset() >= text.size();
        return invalid_at(result.Offset(), ended ? "the text ends too early" : "not JSON");
    }
    return std::move(builder.root);
}

namespace {

/// As ECMAScript prints numbers ([RFC 8785 §3.2.2.3]): the shortest digits that read back as the same number.
std::string number_text(double value) {
    if (value == 0) return "0";
    std::array<char, 32> buffer{};
    const auto written =
        std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, std::chars_format::scientific);
    const std::string_view text(buffer.data(), static_cast<std::size_t>(written.ptr - buffer.data()));
    const bool negative = text.front() == '-';
    const std::size_t e = text.find('e');
    std::string digits;
    for (const char c : text.substr(0, e)) {
        if (c >= '0' && c <= '9') digits += c;
    }
    const char* exponent_text = buffer.data() + e + (text[e + 1] == '+' ? 2 : 1);
    int exponent = 0;
    std::from_chars(exponent_text, written.ptr, exponent);
    const int point = exponent + 1;  // the decimal point stands behind that many digits
    const int count = static_cast<int>(digits.size());
    std::string out = negative ? "-" : "";
    if (point > 21 || point <= -6) {
        out += digits.substr(0, 1);
        if (count > 1) out += "." + digits.substr(1);
        out += fmt::format("e{}{}", exponent < 0 ? '-' : '+', std::abs(exponent));
    } else if (point <= 0) {
        out += "0." + std::string(static_cast<std::size_t>(-point), '0') + digits;
    } else if (point >= count) {
        out += digits + std::string(static_cast<std::size_t>(point - count), '0');
    } else {
        out += digits.substr(0, static_cast<std::size_t>(point)) + "." + digits.substr(static_cast<std::size_t>(point));
    }
    return out;
}

template <typename Out>
void write_string(std::string_view text, Out& out) {
    out += '"';
    for (const char c : text) {
        switch (c) {
            case '"':
                out += "\\\"";
                break;
            case '\\':
                out += "\\\\";
                break;
            case '\b':
                out += "\\b";
                break;
            case '\f':
                out += "\\f";
                break;
            case '\n':
                out += "\\n";
                break;
            case '\r':
                out += "\\r";
                break;
            case '\t':
                out += "\\t";
                break;
            default:
                if (static_cast<unsigned char>(c) < 0x20) {
                    out += fmt::format("\\u{:04x}", static_cast<unsigned char>(c));
                } else {
                    out += c;
                }
        }
    }
    out += '"';
}

enum class Style : std::uint8_t { compact, pretty, canonical };

/// [RFC 8785 §3.2.3]: names compare by their UTF-16 code units, which differs from bytes only beyond the BMP.
std::u16string utf16(std::string_view text) {
    std::u16string out;
    for (std::size_t i = 0; i < text.size();) {
        const auto byte = [&](std::size_t k) {
            return i + k < text.size() ? static_cast<unsigned char>(text[i + k]) : 0U;
        };
        char32_t point = byte(0);
        std::size_t size = 1;
        if (point >= 0xf0) {
            point = (point & 7U) << 18 | (byte(1) & 63U) << 12 | (byte(2) & 63U) << 6 | (byte(3) & 63U);
            size = 4;
        } else if (point >= 0xe0) {
            point = (point & 15U) << 12 | (byte(1) & 63U) << 6 | (byte(2) & 63U);
            size = 3;
        } else if (point >= 0xc0) {
            point = (point & 31U) << 6 | (byte(1) & 63U);
            size = 2;
        }
        if (point >= 0x10000) {
            out += static_cast<char16_t>(0xd800 + ((point - 0x10000) >> 10));
            out += static_cast<char16_t>(0xdc00 + ((point - 0x10000) & 0x3ff));
        } else {
            out += static_cast<char16_t>(point);
        }
        i += size;
    }
    return out;
}

template <typename Out>
class Writer {
  public:
    Writer(Style style, Out& out) : style_(style), out_(out) {}

    void write(const Value& value) {
        if (const bool* boolean = value.as_bool()) {
            out_ += *boolean ? "true" : "false";
        } else if (const std::int64_t* integer = value.as_int()) {
            out_ += std::to_string(*integer);
        } else if (const double* number = value.as_double()) {
            out_ += number_text(*number);
        } else if (const WipingString* text = value.as_string()) {
            write_string(*text, out_);
        } else if (const Array* array = value.as_array()) {
            write_array(*array);
        } else if (const Object* object = value.as_object()) {
            write_object(*object);
        } else {
            out_ += "null";
        }
    }

  private:
    void write_array(const Array& array) {
        out_ += '[';
        ++depth_;
        bool first = true;
        for (const Value& value : array) {
            separate(first);
            write(value);
        }
        close(first, ']');
    }

    void write_object(const Object& object) {
        std::vector<const Member*> members;
        for (const Member& member : object) members.push_back(&member);
        if (style_ == Style::canonical) {
            std::ranges::sort(members, {}, [](const Member* member) { return utf16(member->first); });
        }
        out_ += '{';
        ++depth_;
        bool first = true;
        for (const Member* member : members) {
            separate(first);
            write_string(member->first, out_);
            out_ += style_ == Style::pretty ? ": " : ":";
            write(member->second);
        }
        close(first, '}');
    }

    void separate(bool& first) {
        if (!first) out_ += ',';
        first = false;
        line_end();
    }
    void close(bool empty, char bracket) {
        --depth_;
        if (!empty) line_end();
        out_ += bracket;
    }
    void line_end() {
        if (style_ != Style::pretty) return;
        out_ += '\n';
        out_.append(depth_ * 2, ' ');
    }

    Style style_;
    Out& out_;
    std::size_t depth_ = 0;
};

template <typename Out>
Out text_of(const Value& value, Style style) {
    Out out;
    Writer<Out>(style, out).write(value);
    return out;
}

bool canonical_numbers(const Value& value) {
    constexpr std::int64_t kExact = std::int64_t{1} << 53;
    if (const std::int64_t* integer = value.as_int()) return *integer >= -kExact && *integer <= kExact;
    if (const Array* array = value.as_array()) return std::ranges::all_of(*array, canonical_numbers);
    if (const Object* object = value.as_object()) {
        return std::ranges::all_of(*object, [](const Member& member) { return canonical_numbers(member.second); });
    }
    return true;
}

char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

}  // namespace

WipingString serialize(const Value& value) {
    return text_of<WipingString>(value, Style::compact);
}
std::string serialize_public(const Value& value) {
    return text_of<std::string>(value, Style::compact);
}
std::string serialize_pretty(const Value& value) {
    return text_of<std::string>(value, Style::pretty);
}

Result<WipingString> canonicalize(const Value& value) {
    if (!canonical_numbers(value)) return Fail(ErrorCode::json_invalid, "an integer beyond 2^53 has no canonical form");
    return text_of<WipingString>(value, Style::canonical);
}

Object::Object(std::initializer_list<std::pair<std::string_view, Value>> members) {
    for (const auto& [name, value] : members) set(name, value);
}

const Value* Object::find(std::string_view name) const {
    for (const Member& member : members_) {
        if (std::string_view(member.first) == name) return &member.second;
    }
    return nullptr;
}

const Value* Object::find_ignoring_case(std::string_view name) const {
    const Value* found = nullptr;
    for (const Member& member : members_) {
        if (std::ranges::equal(member.first, name, {}, lower, lower)) found = &member.second;
    }
    return found;
}

void Object::set(std::string_view name, Value value) {
    for (Member& member : members_) {
        if (std::string_view(member.first) == name) {
            member.second = std::move(value);
            return;
        }
    }
    members_.push_back({WipingString(name), std::move(value)});
}

std::string_view Value::type_name() const {
    constexpr std::array<std::string_view, 7> names{"null", "boolean", "number", "number", "string", "array", "object"};
    return names.at(data_.index());
}

const Value* Value::find(std::string_view name) const {
    const Object* object = as_object();
    return object == nullptr ? nullptr : object->find(name);
}

namespace {

Fail wrong_member(std::string_view name, std::string_view wanted, const Value* got) {
    if (got == nullptr) return Fail(ErrorCode::json_invalid, fmt::format("member \"{}\" is missing", name));
    return Fail(ErrorCode::json_invalid,
                fmt::format("member \"{}\" is of type {}, not {}", name, got->type_name(), wanted));
}

}  // namespace

Result<const Value*> Value::value_at(std::string_view name) const {
    if (as_object() == nullptr) return Fail(ErrorCode::json_invalid, fmt::format("{} is no object", type_name()));
    const Value* value = find(name);
    if (value == nullptr) return wrong_member(name, "", nullptr);
    return value;
}

Result<std::string_view> Value::string_at(std::string_view name) const {
    TRY_ASSIGN(const Value* value, value_at(name));
    const WipingString* text = value->as_string();
    if (text == nullptr) return wrong_member(name, "string", value);
    return std::string_view(*text);
}

Result<std::int64_t> Value::int_at(std::string_view name) const {
    TRY_ASSIGN(const Value* value, value_at(name));
    const std::int64_t* integer = value->as_int();
    if (integer == nullptr) return wrong_member(name, "integer", value);
    return *integer;
}

Result<bool> Value::bool_at(std::string_view name) const {
    TRY_ASSIGN(const Value* value, value_at(name));
    const bool* boolean = value->as_bool();
    if (boolean == nullptr) return wrong_member(name, "boolean", value);
    return *boolean;
}

Result<const Array*> Value::array_at(std::string_view name) const {
    TRY_ASSIGN(const Value* value, value_at(name));
    if (value->as_array() == nullptr) return wrong_member(name, "array", value);
    return value->as_array();
}

Result<const Object*> Value::object_at(std::string_view name) const {
    TRY_ASSIGN(const Value* value, value_at(name));
    if (value->as_object() == nullptr) return wrong_member(name, "object", value);
    return value->as_object();
}

Status Value::expect_only(std::initializer_list<std::string_view> names) const {
    const Object* object = as_object();
    if (object == nullptr) return Fail(ErrorCode::json_invalid, fmt::format("{} is no object", type_name()));
    for (const Member& member : *object) {
        if (std::ranges::find(names, std::string_view(member.first)) == names.end()) {
            return Fail(ErrorCode::json_invalid, fmt::format("unknown member \"{}\"", std::string_view(member.first)));
        }
    }
    return {};
}

bool operator==(const Value& a, const Value& b) {
    // 1e2 and 100 are one number, though they are kept differently.
    if (a.as_int() != nullptr && b.as_double() != nullptr) return static_cast<double>(*a.as_int()) == *b.as_double();
    if (a.as_double() != nullptr && b.as_int() != nullptr) return b == a;
    const Object* left = a.as_object();
    const Object* right = b.as_object();
    if (left == nullptr || right == nullptr) return a.data_.index() == b.data_.index() && a.data_ == b.data_;
    if (left->size() != right->size()) return false;
    return std::ranges::all_of(*left, [&](const Member& member) {
        const Value* other = right->find(member.first);
        return other != nullptr && member.second == *other;
    });
}

}  // namespace base::json
