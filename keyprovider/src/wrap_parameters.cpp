// SPDX-License-Identifier: Apache-2.0
#include "keyprovider/wrap_parameters.h"

#include <algorithm>
#include <array>
#include <map>
#include <utility>

namespace keyprovider {

namespace {

using base::ErrorCode;
using base::Fail;
using base::Result;

constexpr std::size_t max_text = 4096;
// What ocicrypt hands over for a recipient without parameters: `provider:NAME`.
constexpr std::string_view no_parameters = "Enabled";
constexpr std::array<std::string_view, 7> names = {"keyid",  "keypath", "algorithm", "sample",
                                                   "policy", "usage",   "register"};

using Fields = std::map<std::string_view, std::string_view>;

Fail invalid(std::string detail) {
    return Fail(ErrorCode::parameter_invalid, std::move(detail));
}

// The end of the first field of `text`: the next "::" outside of brackets.
std::size_t field_end(std::string_view text) {
    bool bracketed = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '[') bracketed = true;
        if (text[i] == ']') bracketed = false;
        if (!bracketed && text.substr(i).starts_with("::")) return i;
    }
    return text.size();
}

Result<Fields> split(std::string_view text) {
    Fields fields;
    while (true) {
        const std::size_t end = field_end(text);
        const std::string_view field = text.substr(0, end);
        const std::size_t equals = field.find('=');
        if (equals == std::string_view::npos)
            return invalid("\"" + std::string(field) + "\" is not of the form name=value");
        const std::string_view name = field.substr(0, equals);
        const std::string_view value = field.substr(equals + 1);
        if (std::ranges::find(names, name) == names.end()) {
            std::string detail = "no parameter is called \"" + std::string(name) + "\"";
            if (const auto near = base::nearest(name, names))
                detail.append("; did you mean ").append(*near).append("?");
            return Fail(ErrorCode::parameter_unknown, detail);
        }
        if (value.empty()) return invalid(std::string(name) + " has no value");
        if (!fields.emplace(name, value).second) return invalid(std::string(name) + " is given twice");
        if (end == text.size()) return fields;
        text.remove_prefix(end + 2);
    }
}

std::optional<std::string_view> take(const Fields& fields, std::string_view name) {
    const auto found = fields.find(name);
    return found == fields.end() ? std::nullopt : std::optional(found->second);
}

Result<bool> boolean(std::string_view name, std::string_view value) {
    if (value != "true" && value != "false") return invalid(std::string(name) + " is neither true nor false");
    return value == "true";
}

}  // namespace

base::Result<WrapParameters> parse_wrap_parameters(std::string_view text) {
    if (text.size() > max_text) return invalid("more than " + std::to_string(max_text) + " bytes of parameters");
    Fields fields;
    if (text != no_parameters) {
        TRY_ASSIGN(fields, split(text));
    }
    if (const auto sample = take(fields, "sample")) {
        TRY_ASSIGN(const bool wanted, boolean("sample", *sample));
        // coco_keyprovider then wraps under a key that is printed in its source, with a nonce of zeros.
        if (wanted) return invalid("sample=true would encrypt under a key that everyone knows");
    }
    if (const auto algorithm = take(fields, "algorithm"); algorithm && *algorithm != "A256GCM")
        return invalid(*algorithm == "A256CTR" ? "algorithm A256CTR has no authentication: only A256GCM wraps"
                                               : "algorithm \"" + std::string(*algorithm) + "\" is not A256GCM");
    const auto key_id = take(fields, "keyid");
    if (!key_id) return invalid("keyid is missing");
    auto parsed_id = kbs_protocol::ResourceId::parse(*key_id);
    if (!parsed_id) return Fail(parsed_id.error().as(ErrorCode::parameter_invalid).within("keyid"));
    WrapParameters parameters{.key_id = std::move(*parsed_id)};

    if (const auto path = take(fields, "keypath")) {
        parameters.key_path = *path;
        // A service that answers for its callers does not stand in their folder.
        if (parameters.key_path->is_relative() || path->contains('\0'))
            return invalid("keypath \"" + std::string(*path) + "\" is not an absolute path");
    }
    if (const auto policy = take(fields, "policy")) parameters.policy = *policy;
    if (const auto usage = take(fields, "usage")) {
        auto parsed = kbs_protocol::key_usage_from_name(*usage);
        if (!parsed) return Fail(parsed.error().as(ErrorCode::parameter_invalid).within("usage"));
        parameters.usage = *parsed;
    }
    if (const auto registration = take(fields, "register")) {
        TRY_ASSIGN(parameters.register_key, boolean("register", *registration));
        if (!parameters.register_key && !parameters.key_path)
            return invalid("register=false needs a keypath: a key that is kept nowhere opens nothing");
    }
    return parameters;
}

}  // namespace keyprovider
