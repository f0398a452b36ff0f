// SPDX-License-Identifier: Apache-2.0
#include "crypto/jose/jwe.h"

#include <fmt/format.h>

#include "../openssl.h"
#include "base/encoding.h"
#include "crypto/aead.h"
#include "crypto/ecdh.h"
#include "crypto/jose/jwk.h"
#include "crypto/kdf.h"
#include "crypto/key_wrap.h"
#include "crypto/random.h"
#include "crypto/rsa.h"

namespace crypto::jose {
namespace {

using base::json::Object;
using base::json::Value;

constexpr std::string_view kEcdh = "ECDH-ES+A256KW";
constexpr std::string_view kOaep = "RSA-OAEP-256";
constexpr std::string_view kContent = "A256GCM";
constexpr std::size_t kMaxHeader = std::size_t{16} * 1024;

base::Fail malformed(std::string_view what) {
    return openssl::bad_input(fmt::format("JWE: {}", what));
}

/// [RFC7518 §4.6] agreed key -> key encryption key; apu and apv are empty in all we exchange.
base::Result<base::SecretBytes> agreed_kek(const PrivateKey& own, const PublicKey& peer, base::ByteView apu,
                                           base::ByteView apv) {
    TRY_ASSIGN(const base::SecretBytes shared, ecdh(own, peer));
    return concat_kdf_sha256(shared.view(), kEcdh, apu, apv, 256);
}

/// [RFC7516 §5.1 step 14]
std::string additional_data(const Jwe& jwe) {
    return jwe.aad ? jwe.protected_header + '.' + *jwe.aad : jwe.protected_header;
}

base::Result<base::Bytes> binary(const Value& json, std::string_view name) {
    auto text = json.string_at(name);
    if (!text) return malformed(text.error().detail());
    auto bytes = base::base64url_decode(*text);
    if (!bytes) return malformed(fmt::format("member \"{}\" is not canonical base64url", name));
    return std::move(*bytes);
}

/// An optional base64url header member of key agreement.
base::Result<base::Bytes> party(const Value& header, std::string_view name) {
    if (header.find(name) == nullptr) return base::Bytes();
    return binary(header, name);
}

base::Result<Value> checked_header(const Jwe& jwe, std::string_view algorithm) {
    if (jwe.protected_header.size() > kMaxHeader) return malformed("the header is too long");
    const auto text = base::base64url_decode(jwe.protected_header);
    if (!text) return malformed("the header is not canonical base64url");
    auto header = base::json::parse(base::as_text(*text), {.max_bytes = kMaxHeader, .max_depth = 16});
    if (!header || header->as_object() == nullptr) return malformed("the header is not a JSON object");
    // [RFC7516 §4.1.13, §4.1.3] nothing critical is understood, and compression leaks lengths.
    if (header->find("crit") != nullptr) return malformed("the header asks for an extension");
    if (header->find("zip") != nullptr) return malformed("compressed content is refused");
    const auto alg = header->string_at("alg");
    if (!alg || *alg != algorithm) return malformed(fmt::format("the header's alg is not {}", algorithm));
    const auto enc = header->string_at("enc");
    if (!enc || *enc != kContent) return malformed("the header's enc is not A256GCM");
    return std::move(*header);
}

base::Result<base::SecretBytes> content_key(const Jwe& jwe, const Value& header, const PrivateKey& key) {
    if (key.type() == KeyType::rsa) return rsa_oaep_sha256_decrypt(key, jwe.encrypted_key);
    const Value* epk = header.find("epk");
    if (epk == nullptr) return malformed("the header has no epk");
    TRY_ASSIGN(const PublicKey ephemeral, public_key_from_jwk(*epk));
    if (ephemeral.type() != key.type()) return malformed("epk is on another curve");
    TRY_ASSIGN(const base::Bytes apu, party(header, "apu"));
    TRY_ASSIGN(const base::Bytes apv, party(header, "apv"));
    TRY_ASSIGN(const base::SecretBytes kek, agreed_kek(key, ephemeral, apu, apv));
    return aes256kw_unwrap(kek.view(), jwe.encrypted_key);
}

}  // namespace

base::Result<Jwe> parse_jwe(const Value& json) {
    if (json.as_object() == nullptr) return malformed("not a JSON object");
    for (const char* name : {"recipients", "header", "unprotected"}) {
        if (json.find(name) != nullptr) return malformed(fmt::format("member \"{}\" is refused", name));
    }
    Jwe jwe;
    auto header = json.string_at("protected");
    if (!header) return malformed(header.error().detail());
    jwe.protected_header = *header;
    TRY_ASSIGN(jwe.encrypted_key, binary(json, "encrypted_key"));
    TRY_ASSIGN(jwe.iv, binary(json, "iv"));
    TRY_ASSIGN(jwe.ciphertext, binary(json, "ciphertext"));
    TRY_ASSIGN(jwe.tag, binary(json, "tag"));
    if (jwe.iv.size() != gcm_nonce_size || jwe.tag.size() != gcm_tag_size)
        return malformed("iv or tag of another length");
    if (json.find("aad") != nullptr) {
        TRY(binary(json, "aad"));
        jwe.aad = std::string(*json.string_at("aad"));
    }
    return jwe;
}

Value serialize_jwe(const Jwe& jwe) {
    Object json{{"protected", jwe.protected_header},
                {"encrypted_key", base::base64url_encode(jwe.encrypted_key)},
                {"iv", base::base64url_encode(jwe.iv)},
                {"ciphertext", base::base64url_encode(jwe.ciphertext)},
                {"tag", base::base64url_encode(jwe.tag)}};
    if (jwe.aad) json.set("aad", *jwe.aad);
    return json;
}

base::Result<std::string_view> key_management_algorithm(KeyType type) {
    if (type == KeyType::rsa) return kOaep;
    if (ec_coordinate_size(type) != 0) return kEcdh;
    return openssl::bad_input("an Ed25519 key cannot be encrypted to");
}

base::Result<PublicKey> recipient_from_jwk(const Value& jwk) {
    TRY_ASSIGN(PublicKey key, public_key_from_jwk(jwk));
    TRY_ASSIGN(const std::string_view algorithm, key_management_algorithm(key.type()));
    const auto alg = jwk.string_at("alg");
    if (!alg || *alg != algorithm) return openssl::bad_input(fmt::format("JWK member \"alg\" is not {}", algorithm));
    return key;
}

base::Result<Jwe> encrypt(const PublicKey& recipient, base::ByteView plaintext) {
    JweEntropy entropy{random_secret(aes256_key_size), random_bytes(gcm_nonce_size), std::nullopt};
    if (recipient.type() != KeyType::rsa) {
        TRY_ASSIGN(entropy.ephemeral, PrivateKey::generate(recipient.type()));
    }
    return insecure_encrypt_with_entropy(recipient, plaintext, entropy);
}

base::Result<Jwe> insecure_encrypt_with_entropy(const PublicKey& recipient, base::ByteView plaintext,
                                                const JweEntropy& entropy) {
    TRY_ASSIGN(const std::string_view algorithm, key_management_algorithm(recipient.type()));
    Object header{{"alg", algorithm}, {"enc", kContent}};
    Jwe jwe;
    if (recipient.type() == KeyType::rsa) {
        TRY_ASSIGN(jwe.encrypted_key, rsa_oaep_sha256_encrypt(recipient, entropy.content_key.view()));
    } else {
        if (!entropy.ephemeral) return malformed("an ephemeral key is needed");
        TRY_ASSIGN(const EcPoint point, entropy.ephemeral->public_key().ec_point());
        // kbs-protocol §2.4: guests write the header anew, its epk sorted, and authenticate that.
        header.set("epk", Object{{"crv", key_type_name(recipient.type())},
                                 {"kty", "EC"},
                                 {"x", base::base64url_encode(point.x)},
                                 {"y", base::base64url_encode(point.y)}});
        TRY_ASSIGN(const base::SecretBytes kek, agreed_kek(*entropy.ephemeral, recipient, {}, {}));
        TRY_ASSIGN(jwe.encrypted_key, aes256kw_wrap(kek.view(), entropy.content_key.view()));
    }
    jwe.protected_header = base::base64url_encode(base::as_bytes(base::json::serialize_public(header)));
    jwe.iv = entropy.iv;
    TRY_ASSIGN(const base::Bytes sealed,
               aes256gcm_seal(entropy.content_key.view(), jwe.iv, base::as_bytes(additional_data(jwe)), plaintext));
    jwe.ciphertext.assign(sealed.begin(), sealed.end() - gcm_tag_size);
    jwe.tag.assign(sealed.end() - gcm_tag_size, sealed.end());
    return jwe;
}

base::Result<base::SecretBytes> decrypt(const Jwe& jwe, const PrivateKey& key) {
    TRY_ASSIGN(const std::string_view algorithm, key_management_algorithm(key.type()));
    TRY_ASSIGN(const Value header, checked_header(jwe, algorithm));
    auto unwrapped = content_key(jwe, header, key);
    if (!unwrapped && unwrapped.error().code() != base::ErrorCode::decryption_failed) return unwrapped;
    // [RFC7516 §11.5] a key that does not unwrap is replaced, so that time does not tell which step failed.
    const bool usable = unwrapped && unwrapped->size() == aes256_key_size;
    const base::SecretBytes content = usable ? std::move(*unwrapped) : random_secret(aes256_key_size);
    base::Bytes sealed = jwe.ciphertext;
    sealed.insert(sealed.end(), jwe.tag.begin(), jwe.tag.end());
    return aes256gcm_open(content.view(), jwe.iv, base::as_bytes(additional_data(jwe)), sealed);
}

}  // namespace crypto::jose
