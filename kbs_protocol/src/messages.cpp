// SPDX-License-Identifier: Apache-2.0
#include "kbs_protocol/messages.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace kbs_protocol {
namespace {

using base::ErrorCode;
using base::Fail;
using base::Result;
using base::Status;
using base::json::Object;
using base::json::Value;

constexpr std::string_view error_type_prefix = "https://github.com/confidential-containers/kbs/errors/";

Result<Value> parse_message(std::string_view text) {
    return base::json::parse(text, {.max_bytes = max_message_bytes});
}

/// A string that may be left out, but not be something else.
Result<std::string> optional_string_at(const Value& message, std::string_view name) {
    const Value* value = message.find(name);
    if (value == nullptr || value->is_null()) return std::string();
    TRY_ASSIGN(const std::string_view text, message.string_at(name));
    return std::string(text);
}

}  // namespace

Result<Request> parse_request(std::string_view text) {
    TRY_ASSIGN(const Value message, parse_message(text));
    TRY_ASSIGN(const std::string_view version, message.string_at("version"));
    TRY_ASSIGN(const std::string_view tee, message.string_at("tee"));
    TRY_ASSIGN(const Value* extra_params, message.value_at("extra-params"));
    return Request{std::string(version), std::string(tee), *extra_params};
}

std::string serialize(const Request& request) {
    return base::json::serialize_public(Object{
        {"version", request.version},
        {"tee", request.tee},
        {"extra-params", request.extra_params},
    });
}

Request guest_request(std::string_view tee) {
    return {std::string(protocol_version), std::string(tee),
            Object{{"supported-hash-algorithms", base::json::Array{"sha256", "sha384", "sha512", "sm3"}}}};
}

Status check_version(const Request& request) {
    if (request.version == protocol_version) return {};
    return Fail(ErrorCode::kbs_version,
                fmt::format("KBS Client Protocol Version Mismatch: expect ={} while the request is {}",
                            protocol_version, base::printable_line(request.version, 40)));
}

Result<Challenge> parse_challenge(std::string_view text) {
    TRY_ASSIGN(const Value message, parse_message(text));
    TRY_ASSIGN(const std::string_view nonce, message.string_at("nonce"));
    const Value* extra_params = message.find("extra-params");
    return Challenge{std::string(nonce), extra_params == nullptr ? Value() : *extra_params};
}

std::string serialize(const Challenge& challenge) {
    return base::json::serialize_public(Object{{"nonce", challenge.nonce}, {"extra-params", challenge.extra_params}});
}

Result<crypto::HashAlgorithm> selected_hash(const Challenge& challenge) {
    // Trustee sends "" where it has nothing to say, so what is no object selects nothing.
    const Value* selected = challenge.extra_params.find("selected-hash-algorithm");
    if (selected == nullptr) return crypto::HashAlgorithm::sha384;
    if (selected->as_string() == nullptr) {
        return Fail(ErrorCode::kbs_protocol,
                    fmt::format("selected-hash-algorithm is a JSON {}, not a string", selected->type_name()));
    }
    std::string name(*selected->as_string());
    std::ranges::transform(name, name.begin(),
                           [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    if (name == "sha256") return crypto::HashAlgorithm::sha256;
    if (name == "sha384") return crypto::HashAlgorithm::sha384;
    if (name == "sha512") return crypto::HashAlgorithm::sha512;
    return Fail(ErrorCode::kbs_protocol,
                fmt::format("the key broker selected the hash algorithm \"{}\"", base::printable_line(name, 40)));
}

Result<Attestation> parse_attestation(std::string_view text) {
    TRY_ASSIGN(const Value message, parse_message(text));
    Attestation attestation;
    if (const Value* init_data = message.find("init-data"); init_data != nullptr && !init_data->is_null()) {
        TRY_ASSIGN(const std::string_view format, init_data->string_at("format"));
        TRY_ASSIGN(const std::string_view body, init_data->string_at("body"));
        attestation.init_data = InitData{std::string(format), std::string(body)};
    }
    TRY_ASSIGN(const Value* runtime_data, message.value_at("runtime-data"));
    TRY_ASSIGN(const std::string_view nonce, runtime_data->string_at("nonce"));
    TRY_ASSIGN(const Value* tee_pubkey, runtime_data->value_at("tee-pubkey"));
    TRY_ASSIGN(const Value* evidence, message.value_at("tee-evidence"));
    TRY_ASSIGN(const Value* primary, evidence->value_at("primary_evidence"));
    TRY_ASSIGN(const std::string_view additional, evidence->string_at("additional_evidence"));
    attestation.nonce = nonce;
    attestation.tee_pubkey = *tee_pubkey;
    attestation.primary_evidence = *primary;
    attestation.additional_evidence = additional;
    return attestation;
}

std::string serialize(const Attestation& attestation) {
    Value init_data;
    if (attestation.init_data) {
        init_data = Object{{"format", attestation.init_data->format}, {"body", attestation.init_data->body}};
    }
    return base::json::serialize_public(Object{
        {"init-data", std::move(init_data)},
        {"runtime-data", Object{{"nonce", attestation.nonce}, {"tee-pubkey", attestation.tee_pubkey}}},
        {"tee-evidence", Object{{"primary_evidence", attestation.primary_evidence},
                                {"additional_evidence", attestation.additional_evidence}}},
    });
}

Result<std::string> parse_token_response(std::string_view text) {
    TRY_ASSIGN(const Value message, parse_message(text));
    TRY_ASSIGN(const std::string_view token, message.string_at("token"));
    return std::string(token);
}

std::string serialize_token_response(std::string_view token) {
    return base::json::serialize_public(Object{{"token", token}});
}

Result<ErrorBody> parse_error_body(std::string_view text) {
    TRY_ASSIGN(const Value message, parse_message(text));
    TRY_ASSIGN(std::string_view type, message.string_at("type"));
    TRY_ASSIGN(const std::string_view detail, message.string_at("detail"));
    if (type.starts_with(error_type_prefix)) type.remove_prefix(error_type_prefix.size());
    ErrorBody error;
    error.variant = type;
    error.detail = detail;
    TRY_ASSIGN(error.code, optional_string_at(message, "code"));
    TRY_ASSIGN(error.hint, optional_string_at(message, "hint"));
    TRY_ASSIGN(error.request_id, optional_string_at(message, "request_id"));
    return error;
}

std::string serialize(const ErrorBody& error) {
    Object body{{"type", std::string(error_type_prefix) + error.variant}, {"detail", error.detail}};
    if (!error.code.empty()) body.set("code", error.code);
    if (!error.hint.empty()) body.set("hint", error.hint);
    if (!error.request_id.empty()) body.set("request_id", error.request_id);
    return base::json::serialize_public(std::move(body));
}

}  // namespace kbs_protocol
