// SPDX-License-Identifier: Apache-2.0
#include "crypto/jose/jwk.h"

#include <fmt/format.h>
#include <openssl/core_names.h>

#include <array>

#include "../key_from_params.h"
#include "../openssl.h"
#include "base/encoding.h"
#include "crypto/digest.h"

namespace crypto::jose {
namespace {

using base::json::Object;
using base::json::Value;

constexpr std::array kPrivateMembers{"d", "p", "q", "dp", "dq", "qi", "oth", "k"};

base::Fail bad_member(std::string_view name, std::string_view why) {
    return openssl::bad_input(fmt::format("JWK member \"{}\" {}", name, why));
}

base::Result<std::string_view> text(const Value& jwk, std::string_view name) {
    auto member = jwk.string_at(name);
    if (!member) return openssl::bad_input("JWK: " + member.error().detail());
    return *member;
}

base::Result<base::Bytes> bytes(const Value& jwk, std::string_view name) {
    TRY_ASSIGN(const std::string_view encoded, text(jwk, name));
    auto decoded = base::base64url_decode(encoded);
    if (!decoded) return bad_member(name, "is not canonical base64url");
    return std::move(*decoded);
}

base::Result<base::SecretBytes> secret_bytes(const Value& jwk, std::string_view name) {
    TRY_ASSIGN(const std::string_view encoded, text(jwk, name));
    auto decoded = base::base64url_decode_secret(encoded);
    if (!decoded) return bad_member(name, "is not canonical base64url");
    return std::move(*decoded);
}

/// [RFC7518 §6.3.1] numbers of RSA have no leading zeros.
base::Result<base::Bytes> rsa_number(const Value& jwk, std::string_view name) {
    TRY_ASSIGN(base::Bytes number, bytes(jwk, name));
    if (number.empty() || number.front() == 0) return bad_member(name, "has leading zeros");
    return number;
}

base::Result<KeyType> curve_type(const Value& jwk) {
    TRY_ASSIGN(const std::string_view curve, text(jwk, "crv"));
    for (const KeyType type : {KeyType::ec_p256, KeyType::ec_p384, KeyType::ec_p521, KeyType::ed25519}) {
        if (curve == key_type_name(type)) return type;
    }
    return bad_member("crv", "names a curve that is not used here");
}

/// The curve's type where kty and crv agree.
base::Result<KeyType> key_type(const Value& jwk) {
    TRY_ASSIGN(const std::string_view kty, text(jwk, "kty"));
    if (kty == "RSA") return KeyType::rsa;
    if (kty != "EC" && kty != "OKP") return bad_member("kty", "names a kind of key that is not used here");
    TRY_ASSIGN(const KeyType type, curve_type(jwk));
    if ((kty == "OKP") != (type == KeyType::ed25519)) return bad_member("crv", "does not belong to this kty");
    return type;
}

base::Result<PublicKey> public_part(const Value& jwk) {
    TRY_ASSIGN(const KeyType type, key_type(jwk));
    if (type == KeyType::rsa) {
        TRY_ASSIGN(const base::Bytes n, rsa_number(jwk, "n"));
        TRY_ASSIGN(const base::Bytes e, rsa_number(jwk, "e"));
        return PublicKey::from_rsa_numbers(n, e);
    }
    TRY_ASSIGN(const base::Bytes x, bytes(jwk, "x"));
    if (type == KeyType::ed25519) return PublicKey::from_ed25519(x);
    TRY_ASSIGN(const base::Bytes y, bytes(jwk, "y"));
    return PublicKey::from_ec_point(type, x, y);
}

/// Members of a public key in [RFC 7638 §3.2] order where `alg` is empty, else with `alg` where Trustee has it.
Object public_members(const PublicKey& key, std::string_view alg) {
    Object jwk;
    const auto add_alg = [&] {
        if (!alg.empty()) jwk.set("alg", alg);
    };
    if (const auto point = key.ec_point()) {
        jwk.set("kty", "EC");
        jwk.set("crv", key_type_name(key.type()));
        add_alg();
        jwk.set("x", base::base64url_encode(point->x));
        jwk.set("y", base::base64url_encode(point->y));
    } else if (const auto numbers = key.rsa_numbers()) {
        jwk.set("kty", "RSA");
        add_alg();
        jwk.set("n", base::base64url_encode(numbers->n));
        jwk.set("e", base::base64url_encode(numbers->e));
    } else {
        jwk.set("kty", "OKP");
        jwk.set("crv", key_type_name(key.type()));
        add_alg();
        jwk.set("x", base::base64url_encode(*key.ed25519()));
    }
    return jwk;
}

base::WipingString private_number(const PrivateKey& key, const char* name, std::size_t width) {
    BIGNUM* raw = nullptr;
    openssl::require(EVP_PKEY_get_bn_param(key.evp(), name, &raw) == 1);
    const openssl::BigNum number(raw);
    base::SecretBytes out(width == 0 ? static_cast<std::size_t>(BN_num_bytes(number.get())) : width);
    openssl::require(BN_bn2binpad(number.get(), out.mutable_view().data(), static_cast<int>(out.size())) >= 0);
    return base::base64url_encode_secret(out.view());
}

}  // namespace

base::Result<PublicKey> public_key_from_jwk(const Value& jwk) {
    for (const char* name : kPrivateMembers) {
        if (jwk.find(name) != nullptr) return bad_member(name, "is private and does not belong into a public key");
    }
    return public_part(jwk);
}

base::Result<PrivateKey> private_key_from_jwk(const Value& jwk) {
    TRY_ASSIGN(const PublicKey public_key, public_part(jwk));
    if (jwk.find("oth") != nullptr) return bad_member("oth", "is not supported");
    TRY_ASSIGN(const base::SecretBytes d, secret_bytes(jwk, "d"));
    if (public_key.type() == KeyType::rsa) {
        TRY_ASSIGN(const RsaPublicNumbers numbers, public_key.rsa_numbers());
        TRY_ASSIGN(const base::SecretBytes p, secret_bytes(jwk, "p"));
        TRY_ASSIGN(const base::SecretBytes q, secret_bytes(jwk, "q"));
        TRY_ASSIGN(const base::SecretBytes dp, secret_bytes(jwk, "dp"));
        TRY_ASSIGN(const base::SecretBytes dq, secret_bytes(jwk, "dq"));
        TRY_ASSIGN(const base::SecretBytes qi, secret_bytes(jwk, "qi"));
        if (d.empty()) return bad_member("d", "is empty");
        TRY_ASSIGN(auto key,
                   key_from_rsa({numbers.n, numbers.e, d.view(), p.view(), q.view(), dp.view(), dq.view(), qi.view()}));
        return PrivateKey::adopt(std::move(key));
    }
    if (public_key.type() == KeyType::ed25519) {
        EVP_PKEY* raw = EVP_PKEY_new_raw_private_key_ex(nullptr, "ED25519", nullptr, d.view().data(), d.size());
        if (raw == nullptr) return bad_member("d", "has another length than its curve");
        std::shared_ptr<EVP_PKEY> key(raw, [](EVP_PKEY* owned) { EVP_PKEY_free(owned); });
        TRY_ASSIGN(PrivateKey result, PrivateKey::adopt(std::move(key)));
        // OpenSSL derives the public half, so what the JWK says of it is still to be compared.
        if (!(result.public_key() == public_key)) return bad_member("x", "does not belong to \"d\"");
        return result;
    }
    if (d.size() != ec_coordinate_size(public_key.type())) return bad_member("d", "has another length than its curve");
    TRY_ASSIGN(const EcPoint point, public_key.ec_point());
    TRY_ASSIGN(auto key, key_from_ec(public_key.type(), point.x, point.y, d.view()));
    return PrivateKey::adopt(std::move(key));
}

Value jwk_from_public_key(const PublicKey& key, std::string_view alg) {
    return public_members(key, alg);
}

Value jwk_from_private_key(const PrivateKey& key, std::string_view alg) {
    Object jwk = public_members(key.public_key(), alg);
    if (key.type() == KeyType::rsa) {
        for (const auto& [member, name] :
             std::initializer_list<std::pair<const char*, const char*>>{{"d", OSSL_PKEY_PARAM_RSA_D},
                                                                        {"p", OSSL_PKEY_PARAM_RSA_FACTOR1},
                                                                        {"q", OSSL_PKEY_PARAM_RSA_FACTOR2},
                                                                        {"dp", OSSL_PKEY_PARAM_RSA_EXPONENT1},
                                                                        {"dq", OSSL_PKEY_PARAM_RSA_EXPONENT2},
                                                                        {"qi", OSSL_PKEY_PARAM_RSA_COEFFICIENT1}}) {
            jwk.set(member, private_number(key, name, 0));
        }
    } else if (key.type() == KeyType::ed25519) {
        base::SecretBytes d(32);
        std::size_t size = d.size();
        openssl::require(EVP_PKEY_get_raw_private_key(key.evp(), d.mutable_view().data(), &size) == 1);
        jwk.set("d", base::base64url_encode_secret(d.view()));
    } else {
        jwk.set("d", private_number(key, OSSL_PKEY_PARAM_PRIV_KEY, ec_coordinate_size(key.type())));
    }
    return jwk;
}

base::Result<std::string> thumbprint_sha256(const Value& jwk) {
    TRY_ASSIGN(const PublicKey key, public_part(jwk));
    // [RFC7638 §3.1] only the required members, sorted: what canonical JSON of them is.
    TRY_ASSIGN(const base::WipingString canonical, base::json::canonicalize(public_members(key, {})));
    return base::base64url_encode(sha256(base::as_bytes(canonical)));
}

}  // namespace crypto::jose
