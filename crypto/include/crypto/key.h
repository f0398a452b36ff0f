// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "base/secret_bytes.h"
#include "crypto/digest.h"

struct evp_pkey_st;

namespace crypto {

/// The kinds of keys this project knows; every other is refused where keys enter.
enum class KeyType : std::uint8_t { rsa, ec_p256, ec_p384, ec_p521, ed25519 };

/// "RSA", "P-256", "P-384", "P-521" or "Ed25519"
std::string_view key_type_name(KeyType type);
/// Width of a coordinate of a NIST curve in bytes: 32, 48 or 66; 0 for other types.
std::size_t ec_coordinate_size(KeyType type);

/// Affine coordinates, big-endian, exactly `ec_coordinate_size` bytes each.
struct EcPoint {
    base::Bytes x;
    base::Bytes y;
};

/// Big-endian without leading zeros.
struct RsaPublicNumbers {
    base::Bytes n;
    base::Bytes e;
};

/// A public key that is known to be sound: RSA of 2048 to 8192 bits with an odd exponent of 65537 to 2^64-1, a point
/// on its NIST curve (named, never by explicit parameters), or Ed25519. Cheap to copy; immutable; thread-safe.
/// Errors of every factory: crypto_input_invalid.
class PublicKey {
  public:
    /// X.509 SubjectPublicKeyInfo, DER, nothing behind it.
    static base::Result<PublicKey> from_spki_der(base::ByteView der);
    /// The first block of the text, which must be "PUBLIC KEY".
    static base::Result<PublicKey> from_pem(std::string_view pem);
    static base::Result<PublicKey> from_ec_point(KeyType curve, base::ByteView x, base::ByteView y);
    static base::Result<PublicKey> from_rsa_numbers(base::ByteView n, base::ByteView e);
    /// 32 bytes [RFC 8032 §5.1.5].
    static base::Result<PublicKey> from_ed25519(base::ByteView key);

    [[nodiscard]] KeyType type() const { return type_; }
    /// Size of the RSA modulus or of the curve.
    [[nodiscard]] unsigned bits() const;
    [[nodiscard]] base::Bytes to_spki_der() const;
    [[nodiscard]] std::string to_pem() const;
    /// SHA-256 of the SubjectPublicKeyInfo: the key's identity and what a pin compares.
    [[nodiscard]] Sha256Digest spki_sha256() const;
    /// For NIST curves only, else crypto_input_invalid.
    [[nodiscard]] base::Result<EcPoint> ec_point() const;
    /// For RSA only, else crypto_input_invalid.
    [[nodiscard]] base::Result<RsaPublicNumbers> rsa_numbers() const;
    /// For Ed25519 only, else crypto_input_invalid.
    [[nodiscard]] base::Result<base::Bytes> ed25519() const;

    friend bool operator==(const PublicKey& a, const PublicKey& b);

    /// For the sources of this library; borrowed.
    [[nodiscard]] evp_pkey_st* evp() const { return key_.get(); }
    /// Takes shared ownership of a key of OpenSSL after checking it.
    static base::Result<PublicKey> adopt(std::shared_ptr<evp_pkey_st> key);

  private:
    PublicKey(std::shared_ptr<evp_pkey_st> key, KeyType type) : key_(std::move(key)), type_(type) {}
    std::shared_ptr<evp_pkey_st> key_;
    KeyType type_;
};

/// A private key of the same kinds whose public half is known to belong to it. Cheap to copy; immutable; thread-safe.
/// OpenSSL wipes its memory when the last copy goes.
class PrivateKey {
  public:
    /// A fresh key. `rsa_bits` matters for RSA only (2048 to 8192). Errors: crypto_input_invalid.
    static base::Result<PrivateKey> generate(KeyType type, unsigned rsa_bits = 2048);
    /// The first block of the text: PKCS#8, PKCS#1 or SEC 1, never encrypted. Errors: crypto_input_invalid.
    static base::Result<PrivateKey> from_pem(base::ByteView pem);

    [[nodiscard]] KeyType type() const { return type_; }
    /// PKCS#8, unencrypted.
    [[nodiscard]] base::SecretBytes to_pem() const;
    [[nodiscard]] PublicKey public_key() const;

    /// For the sources of this library; borrowed.
    [[nodiscard]] evp_pkey_st* evp() const { return key_.get(); }
    /// Takes shared ownership of a key of OpenSSL after checking it.
    static base::Result<PrivateKey> adopt(std::shared_ptr<evp_pkey_st> key);

  private:
    PrivateKey(std::shared_ptr<evp_pkey_st> key, KeyType type) : key_(std::move(key)), type_(type) {}
    std::shared_ptr<evp_pkey_st> key_;
    KeyType type_;
};

}  // namespace crypto
