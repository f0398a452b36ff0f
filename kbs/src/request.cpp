// SPDX-License-Identifier: Apache-2.0
#include "request.h"

#include <algorithm>
#include <array>
#include <cctype>

#include "base/encoding.h"
#include "kbs_protocol/messages.h"

namespace kbs {

using base::ErrorCode;
using base::Fail;
using base::Result;

namespace {

bool is_alphanumeric(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool equal_ignoring_case(std::string_view a, std::string_view b) {
    return std::ranges::equal(a, b,
                              [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

std::optional<std::string> percent_decode(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%') {
            out += text[i];
            continue;
        }
        const auto byte = base::hex_decode(text.substr(i + 1, 2));
        if (!byte || byte->size() != 1 || (*byte)[0] == 0) return std::nullopt;
        out += static_cast<char>((*byte)[0]);
        i += 2;
    }
    return out;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
    std::vector<std::string_view> parts;
    while (true) {
        const std::size_t end = text.find(separator);
        parts.push_back(text.substr(0, end));
        if (end == std::string_view::npos) return parts;
        text.remove_prefix(end + 1);
    }
}

std::string_view trim(std::string_view text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
    return text;
}

}  // namespace

std::string request_id(const net::ServerRequest& request, const Random& random) {
    const auto given = request.headers.find("X-Request-Id");
    if (given && given->size() >= 16 && given->size() <= 64 &&
        std::ranges::all_of(*given, [](char c) { return is_alphanumeric(c) || c == '-'; }))
        return std::string(*given);
    std::array<std::uint8_t, 16> id;
    random(id);
    return base::hex_encode(id);
}

Result<std::vector<std::string>> parse_path(std::string_view path) {
    std::vector<std::string> segments;
    for (const std::string_view part : split(path, '/')) {
        auto segment = percent_decode(part);
        if (!segment || segment->find('/') != std::string::npos)
            return Fail(ErrorCode::path_unknown, "the path is malformed");
        segments.push_back(std::move(*segment));
    }
    return segments;
}

Result<std::map<std::string, std::string>> parse_query(std::string_view query) {
    std::map<std::string, std::string> values;
    if (query.empty()) return values;
    for (const std::string_view part : split(query, '&')) {
        std::string text(part);
        std::ranges::replace(text, '+', ' ');
        const std::size_t equals = text.find('=');
        auto name = percent_decode(std::string_view(text).substr(0, equals));
        auto value = percent_decode(equals == std::string::npos ? std::string_view()
                                                                : std::string_view(text).substr(equals + 1));
        if (!name || !value || !values.emplace(std::move(*name), std::move(*value)).second)
            return Fail(ErrorCode::input_invalid, "the query is malformed");
    }
    return values;
}

std::optional<std::string_view> Request::header(std::string_view name) const {
    return http.headers.find(name);
}

std::optional<std::string_view> Request::bearer() const {
    constexpr std::string_view scheme = "Bearer ";
    const auto value = header("Authorization");
    if (!value || value->size() <= scheme.size() || !equal_ignoring_case(value->substr(0, scheme.size()), scheme))
        return std::nullopt;
    return trim(value->substr(scheme.size()));
}

std::optional<std::string_view> Request::session_cookie() const {
    for (const auto& [name, value] : http.headers) {
        if (!equal_ignoring_case(name, "Cookie")) continue;
        for (const std::string_view pair : split(value, ';')) {
            const std::string_view cookie = trim(pair);
            const std::size_t equals = cookie.find('=');
            if (equals != std::string_view::npos && cookie.substr(0, equals) == kbs_protocol::session_cookie)
                return cookie.substr(equals + 1);
        }
    }
    return std::nullopt;
}

Result<base::json::Value> Request::json_body(std::size_t max_bytes) const {
    return base::json::parse(http.body.text(), {.max_bytes = max_bytes});
}

std::string_view Request::peer_address() const {
    const std::string_view peer = http.peer;
    return peer.substr(0, peer.rfind(':'));
}

}  // namespace kbs
