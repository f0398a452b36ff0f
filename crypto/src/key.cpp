// SPDX-License-Identifier: Apache-2.0
#include "crypto/key.h"

#include <openssl/core_names.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <algorithm>
#include <array>
#include <optional>

#include "crypto/digest.h"
#include "key_from_params.h"
#include "openssl.h"

namespace crypto {
namespace {

constexpr std::size_t kMaxKeyText = std::size_t{64} * 1024;
constexpr unsigned kMinRsaBits = 2048;
constexpr unsigned kMaxRsaBits = 8192;

struct Curve {
    KeyType type;
    const char* group;  // OpenSSL's name
    std::size_t width;
};
constexpr std::array kCurves{Curve{KeyType::ec_p256, "prime256v1", 32}, Curve{KeyType::ec_p384, "secp384r1", 48},
                             Curve{KeyType::ec_p521, "secp521r1", 66}};

const Curve* curve_of(KeyType type) {
    const auto* found = std::ranges::find(kCurves, type, &Curve::type);
    return found == kCurves.end() ? nullptr : found;
}

std::shared_ptr<EVP_PKEY> share(EVP_PKEY* key) {
    return {key, [](EVP_PKEY* owned) { EVP_PKEY_free(owned); }};
}

base::Bytes number_bytes(const EVP_PKEY* key, const char* name) {
    BIGNUM* raw = nullptr;
    openssl::require(EVP_PKEY_get_bn_param(key, name, &raw) == 1);
    const openssl::BigNum number(raw);
    base::Bytes out(static_cast<std::size_t>(BN_num_bytes(number.get())));
    BN_bn2bin(number.get(), out.data());
    return out;
}

/// RSA-PSS keys (a type of their own in OpenSSL) and every curve beyond ours fall through to nullopt.
std::optional<KeyType> type_of(const EVP_PKEY* key) {
    if (EVP_PKEY_is_a(key, "RSA") == 1) return KeyType::rsa;
    if (EVP_PKEY_is_a(key, "ED25519") == 1) return KeyType::ed25519;
    if (EVP_PKEY_is_a(key, "EC") != 1) return std::nullopt;
    std::array<char, 64> group{};
    std::size_t size = 0;
    if (EVP_PKEY_get_utf8_string_param(key, OSSL_PKEY_PARAM_GROUP_NAME, group.data(), group.size(), &size) != 1) {
        return std::nullopt;
    }
    const auto* found = std::ranges::find(kCurves, std::string_view(group.data(), size), &Curve::group);
    if (found == kCurves.end()) return std::nullopt;
    return found->type;
}

/// A curve given by its parameters may be any curve: CVE-2020-0601 came of believing them.
bool named_curve(const EVP_PKEY* key) {
    std::array<char, 32> encoding{};
    std::size_t size = 0;
    return EVP_PKEY_get_utf8_string_param(key, OSSL_PKEY_PARAM_EC_ENCODING, encoding.data(), encoding.size(), &size) ==
               1 &&
           std::string_view(encoding.data(), size) == OSSL_PKEY_EC_ENCODING_GROUP;
}

base::Result<KeyType> checked_type(EVP_PKEY* key, bool with_private_half) {
    const auto type = type_of(key);
    if (!type)
        return openssl::bad_input("a kind of key that is not used here (RSA, P-256, P-384, P-521 and Ed25519 are)");
    if (*type == KeyType::rsa) {
        const auto bits = static_cast<unsigned>(EVP_PKEY_get_bits(key));
        if (bits < kMinRsaBits || bits > kMaxRsaBits)
            return openssl::bad_input("an RSA key has 2048 to 8192 bits here");
        const base::Bytes e = number_bytes(key, OSSL_PKEY_PARAM_RSA_E);
        if (e.size() < 3 || e.size() > 8 || (e.back() & 1) == 0)
            return openssl::bad_input("the RSA exponent is unsafe");
        if ((number_bytes(key, OSSL_PKEY_PARAM_RSA_N).back() & 1) == 0)
            return openssl::bad_input("the RSA modulus is even");
        // OpenSSL would go on to prove that the modulus is composite, which takes it 8 ms for every key that a stranger
        // sends and protects nobody but that stranger.
        if (!with_private_half) return *type;
    }
    if (curve_of(*type) != nullptr && !named_curve(key)) return openssl::bad_input("the curve is not named");
    const openssl::PkeyCtx ctx(openssl::required(EVP_PKEY_CTX_new_from_pkey(nullptr, key, nullptr)));
    // The quick check leaves out the point's order, which on curves of cofactor 1 follows from being on the curve.
    const int sound = with_private_half ? EVP_PKEY_check(ctx.get()) : EVP_PKEY_public_check_quick(ctx.get());
    if (sound != 1) return openssl::bad_input("the key is not consistent");
    return *type;
}

openssl::Bio reader(base::ByteView text) {
    return openssl::Bio(openssl::required(BIO_new_mem_buf(text.data(), static_cast<int>(text.size()))));
}

/// Encrypted PEM must not ask at the terminal.
int no_password(char*, int, int, void*) {
    return -1;
}

}  // namespace

std::string_view key_type_name(KeyType type) {
    switch (type) {
        case KeyType::rsa:
            return "RSA";
        case KeyType::ec_p256:
            return "P-256";
        case KeyType::ec_p384:
            return "P-384";
        case KeyType::ec_p521:
            return "P-521";
        case KeyType::ed25519:
            return "Ed25519";
    }
    std::abort();
}

std::size_t ec_coordinate_size(KeyType type) {
    const Curve* curve = curve_of(type);
    return curve == nullptr ? 0 : curve->width;
}

base::Result<PublicKey> PublicKey::adopt(std::shared_ptr<EVP_PKEY> key) {
    TRY_ASSIGN(const KeyType type, checked_type(key.get(), false));
    return PublicKey(std::move(key), type);
}

base::Result<PublicKey> PublicKey::from_spki_der(base::ByteView der) {
    if (der.size() > kMaxKeyText) return openssl::bad_input("public key: too long");
    const std::uint8_t* end = der.data();
    EVP_PKEY* key = d2i_PUBKEY(nullptr, &end, static_cast<long>(der.size()));
    if (key == nullptr) return openssl::bad_input("public key: not a SubjectPublicKeyInfo");
    auto owned = share(key);
    if (end != der.data() + der.size()) return openssl::bad_input("public key: bytes behind it");
    return adopt(std::move(owned));
}

base::Result<PublicKey> PublicKey::from_pem(std::string_view pem) {
    if (pem.size() > kMaxKeyText) return openssl::bad_input("public key: too long");
    const openssl::Bio bio = reader(base::as_bytes(pem));
    EVP_PKEY* key = PEM_read_bio_PUBKEY(bio.get(), nullptr, no_password, nullptr);
    if (key == nullptr) return openssl::bad_input("not a PEM text of a public key");
    return adopt(share(key));
}

base::Result<PublicKey> PublicKey::from_ec_point(KeyType curve, base::ByteView x, base::ByteView y) {
    TRY_ASSIGN(auto key, key_from_ec(curve, x, y, {}));
    return adopt(std::move(key));
}

base::Result<PublicKey> PublicKey::from_rsa_numbers(base::ByteView n, base::ByteView e) {
    TRY_ASSIGN(auto key, key_from_rsa({n, e, {}, {}, {}, {}, {}, {}}));
    return adopt(std::move(key));
}

base::Result<PublicKey> PublicKey::from_ed25519(base::ByteView key) {
    EVP_PKEY* raw = EVP_PKEY_new_raw_public_key_ex(nullptr, "ED25519", nullptr, key.data(), key.size());
    if (raw == nullptr) return openssl::bad_input("an Ed25519 key has 32 bytes");
    return adopt(share(raw));
}

unsigned PublicKey::bits() const {
    return static_cast<unsigned>(EVP_PKEY_get_bits(key_.get()));
}

base::Bytes PublicKey::to_spki_der() const {
    std::uint8_t* raw = nullptr;
    const int size = i2d_PUBKEY(key_.get(), &raw);
    openssl::require(size > 0);
    base::Bytes out(raw, raw + size);
    OPENSSL_free(raw);
    return out;
}

std::string PublicKey::to_pem() const {
    const openssl::Bio bio(openssl::required(BIO_new(BIO_s_mem())));
    openssl::require(PEM_write_bio_PUBKEY(bio.get(), key_.get()) == 1);
    char* text = nullptr;
    const long size = BIO_get_mem_data(bio.get(), &text);
    return {text, static_cast<std::size_t>(size)};
}

Sha256Digest PublicKey::spki_sha256() const {
    return sha256(to_spki_der());
}

base::Result<EcPoint> PublicKey::ec_point() const {
    const std::size_t width = ec_coordinate_size(type_);
    if (width == 0) return openssl::bad_input("not a key on a NIST curve");
    const auto padded = [&](const char* name) {
        const base::Bytes number = number_bytes(key_.get(), name);
        base::Bytes out(width - number.size());
        out.insert(out.end(), number.begin(), number.end());
        return out;
    };
    return EcPoint{padded(OSSL_PKEY_PARAM_EC_PUB_X), padded(OSSL_PKEY_PARAM_EC_PUB_Y)};
}

base::Result<RsaPublicNumbers> PublicKey::rsa_numbers() const {
    if (type_ != KeyType::rsa) return openssl::bad_input("not an RSA key");
    return RsaPublicNumbers{number_bytes(key_.get(), OSSL_PKEY_PARAM_RSA_N),
                            number_bytes(key_.get(), OSSL_PKEY_PARAM_RSA_E)};
}

base::Result<base::Bytes> PublicKey::ed25519() const {
    if (type_ != KeyType::ed25519) return openssl::bad_input("not an Ed25519 key");
    base::Bytes out(32);
    std::size_t size = out.size();
    openssl::require(EVP_PKEY_get_raw_public_key(key_.get(), out.data(), &size) == 1 && size == out.size());
    return out;
}

bool operator==(const PublicKey& a, const PublicKey& b) {
    return EVP_PKEY_eq(a.key_.get(), b.key_.get()) == 1;
}

base::Result<PrivateKey> PrivateKey::adopt(std::shared_ptr<EVP_PKEY> key) {
    TRY_ASSIGN(const KeyType type, checked_type(key.get(), true));
    return PrivateKey(std::move(key), type);
}

base::Result<PrivateKey> PrivateKey::generate(KeyType type, unsigned rsa_bits) {
    EVP_PKEY* key = nullptr;
    if (const Curve* curve = curve_of(type)) {
        key = EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", curve->group);
    } else if (type == KeyType::ed25519) {
        key = EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519");
    } else {
        if (rsa_bits < kMinRsaBits || rsa_bits > kMaxRsaBits) {
            return openssl::bad_input("an RSA key has 2048 to 8192 bits here");
        }
        key = EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", std::size_t{rsa_bits});
    }
    // What OpenSSL has just made needs no check of its consistency, which for RSA would cost more than the rest.
    return PrivateKey(share(openssl::required(key)), type);
}

base::Result<PrivateKey> PrivateKey::from_pem(base::ByteView pem) {
    if (pem.size() > kMaxKeyText) return openssl::bad_input("private key: too long");
    const openssl::Bio bio = reader(pem);
    EVP_PKEY* key = PEM_read_bio_PrivateKey(bio.get(), nullptr, no_password, nullptr);
    if (key == nullptr) return openssl::bad_input("not a PEM text of an unencrypted private key");
    return adopt(share(key));
}

base::SecretBytes PrivateKey::to_pem() const {
    const openssl::Bio bio(openssl::required(BIO_new(BIO_s_secmem())));
    openssl::require(PEM_write_bio_PKCS8PrivateKey(bio.get(), key_.get(), nullptr, nullptr, 0, nullptr, nullptr) == 1);
    char* text = nullptr;
    const long size = BIO_get_mem_data(bio.get(), &text);
    return base::SecretBytes::copy_of(std::string_view(text, static_cast<std::size_t>(size)));
}

PublicKey PrivateKey::public_key() const {
    const openssl::Bio bio(openssl::required(BIO_new(BIO_s_mem())));
    // Through its encoding, so that no private number travels with the public key.
    openssl::require(i2d_PUBKEY_bio(bio.get(), key_.get()) == 1);
    EVP_PKEY* key = openssl::required(d2i_PUBKEY_bio(bio.get(), nullptr));
    auto result = PublicKey::adopt(share(key));
    openssl::require(result.has_value());
    return *result;
}

}  // namespace crypto
