// SPDX-License-Identifier: Apache-2.0
#include "kbs/session.h"

#include <array>

#include "base/byte_reader.h"
#include "base/byte_writer.h"
#include "base/encoding.h"
#include "crypto/aead.h"
#include "crypto/mac.h"
#include "deflate.h"

namespace kbs {

using base::Bytes;
using base::ByteView;
using base::ErrorCode;
using base::Fail;
using base::Result;
using base::TimePoint;
namespace json = base::json;

namespace {

constexpr std::uint8_t format = 1;
constexpr std::size_t salt_size = 16;
/// Room for the claims of every TEE we know, and far from what a header may hold.
constexpr std::size_t max_payload = 64 * 1024;

Fail invalid() {
    return Fail(ErrorCode::session_invalid);
}

}  // namespace

std::string AttestedNode::name() const {
    const json::Value* claims = evidence.find(tee);
    const json::Value* name = claims == nullptr ? nullptr : claims->find("ak_name");
    const auto* text = name == nullptr ? nullptr : name->as_string();
    return text == nullptr ? tee : std::string(*text);
}

Result<const json::Value*> AttestedNode::tee_key() const {
    const json::Value* runtime_data = evidence.find("runtime_data_claims");
    const json::Value* key = runtime_data == nullptr ? nullptr : runtime_data->find("tee-pubkey");
    if (key == nullptr) return Fail(ErrorCode::session_invalid, "the session holds no TEE key");
    return key;
}

json::Value AttestedNode::policy_input() const {
    json::Object input{{"tee", json::Value(tee)}};
    for (const std::string_view member :
         {std::string_view(tee), std::string_view("report_data"), std::string_view("init_data")})
        if (const json::Value* value = evidence.find(member)) input.set(member, *value);
    return input;
}

Result<Sealer> Sealer::create(ByteView key, Random random) {
    if (key.size() != crypto::aes256_key_size)
        return Fail(ErrorCode::key_file_invalid, "the sealing key is not 32 bytes");
    return Sealer(base::SecretBytes::copy_of(key), std::move(random));
}

base::SecretBytes Sealer::key_for(ByteView salt) const {
    base::ByteWriter info;
    info.bytes(base::as_bytes("ocicrypt-kbs session v1"));
    info.bytes(salt);
    auto key = crypto::hmac_sha256(key_.view(), info.view());
    auto secret = base::SecretBytes::copy_of(ByteView(key));
    base::wipe(key.data(), key.size());
    return secret;
}

Result<std::string> Sealer::seal(Kind kind, TimePoint expires, const json::Value& payload) const {
    base::ByteWriter blob;
    blob.u8(format);
    blob.u8(static_cast<std::uint8_t>(kind));
    blob.be64(static_cast<std::uint64_t>(expires.time_since_epoch().count()));
    const Bytes header = blob.view();
    std::array<std::uint8_t, salt_size> salt;
    std::array<std::uint8_t, crypto::gcm_nonce_size> nonce;
    random_(salt);
    random_(nonce);
    const Bytes packed = deflate(base::as_bytes(json::serialize_public(payload)));
    TRY_ASSIGN(const Bytes box, crypto::aes256gcm_seal(key_for(salt).view(), nonce, header, packed));
    blob.bytes(salt);
    blob.bytes(nonce);
    blob.bytes(box);
    return base::base64url_encode(blob.view());
}

Result<Sealer::Opened> Sealer::open(Kind kind, std::string_view text, TimePoint now) const {
    const auto blob = base::base64url_decode(text);
    if (!blob) return invalid();
    base::ByteReader reader(*blob, "session", ErrorCode::session_invalid);
    TRY_ASSIGN(const std::uint8_t blob_format, reader.u8());
    TRY_ASSIGN(const std::uint8_t blob_kind, reader.u8());
    TRY_ASSIGN(const std::uint64_t expiry, reader.be64());
    const ByteView header = ByteView(*blob).first(reader.position());
    TRY_ASSIGN(const ByteView salt, reader.bytes(salt_size));
    TRY_ASSIGN(const ByteView nonce, reader.bytes(crypto::gcm_nonce_size));
    if (blob_format != format || blob_kind != static_cast<std::uint8_t>(kind)) return invalid();

    const auto packed = crypto::aes256gcm_open(key_for(salt).view(), nonce, header, reader.rest());
    if (!packed) return invalid();
    // Only now is the expiry ours and not whatever the client wrote there.
    const TimePoint expires{std::chrono::seconds(static_cast<std::int64_t>(expiry))};
    if (now >= expires) return Fail(ErrorCode::session_expired);
    const auto payload = inflate(packed->view(), max_payload);
    if (!payload) return invalid();
    auto value = json::parse(base::as_text(*payload), {.max_bytes = max_payload});
    if (!value) return invalid();
    return Opened{std::move(*value), expires};
}

Result<std::string> Sealer::seal(const Challenge& challenge) const {
    return seal(Kind::challenge, challenge.expires,
                json::Object{{"nonce", json::Value(challenge.nonce)}, {"tee", json::Value(challenge.tee)}});
}

Result<std::string> Sealer::seal(const AttestedNode& node, TimePoint expires) const {
    return seal(Kind::session, expires, json::Object{{"tee", json::Value(node.tee)}, {"evidence", node.evidence}});
}

Result<Challenge> Sealer::open_challenge(std::string_view blob, TimePoint now) const {
    TRY_ASSIGN(const Opened opened, open(Kind::challenge, blob, now));
    const auto nonce = opened.payload.string_at("nonce");
    const auto tee = opened.payload.string_at("tee");
    if (!nonce || !tee) return invalid();
    return Challenge{std::string(*nonce), std::string(*tee), opened.expires};
}

Result<AttestedNode> Sealer::open_session(std::string_view blob, TimePoint now) const {
    TRY_ASSIGN(const Opened opened, open(Kind::session, blob, now));
    const auto tee = opened.payload.string_at("tee");
    const auto evidence = opened.payload.value_at("evidence");
    if (!tee || !evidence) return invalid();
    return AttestedNode{std::string(*tee), **evidence};
}

}  // namespace kbs
