// SPDX-License-Identifier: Apache-2.0
#include "kbs_protocol/unwrap.h"

#include <utility>

#include <fmt/format.h>

#include "base/encoding.h"
#include "kbs_protocol/messages.h"
#include "kbs_protocol/packet.h"

namespace kbs_protocol {
namespace {

using base::Error;
using base::ErrorCode;
using base::Fail;
using base::Result;
using base::SecretBytes;
using base::json::Array;
using base::json::Object;
using base::json::Value;

Result<Value> parse_message(std::string_view text) {
    return base::json::parse(text, {.max_bytes = max_message_bytes});
}

/// A list of 1 to `max_unwrap_packets` entries.
Result<const Array*> list_at(const Value& message, std::string_view name) {
    TRY_ASSIGN(const Array* list, message.array_at(name));
    if (list->empty()) return Fail(ErrorCode::json_invalid, fmt::format("member \"{}\" is empty", name));
    if (list->size() > max_unwrap_packets) {
        return Fail(ErrorCode::input_too_large, fmt::format("member \"{}\" has {} entries; {} are allowed", name,
                                                            list->size(), max_unwrap_packets));
    }
    return list;
}

Result<SecretBytes> decode_entry(const Value& entry, std::string_view name, std::size_t index, std::size_t limit) {
    const std::string where = fmt::format("{}[{}]", name, index);
    const base::WipingString* text = entry.as_string();
    if (text == nullptr) return Fail(ErrorCode::json_invalid, where + " is not a string");
    auto bytes = base::base64_decode_secret(*text);
    if (!bytes) return Fail(bytes.error().within(where));
    if (bytes->size() > limit) {
        return Fail(ErrorCode::input_too_large,
                    fmt::format("{} has {} bytes; {} are allowed", where, bytes->size(), limit));
    }
    return bytes;
}

Result<std::vector<std::string>> packets_of(const Value& message) {
    TRY_ASSIGN(const Array* list, list_at(message, "packets"));
    std::vector<std::string> packets;
    packets.reserve(list->size());
    for (const Value& entry : *list) {
        TRY_ASSIGN(const SecretBytes packet, decode_entry(entry, "packets", packets.size(), max_packet_bytes));
        packets.emplace_back(packet.text());
    }
    return packets;
}

std::string serialize_packets(const std::vector<std::string>& packets) {
    Array list;
    list.reserve(packets.size());
    for (const std::string& packet : packets) list.emplace_back(base::base64_encode(base::as_bytes(packet)));
    return base::json::serialize_public(Object{{"packets", std::move(list)}});
}

Error item_error(std::string_view code, std::string_view detail) {
    if (const auto known = base::error_code_from_name(code)) return Error(*known, base::printable_line(detail));
    return Error(ErrorCode::kbs_refused, base::printable_line(fmt::format("{}: {}", code, detail)));
}

Result<ResourceId> key_id_of(const Value& message) {
    TRY_ASSIGN(const std::string_view kid, message.string_at("kid"));
    auto id = ResourceId::parse(kid);
    if (!id) return Fail(id.error().as(ErrorCode::json_invalid));
    return id;
}

}  // namespace

Result<UnwrapRequest> parse_unwrap_request(std::string_view text) {
    TRY_ASSIGN(const Value message, parse_message(text));
    TRY_ASSIGN(std::vector<std::string> packets, packets_of(message));
    return UnwrapRequest{std::move(packets)};
}

std::string serialize(const UnwrapRequest& request) {
    return serialize_packets(request.packets);
}

Result<UnwrapResponse> parse_unwrap_response(std::string_view text) {
    TRY_ASSIGN(const Value message, parse_message(text));
    TRY_ASSIGN(const Array* list, list_at(message, "results"));
    UnwrapResponse response;
    response.results.reserve(list->size());
    for (const Value& item : *list) {
        if (const Value* error = item.find("error")) {
            TRY_ASSIGN(const std::string_view code, error->string_at("code"));
            TRY_ASSIGN(const std::string_view detail, error->string_at("detail"));
            response.results.emplace_back(Fail(item_error(code, detail)));
            continue;
        }
        TRY_ASSIGN(const Value* plaintext, item.value_at("plaintext"));
        TRY_ASSIGN(SecretBytes bytes,
                   decode_entry(*plaintext, "plaintext of results", response.results.size(), max_packet_bytes));
        response.results.emplace_back(std::move(bytes));
    }
    return response;
}

base::WipingString serialize(const UnwrapResponse& response) {
    Array results;
    results.reserve(response.results.size());
    for (const auto& result : response.results) {
        if (result) {
            results.emplace_back(Object{{"plaintext", base::base64_encode_secret(result->view())}});
        } else {
            const Error& error = result.error();
            results.emplace_back(Object{{"error", Object{{"code", error.name()}, {"detail", error.detail()}}}});
        }
    }
    return base::json::serialize(Object{{"results", std::move(results)}});
}

Result<WrapRequest> parse_wrap_request(std::string_view text) {
    TRY_ASSIGN(const Value message, parse_message(text));
    TRY_ASSIGN(ResourceId key_id, key_id_of(message));
    TRY_ASSIGN(const Array* list, list_at(message, "plaintexts"));
    WrapRequest request{std::move(key_id), {}};
    request.plaintexts.reserve(list->size());
    for (const Value& entry : *list) {
        TRY_ASSIGN(SecretBytes plaintext,
                   decode_entry(entry, "plaintexts", request.plaintexts.size(), max_packet_plaintext_bytes));
        request.plaintexts.push_back(std::move(plaintext));
    }
    return request;
}

base::WipingString serialize(const WrapRequest& request) {
    Array plaintexts;
    plaintexts.reserve(request.plaintexts.size());
    for (const SecretBytes& plaintext : request.plaintexts) {
        plaintexts.emplace_back(base::base64_encode_secret(plaintext.view()));
    }
    return base::json::serialize(Object{{"kid", request.key_id.uri()}, {"plaintexts", std::move(plaintexts)}});
}

Result<WrapResponse> parse_wrap_response(std::string_view text) {
    TRY_ASSIGN(const Value message, parse_message(text));
    TRY_ASSIGN(std::vector<std::string> packets, packets_of(message));
    return WrapResponse{std::move(packets)};
}

std::string serialize(const WrapResponse& response) {
    return serialize_packets(response.packets);
}

std::string_view key_usage_name(KeyUsage usage) {
    return usage == KeyUsage::exportable ? "exportable" : "unwrap-only";
}

Result<KeyUsage> key_usage_from_name(std::string_view name) {
    if (name == "unwrap-only") return KeyUsage::unwrap_only;
    if (name == "exportable") return KeyUsage::exportable;
    return Fail(ErrorCode::parameter_invalid,
                fmt::format("the usage \"{}\" is neither unwrap-only nor exportable", base::printable_line(name, 40)));
}

Result<KeyMetadata> parse_key_metadata(std::string_view text) {
    TRY_ASSIGN(const Value message, parse_message(text));
    TRY_ASSIGN(ResourceId key_id, key_id_of(message));
    TRY_ASSIGN(const std::string_view usage_name, message.string_at("usage"));
    const auto usage = key_usage_from_name(usage_name);
    if (!usage) return Fail(usage.error().as(ErrorCode::json_invalid));
    std::string policy;
    if (const Value* member = message.find("policy"); member != nullptr && !member->is_null()) {
        TRY_ASSIGN(policy, message.string_at("policy"));
    }
    TRY_ASSIGN(const std::string_view check_value, message.string_at("kcv"));
    TRY_ASSIGN(const std::int64_t version, message.int_at("version"));
    TRY_ASSIGN(const std::string_view created, message.string_at("created"));
    return KeyMetadata{std::move(key_id),        *usage,  std::move(policy),
                       std::string(check_value), version, std::string(created)};
}

std::string serialize(const KeyMetadata& metadata) {
    return base::json::serialize_public(Object{
        {"kid", metadata.key_id.uri()},
        {"usage", key_usage_name(metadata.usage)},
        {"policy", metadata.policy.empty() ? Value() : Value(metadata.policy)},
        {"kcv", metadata.key_check_value},
        {"version", metadata.version},
        {"created", metadata.created},
    });
}

}  // namespace kbs_protocol
