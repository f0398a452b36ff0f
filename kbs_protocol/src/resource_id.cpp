// SPDX-License-Identifier: Apache-2.0
#include "kbs_protocol/resource_id.h"

#include <algorithm>

#include <fmt/format.h>

namespace kbs_protocol {
namespace {

using base::ErrorCode;
using base::Fail;
using base::Result;

constexpr std::size_t max_segment = 128;
constexpr std::size_t max_host = 255;

bool is_alnum(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool is_segment(std::string_view text) {
    // No leading dot: that keeps out "..", and hidden files of brokers that store by name.
    return !text.empty() && text.size() <= max_segment && text.front() != '.' &&
           std::ranges::all_of(text, [](char c) { return is_alnum(c) || c == '_' || c == '-' || c == '.'; });
}

bool is_port(std::string_view text) {
    return !text.empty() && text.size() <= 5 && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

/// `host[:port]` or `[IPv6][:port]`. Only the shape matters, because the host is dropped.
bool is_authority(std::string_view text) {
    if (text.empty() || text.size() > max_host) return false;
    std::size_t end = 0;
    if (text.front() == '[') {
        end = text.find(']');
        if (end == std::string_view::npos || end < 3) return false;
        const std::string_view address = text.substr(1, end - 1);
        if (address.find_first_not_of("0123456789abcdefABCDEF:.") != std::string_view::npos) return false;
        ++end;
    } else {
        end = std::min(text.find(':'), text.size());
        const std::string_view host = text.substr(0, end);
        if (host.empty() || !std::ranges::all_of(host, [](char c) { return is_alnum(c) || c == '-' || c == '.'; })) {
            return false;
        }
    }
    if (end == text.size()) return true;
    return text[end] == ':' && is_port(text.substr(end + 1));
}

Fail malformed(std::string_view text, std::string_view why) {
    return Fail(ErrorCode::parameter_invalid,
                fmt::format("the key id \"{}\" {}", base::printable_line(text, 100), why));
}

/// `text` behind "kbs://" or "kbs+resource://", or all of it where there is no scheme.
Result<std::string_view> without_scheme(std::string_view text) {
    const std::size_t separator = text.find("://");
    if (separator == std::string_view::npos) return text;
    std::string scheme(text.substr(0, separator));
    std::ranges::transform(scheme, scheme.begin(),
                           [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    if (scheme == "kbs" || scheme == "kbs+resource") return text.substr(separator + 3);
    if (scheme.starts_with("kbs+")) return malformed(text, "names a plug-in of the key broker other than resource");
    return malformed(text, "has a scheme other than kbs://");
}

}  // namespace

Result<ResourceId> ResourceId::from_path(std::string_view path) {
    const std::size_t first = path.find('/');
    const std::size_t second = first == std::string_view::npos ? first : path.find('/', first + 1);
    if (second == std::string_view::npos || path.find('/', second + 1) != std::string_view::npos) {
        return malformed(path, "does not have exactly three segments repository/type/tag");
    }
    const std::string_view repository = path.substr(0, first);
    const std::string_view type = path.substr(first + 1, second - first - 1);
    const std::string_view tag = path.substr(second + 1);
    if (!is_segment(repository) || !is_segment(type) || !is_segment(tag)) {
        return malformed(path,
                         "has a segment that is empty, longer than 128 characters, starts with a dot, or has "
                         "characters other than letters, digits, '_', '-' and '.'");
    }
    return ResourceId(repository, type, tag);
}

Result<ResourceId> ResourceId::parse(std::string_view text) {
    TRY_ASSIGN(const std::string_view rest, without_scheme(text));
    // "[authority]/r/t/g", with and without a scheme alike.
    const std::size_t slash = rest.find('/');
    if (slash == std::string_view::npos) return malformed(text, "has no path");
    if (slash != 0 && !is_authority(rest.substr(0, slash))) return malformed(text, "has a malformed host");
    return from_path(rest.substr(slash + 1));
}

}  // namespace kbs_protocol
