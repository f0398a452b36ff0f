// SPDX-License-Identifier: Apache-2.0
#include "ocicrypt/keyprovider_protocol.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "base/encoding.h"
#include "base/json.h"

namespace ocicrypt {

namespace {

using base::ErrorCode;
using base::Fail;
using base::Result;
using base::SecretBytes;
using base::Status;
namespace json = base::json;

// Real requests nest five deep; whatever nests deeper was not written by ocicrypt.
constexpr std::size_t max_depth = 32;

// The parameter names of ocicrypt's own schemes share one map with the names of key providers (ocicrypt.md §3.0).
constexpr std::array<std::string_view, 11> scheme_parameters = {
    "pubkeys",       "x509s",    "gpg-pubkeyringfile", "gpg-recipients",  "pkcs11-pubkeys",           "pkcs11-yamls",
    "pkcs11-config", "privkeys", "privkeys-passwords", "gpg-privatekeys", "gpg-privatekeys-passwords"};

Fail wrong_type(std::string_view name, std::string_view wanted, const json::Value& value) {
    return Fail(ErrorCode::input_invalid,
                std::string(name).append(" is not ").append(wanted).append(" but ").append(value.type_name()));
}

// The member of an object, where a missing object, a missing member and null are all the same: absent.
const json::Value* member(const json::Object* object, std::string_view name) {
    if (object == nullptr) return nullptr;
    const json::Value* value = object->find_ignoring_case(name);
    return value == nullptr || value->is_null() ? nullptr : value;
}

Result<const json::Object*> object_member(const json::Object* parent, std::string_view name) {
    const json::Value* value = member(parent, name);
    if (value == nullptr) return nullptr;
    if (value->as_object() == nullptr) return wrong_type(name, "an object", *value);
    return value->as_object();
}

Result<SecretBytes> integers_to_bytes(const json::Array& integers, std::string_view name) {
    SecretBytes bytes(integers.size());
    auto out = bytes.mutable_view().begin();
    for (const json::Value& integer : integers) {
        const std::int64_t* value = integer.as_int();
        if (value == nullptr || *value < 0 || *value > 255)
            return Fail(ErrorCode::input_invalid, std::string(name) + " holds an element that is not a byte");
        *out++ = static_cast<std::uint8_t>(*value);
    }
    return bytes;
}

// A byte string in any of the forms that callers write. Absent and empty are equal, as they are to Go.
Result<SecretBytes> bytes_member(const json::Object* parent, std::string_view name, std::size_t max_bytes) {
    const json::Value* value = member(parent, name);
    SecretBytes bytes;
    if (value == nullptr) return bytes;
    if (const json::Array* integers = value->as_array()) {
        TRY_ASSIGN(bytes, integers_to_bytes(*integers, name));
    } else if (const base::WipingString* text = value->as_string()) {
        // '{' is no character of base64, so the two forms cannot be confused (coco-guest.md §0.10).
        if (text->starts_with('{')) {
            bytes = SecretBytes::copy_of(std::string_view(*text));
        } else {
            auto decoded = base::base64_decode_lenient_secret(*text);
            if (!decoded) return Fail(ErrorCode::input_invalid, std::string(name) + " is not base64");
            bytes = std::move(*decoded);
        }
    } else {
        return wrong_type(name, "a byte string", *value);
    }
    if (bytes.size() > max_bytes)
        return Fail(ErrorCode::input_too_large, std::string(name) + " holds " + std::to_string(bytes.size()) +
                                                    " bytes, at most " + std::to_string(max_bytes) + " are allowed");
    return bytes;
}

Result<ProviderParameters> parse_provider(std::string_view name, const json::Value& value) {
    ProviderParameters parameters{std::string(name), {}};
    if (value.is_null()) return parameters;
    if (value.as_array() == nullptr) return wrong_type("a recipient's parameter list", "an array", value);
    for (const json::Value& element : *value.as_array()) {
        if (element.is_null()) continue;  // Go writes a nil byte string so
        if (element.as_string() == nullptr) return wrong_type("a recipient's parameter", "a string", element);
        auto text = base::base64_decode_lenient(*element.as_string());
        if (!text) return Fail(ErrorCode::input_invalid, "a recipient's parameter is not base64");
        parameters.values.push_back(base::to_string(*text));
    }
    return parameters;
}

Result<KeyProviderRequest> parse_wrap(const json::Object& request) {
    TRY_ASSIGN(const json::Object* params, object_member(&request, "keywrapparams"));
    TRY_ASSIGN(const json::Object* encrypt_config, object_member(params, "ec"));
    TRY_ASSIGN(const json::Object* recipients, object_member(encrypt_config, "Parameters"));
    KeyWrapRequest wrap;
    if (recipients != nullptr) {
        for (const auto& [name, value] : *recipients) {
            if (std::ranges::find(scheme_parameters, std::string_view(name)) != scheme_parameters.end()) continue;
            TRY_ASSIGN(ProviderParameters provider, parse_provider(name, value));
            wrap.providers.push_back(std::move(provider));
        }
    }
    TRY_ASSIGN(wrap.layer_options, bytes_member(params, "optsdata", max_layer_options));
    if (wrap.layer_options.empty()) return Fail(ErrorCode::input_invalid, "keywrapparams.optsdata is missing or empty");
    TRY(check_layer_options(wrap.layer_options.view()));
    return wrap;
}

Result<KeyProviderRequest> parse_unwrap(const json::Object& request) {
    TRY_ASSIGN(const json::Object* params, object_member(&request, "keyunwrapparams"));
    TRY_ASSIGN(const SecretBytes annotation, bytes_member(params, "annotation", max_annotation));
    if (annotation.empty()) return Fail(ErrorCode::input_invalid, "keyunwrapparams.annotation is missing or empty");
    return KeyUnwrapRequest{base::to_bytes(annotation.view())};
}

base::WipingString serialize_answer(std::string_view result, std::string_view member_name, base::ByteView bytes) {
    base::WipingString out;
    // Reserved whole, so that growing leaves no copy of the secret behind: a byte takes at most "255,".
    out.reserve(bytes.size() * 4 + result.size() + member_name.size() + 16);
    out.append("{\"").append(result).append("\":{\"").append(member_name).append("\":[");
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        if (i != 0) out.push_back(',');
        const unsigned value = bytes[i];
        if (value >= 100) out.push_back(static_cast<char>('0' + value / 100));
        if (value >= 10) out.push_back(static_cast<char>('0' + value / 10 % 10));
        out.push_back(static_cast<char>('0' + value % 10));
    }
    out.append("]}}");
    return out;
}

}  // namespace

