// SPDX-License-Identifier: Apache-2.0
#include "base/error.h"

#include <algorithm>
#include <array>
#include <numeric>
#include <vector>

namespace base {
namespace {

constexpr std::array kErrors{
#define X(id, name, stage, cause, remedy) ErrorDescription{ErrorCode::id, name, Stage::stage, cause, remedy},
    BASE_ERROR_CODES(X)
#undef X
};

/// The length of a well-formed UTF-8 sequence at the start of `text`, 0 where there is none.
std::size_t utf8_sequence(std::string_view text) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned char first = byte(0);
    std::size_t size = 0;
    if (first >= 0xc2 && first <= 0xdf) size = 2;
    if (first >= 0xe0 && first <= 0xef) size = 3;
    if (first >= 0xf0 && first <= 0xf4) size = 4;
    if (size == 0 || text.size() < size) return 0;
    for (std::size_t i = 1; i < size; ++i) {
        if ((byte(i) & 0xc0) != 0x80) return 0;
    }
    // [RFC3629 §4] no overlong forms, no surrogates, nothing beyond U+10FFFF.
    if ((first == 0xe0 && byte(1) < 0xa0) || (first == 0xed && byte(1) > 0x9f)) return 0;
    if ((first == 0xf0 && byte(1) < 0x90) || (first == 0xf4 && byte(1) > 0x8f)) return 0;
    return size;
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> row(b.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 1; i <= a.size(); ++i) {
        std::size_t diagonal = row[0];
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t substituted = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
            diagonal = row[j];
            row[j] = std::min({row[j] + 1, row[j - 1] + 1, substituted});
        }
    }
    return row.back();
}

}  // namespace

const ErrorDescription& describe(ErrorCode code) {
    return kErrors.at(static_cast<std::size_t>(code));
}

std::span<const ErrorDescription> all_errors() {
    return kErrors;
}

std::optional<ErrorCode> error_code_from_name(std::string_view name) {
    const auto found = std::ranges::find(kErrors, name, &ErrorDescription::name);
    if (found == kErrors.end()) return std::nullopt;
    return found->code;
}

std::string_view stage_name(Stage stage) {
    switch (stage) {
        case Stage::config:
            return "config";
        case Stage::input:
            return "input";
        case Stage::connect:
            return "connect";
        case Stage::protocol:
            return "protocol";
        case Stage::evidence:
            return "evidence";
        case Stage::verify:
            return "verify";
        case Stage::appraise:
            return "appraise";
        case Stage::key:
            return "key";
        case Stage::unwrap:
            return "unwrap";
        case Stage::store:
            return "store";
        case Stage::internal:
            return "internal";
    }
    return "internal";
}

Error Error::within(std::string_view context) const {
    Error wider = *this;
    wider.detail_ = std::string(context) + ": " + (detail_.empty() ? std::string(describe(code_).cause) : detail_);
    return wider;
}

std::string Error::message() const {
    std::string text(name());
    text += ": ";
    text += detail_.empty() ? describe(code_).cause : std::string_view(detail_);
    return printable_line(text);
}

std::string printable_line(std::string_view text, std::size_t limit) {
    std::string out;
    for (std::size_t i = 0; i < text.size();) {
        const auto byte = static_cast<unsigned char>(text[i]);
        std::size_t size = 1;
        bool printable = byte >= 0x20 && byte < 0x7f;
        if (byte >= 0x80) {
            size = utf8_sequence(text.substr(i));
            printable = size != 0;
            size = std::max<std::size_t>(size, 1);
            // C1 control characters (U+0080..U+009F) move a terminal as C0 ones do.
            if (size == 2 && byte == 0xc2 && static_cast<unsigned char>(text[i + 1]) < 0xa0) printable = false;
        }
        if (out.size() + size > limit) {
            out += "...";
            break;
        }
        if (printable) {
            out += text.substr(i, size);
        } else {
            out += '?';
        }
        i += size;
    }
    return out;
}

std::optional<std::string_view> nearest(std::string_view word, std::span<const std::string_view> candidates) {
    std::optional<std::string_view> best;
    std::size_t best_distance = std::min<std::size_t>(4, word.size());
    if (word.size() > 64) return best;  // nobody mistypes that much
    for (const std::string_view candidate : candidates) {
        const std::size_t distance = edit_distance(word, candidate);
        if (distance < best_distance) {
            best = candidate;
            best_distance = distance;
        }
    }
    return best;
}

}  // namespace base
