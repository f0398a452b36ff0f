// SPDX-License-Identifier: Apache-2.0
#include "base/encoding.h"

#include <array>
#include <cstdint>

namespace base {
namespace {

constexpr std::string_view kStandard = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view kUrl = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

constexpr std::array<std::int8_t, 256> reverse(std::string_view alphabet) {
    std::array<std::int8_t, 256> table{};
    for (auto& entry : table) entry = -1;
    for (std::size_t i = 0; i < alphabet.size(); ++i) {
        table[static_cast<unsigned char>(alphabet[i])] = static_cast<std::int8_t>(i);
    }
    return table;
}
constexpr auto kStandardReverse = reverse(kStandard);
constexpr auto kUrlReverse = reverse(kUrl);

template <typename Text>
Text encode(ByteView bytes, std::string_view alphabet, bool pad) {
    Text out;
    out.reserve((bytes.size() + 2) / 3 * 4);
    std::size_t i = 0;
    const auto symbol = [&](std::uint32_t group, int shift) { out.push_back(alphabet[group >> shift & 63]); };
    for (; i + 3 <= bytes.size(); i += 3) {
        const std::uint32_t group = std::uint32_t{bytes[i]} << 16 | std::uint32_t{bytes[i + 1]} << 8 | bytes[i + 2];
        for (int shift = 18; shift >= 0; shift -= 6) symbol(group, shift);
    }
    const std::size_t left = bytes.size() - i;
    if (left == 0) return out;
    const std::uint32_t group = std::uint32_t{bytes[i]} << 16 | (left == 2 ? std::uint32_t{bytes[i + 1]} << 8 : 0);
    symbol(group, 18);
    symbol(group, 12);
    if (left == 2) symbol(group, 6);
    if (pad) out.append(3 - left, '=');
    return out;
}

struct DecodeRules {
    const std::array<std::int8_t, 256>& alphabet;
    bool padded;
    bool skip_line_ends;
    bool canonical;  // unused bits must be zero
};

Fail bad(std::string_view why) {
    return Fail(ErrorCode::encoding_invalid, "base64: " + std::string(why));
}

/// Decodes into `out`, which has room for text.size() / 4 * 3 + 3 bytes, and returns how many were written.
Result<std::size_t> decode(std::string_view text, DecodeRules rules, std::uint8_t* out) {
    std::size_t written = 0;
    std::uint32_t group = 0;
    int symbols = 0;
    int padding = 0;
    for (const char character : text) {
        if (rules.skip_line_ends && (character == '\r' || character == '\n')) continue;
        if (character == '=' && rules.padded) {
            // "x===" and "====" are as wrong as a symbol after padding.
            if (symbols < 2 || symbols + padding == 4) return bad("padding in the wrong place");
            ++padding;
            continue;
        }
        if (padding != 0) return bad("text after the padding");
        const std::int8_t value = rules.alphabet[static_cast<unsigned char>(character)];
        if (value < 0) return bad("a character outside the alphabet");
        group = group << 6 | static_cast<std::uint32_t>(value);
        if (++symbols == 4) {
            out[written++] = static_cast<std::uint8_t>(group >> 16);
            out[written++] = static_cast<std::uint8_t>(group >> 8);
            out[written++] = static_cast<std::uint8_t>(group);
            group = 0;
            symbols = 0;
        }
    }
    if (symbols == 0) return written;
    if (symbols == 1) return bad("the text is cut off");
    if (rules.padded && symbols + padding != 4) return bad("the padding is missing");
    const std::uint32_t unused = symbols == 2 ? group & 0xf : group & 0x3;
    if (rules.canonical && unused != 0) return bad("unused bits are not zero");
    out[written++] = static_cast<std::uint8_t>(symbols == 2 ? group >> 4 : group >> 10);
    if (symbols == 3) out[written++] = static_cast<std::uint8_t>(group >> 2);
    return written;
}

Result<Bytes> decode_public(std::string_view text, DecodeRules rules) {
    Bytes out(text.size() / 4 * 3 + 3);
    TRY_ASSIGN(const std::size_t size, decode(text, rules, out.data()));
    out.resize(size);
    return out;
}

Result<SecretBytes> decode_secret(std::string_view text, DecodeRules rules) {
    SecretBytes out(text.size() / 4 * 3 + 3);
    TRY_ASSIGN(const std::size_t size, decode(text, rules, out.mutable_view().data()));
    out.truncate(size);
    return out;
}

constexpr DecodeRules kStrict{kStandardReverse, true, false, true};
constexpr DecodeRules kLenient{kStandardReverse, true, true, false};
constexpr DecodeRules kUrlSafe{kUrlReverse, false, false, true};

int hex_value(char character) {
    if (character >= '0' && character <= '9') return character - '0';
    if (character >= 'a' && character <= 'f') return character - 'a' + 10;
    if (character >= 'A' && character <= 'F') return character - 'A' + 10;
    return -1;
}

}  // namespace

std::string base64_encode(ByteView bytes) {
    return encode<std::string>(bytes, kStandard, true);
}
WipingString base64_encode_secret(ByteView bytes) {
    return encode<WipingString>(bytes, kStandard, true);
}
std::string base64url_encode(ByteView bytes) {
    return encode<std::string>(bytes, kUrl, false);
}
WipingString base64url_encode_secret(ByteView bytes) {
    return encode<WipingString>(bytes, kUrl, false);
}

Result<Bytes> base64_decode(std::string_view text) {
    return decode_public(text, kStrict);
}
Result<SecretBytes> base64_decode_secret(std::string_view text) {
    return decode_secret(text, kStrict);
}
Result<Bytes> base64_decode_lenient(std::string_view text) {
    return decode_public(text, kLenient);
}
Result<SecretBytes> base64_decode_lenient_secret(std::string_view text) {
    return decode_secret(text, kLenient);
}
Result<Bytes> base64url_decode(std::string_view text) {
    return decode_public(text, kUrlSafe);
}
Result<SecretBytes> base64url_decode_secret(std::string_view text) {
    return decode_secret(text, kUrlSafe);
}

std::string hex_encode(ByteView bytes) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string out;
    out.reserve(bytes.size() * 2);
    for (const std::uint8_t byte : bytes) {
        out.push_back(digits[byte >> 4]);
        out.push_back(digits[byte & 15]);
    }
    return out;
}

Result<Bytes> hex_decode(std::string_view text) {
    if (text.size() % 2 != 0) return Fail(ErrorCode::encoding_invalid, "hex: odd number of digits");
    Bytes out;
    out.reserve(text.size() / 2);
    for (std::size_t i = 0; i < text.size(); i += 2) {
        const int high = hex_value(text[i]);
        const int low = hex_value(text[i + 1]);
        if (high < 0 || low < 0) return Fail(ErrorCode::encoding_invalid, "hex: not a digit");
        out.push_back(static_cast<std::uint8_t>(high << 4 | low));
    }
    return out;
}

}  // namespace base
