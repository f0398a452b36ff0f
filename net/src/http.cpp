// SPDX-License-Identifier: Apache-2.0
#include "net/http.h"

#include <algorithm>

#include "net/http_server.h"

namespace net {
namespace {

char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool same_name(std::string_view a, std::string_view b) {
    return std::ranges::equal(a, b, {}, lower, lower);
}

bool token_character(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("!#$%&'*+-.^_`|~").contains(c);
}

}  // namespace

std::optional<std::string_view> HeaderList::find(std::string_view name) const {
    for (const Field& field : fields_) {
        if (same_name(field.first, name)) return field.second;
    }
    return std::nullopt;
}

std::size_t HeaderList::count(std::string_view name) const {
    return static_cast<std::size_t>(
        std::ranges::count_if(fields_, [&](const Field& field) { return same_name(field.first, name); }));
}

bool valid_field(std::string_view name, std::string_view value) {
    return !name.empty() && std::ranges::all_of(name, token_character) && std::ranges::all_of(value, [](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return (byte >= 0x20 && byte != 0x7f) || c == '\t';
    });
}

const char* request_head_problem(unsigned version, std::string_view target, const HeaderList& headers) {
    if (version != 10 && version != 11) return "HTTP version";
    // [RFC9112 §3.2] only the origin form: we are neither a proxy nor answer OPTIONS *.
    if (!target.starts_with('/') || target.contains('#')) return "request target";
    const std::size_t hosts = headers.count("Host");
    if (hosts > 1 || (version == 11 && hosts == 0)) return "Host";
    const std::size_t lengths = headers.count("Content-Length");
    const std::size_t encodings = headers.count("Transfer-Encoding");
    if (lengths > 1) return "several Content-Length";
    if (lengths == 1) {
        const std::string_view length = *headers.find("Content-Length");
        if (length.empty() || length.find_first_not_of("0123456789") != std::string_view::npos) return "Content-Length";
    }
    // [RFC9112 §6.1] what request smuggling lives on.
    if (encodings > 1) return "several Transfer-Encoding";
    if (encodings == 1) {
        if (lengths == 1) return "Transfer-Encoding and Content-Length";
        if (version == 10) return "Transfer-Encoding in HTTP/1.0";
        if (!same_name(*headers.find("Transfer-Encoding"), "chunked")) return "Transfer-Encoding";
    }
    return nullptr;
}

}  // namespace net
