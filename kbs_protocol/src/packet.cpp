// SPDX-License-Identifier: Apache-2.0
#include "kbs_protocol/packet.h"

#include <utility>

#include <fmt/format.h>

#include "base/encoding.h"
#include "base/json.h"
#include "crypto/aead.h"
#include "crypto/random.h"
#include "kbs_protocol/kek.h"

namespace kbs_protocol {
namespace {

using base::Error;
using base::ErrorCode;
using base::Fail;
using base::Result;
using base::Status;
using base::json::Object;
using base::json::Value;

constexpr std::size_t ctr_iv_size = 16;
constexpr std::string_view supported_version = "0.1.0";

Fail invalid(std::string detail) {
    return Fail(ErrorCode::packet_invalid, std::move(detail));
}

Fail invalid(const Error& error) {
    return invalid(error.detail());
}

/// [clouds §1.4, §5.3, coco-guest §2.2] Packets of other key providers carry the same annotation or look alike; say
/// whose they are instead of that a member is missing.
Status refuse_foreign(const Value& packet) {
    const Value* wrap_type = packet.find("wrap_type");
    const bool rsa = wrap_type != nullptr && wrap_type->as_string() != nullptr &&
                     std::string_view(*wrap_type->as_string()).starts_with("rsa_");
    if (rsa || packet.find("kms_endpoint") != nullptr || packet.find("attester_endpoint") != nullptr) {
        return Fail(ErrorCode::packet_foreign, "it was written by Azure's AASP (secure key release) key provider");
    }
    if (packet.find("key_url") != nullptr && packet.find("wrapped_key") != nullptr) {
        return Fail(ErrorCode::packet_foreign, "it was written by the key provider for Google Cloud KMS (kmscrypt)");
    }
    const Value* provider = packet.find("provider");
    if (provider == nullptr) return {};
    if (provider->as_string() == nullptr) return invalid("member \"provider\" is not a string");
    const std::string_view name = *provider->as_string();
    if (name == "kbs") return {};
    return Fail(ErrorCode::packet_foreign, fmt::format("its key is held by the key management service \"{}\" of CoCo's "
                                                       "confidential data hub",
                                                       base::printable_line(name, 40)));
}

/// What V2 adds to V1. Its members may be left out but not be null.
Status check_v2_members(const Value& packet) {
    if (packet.find("version") != nullptr) {
        const auto version = packet.string_at("version");
        if (!version) return invalid(version.error());
        if (*version != supported_version) {
            return invalid(fmt::format("it has version \"{}\"; \"{}\" is supported", base::printable_line(*version, 40),
                                       supported_version));
        }
    }
    for (const std::string_view name : {"provider_settings", "annotations"}) {
        if (packet.find(name) == nullptr) continue;
        if (const auto object = packet.object_at(name); !object) return invalid(object.error());
    }
    return {};
}

Result<base::Bytes> bytes_at(const Value& packet, std::string_view name) {
    const auto text = packet.string_at(name);
    if (!text) return invalid(text.error());
    auto bytes = base::base64_decode(*text);
    if (!bytes) return invalid(fmt::format("member \"{}\" is not canonical base64", name));
    return bytes;
}

Result<WrapType> wrap_type_of(const Value& packet) {
    const auto name = packet.string_at("wrap_type");
    if (!name) return invalid(name.error());
    if (*name == "A256GCM") return WrapType::a256gcm;
    if (*name == "A256CTR") return WrapType::a256ctr;
    return invalid(fmt::format("it has the unknown wrap_type \"{}\"", base::printable_line(*name, 40)));
}

std::string_view wrap_type_name(WrapType type) {
    return type == WrapType::a256gcm ? "A256GCM" : "A256CTR";
}

Status check_kek(base::ByteView kek) {
    if (kek.size() == kek_size) return {};
    return Fail(ErrorCode::key_invalid, fmt::format("it has {} bytes", kek.size()));
}

}  // namespace

Result<AnnotationPacket> parse_packet(std::string_view text) {
    const auto json = base::json::parse(text, {.max_bytes = max_packet_bytes});
    if (!json) return invalid(json.error().message());
    const Value& packet = *json;
    if (packet.as_object() == nullptr)
        return invalid(fmt::format("it is a JSON {}, not an object", packet.type_name()));
    TRY(refuse_foreign(packet));
    TRY(check_v2_members(packet));

    const auto kid = packet.string_at("kid");
    if (!kid) return invalid(kid.error());
    auto key_id = ResourceId::parse(*kid);
    if (!key_id) return invalid(key_id.error());
    TRY_ASSIGN(const WrapType wrap_type, wrap_type_of(packet));
    TRY_ASSIGN(base::Bytes iv, bytes_at(packet, "iv"));
    TRY_ASSIGN(base::Bytes wrapped_data, bytes_at(packet, "wrapped_data"));

    const bool gcm = wrap_type == WrapType::a256gcm;
    const std::size_t iv_size = gcm ? crypto::gcm_nonce_size : ctr_iv_size;
    if (iv.size() != iv_size) {
        return invalid(fmt::format("its iv has {} bytes; {} needs {}", iv.size(), wrap_type_name(wrap_type), iv_size));
    }
    if (gcm && wrapped_data.size() < crypto::gcm_tag_size) return invalid("its wrapped_data is shorter than a tag");
    return AnnotationPacket{std::move(*key_id), std::move(wrapped_data), std::move(iv), wrap_type};
}

std::string serialize_packet(const AnnotationPacket& packet) {
    return base::json::serialize_public(Object{
        {"kid", packet.key_id.uri()},
        {"wrapped_data", base::base64_encode(packet.wrapped_data)},
        {"iv", base::base64_encode(packet.iv)},
        {"wrap_type", wrap_type_name(packet.wrap_type)},
    });
}

Result<AnnotationPacket> seal_packet(const ResourceId& key_id, base::ByteView kek, base::ByteView plaintext) {
    TRY(check_kek(kek));
    if (plaintext.size() > max_packet_plaintext_bytes) {
        return Fail(ErrorCode::input_too_large, fmt::format("{} bytes do not fit an annotation packet; at most {} do",
                                                            plaintext.size(), max_packet_plaintext_bytes));
    }
    base::Bytes nonce = crypto::random_bytes(crypto::gcm_nonce_size);
    TRY_ASSIGN(base::Bytes wrapped, crypto::aes256gcm_seal(kek, nonce, {}, plaintext));
    return AnnotationPacket{key_id, std::move(wrapped), std::move(nonce), WrapType::a256gcm};
}

Result<base::SecretBytes> open_packet(const AnnotationPacket& packet, base::ByteView kek, LegacyCtr ctr) {
    if (packet.wrap_type == WrapType::a256ctr && ctr == LegacyCtr::refuse) {
        return Fail(ErrorCode::packet_unauthenticated);
    }
    TRY(check_kek(kek));
    if (packet.wrap_type == WrapType::a256ctr) return crypto::insecure_aes256ctr(kek, packet.iv, packet.wrapped_data);
    return crypto::aes256gcm_open(kek, packet.iv, {}, packet.wrapped_data);
}

}  // namespace kbs_protocol