base::Status check_layer_options(base::ByteView options) {
    const auto value = json::parse(
        base::as_text(options),
        {.max_bytes = max_layer_options, .max_depth = max_depth, .duplicates = json::Duplicates::last_wins});
    // The parser's own message is dropped: it could quote a piece of the secret.
    if (!value || value->as_object() == nullptr) return Fail(ErrorCode::input_invalid, "optsdata is not a JSON object");
    return {};
}

base::Result<KeyProviderRequest> parse_keyprovider_request(base::ByteView text) {
    TRY_ASSIGN(const json::Value request,
               json::parse(base::as_text(text), {.max_bytes = max_keyprovider_message, .max_depth = max_depth}));
    if (request.as_object() == nullptr) return wrong_type("the request", "an object", request);
    const json::Value* op = member(request.as_object(), "op");
    if (op == nullptr) return Fail(ErrorCode::input_invalid, "op is missing");
    if (op->as_string() == nullptr) return wrong_type("op", "a string", *op);
    if (*op->as_string() == "keywrap") return parse_wrap(*request.as_object());
    if (*op->as_string() == "keyunwrap") return parse_unwrap(*request.as_object());
    return Fail(ErrorCode::input_invalid, "op is neither \"keywrap\" nor \"keyunwrap\"");
}

base::WipingString serialize_keywrap_answer(base::ByteView annotation) {
    return serialize_answer("keywrapresults", "annotation", annotation);
}

base::WipingString serialize_keyunwrap_answer(base::ByteView layer_options) {
    return serialize_answer("keyunwrapresults", "optsdata", layer_options);
}

}  // namespace ocicrypt
