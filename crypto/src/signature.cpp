// SPDX-License-Identifier: Apache-2.0
#include "crypto/signature.h"

#include <openssl/ecdsa.h>
#include <openssl/rsa.h>

#include <algorithm>
#include <array>

#include "openssl.h"

namespace crypto {
namespace {

enum class Family : std::uint8_t { ecdsa, pkcs1, pss, eddsa };

struct Algorithm {
    SignatureAlgorithm id;
    std::string_view name;
    Family family;
    const EVP_MD* (*digest)();
    KeyType key;
};
constexpr std::array kAlgorithms{
    Algorithm{SignatureAlgorithm::es256, "ES256", Family::ecdsa, EVP_sha256, KeyType::ec_p256},
    Algorithm{SignatureAlgorithm::es384, "ES384", Family::ecdsa, EVP_sha384, KeyType::ec_p384},
    Algorithm{SignatureAlgorithm::es512, "ES512", Family::ecdsa, EVP_sha512, KeyType::ec_p521},
    Algorithm{SignatureAlgorithm::rs256, "RS256", Family::pkcs1, EVP_sha256, KeyType::rsa},
    Algorithm{SignatureAlgorithm::rs384, "RS384", Family::pkcs1, EVP_sha384, KeyType::rsa},
    Algorithm{SignatureAlgorithm::rs512, "RS512", Family::pkcs1, EVP_sha512, KeyType::rsa},
    Algorithm{SignatureAlgorithm::ps256, "PS256", Family::pss, EVP_sha256, KeyType::rsa},
    Algorithm{SignatureAlgorithm::ps384, "PS384", Family::pss, EVP_sha384, KeyType::rsa},
    Algorithm{SignatureAlgorithm::ps512, "PS512", Family::pss, EVP_sha512, KeyType::rsa},
    Algorithm{SignatureAlgorithm::eddsa, "EdDSA", Family::eddsa, nullptr, KeyType::ed25519},
};

const Algorithm& describe(SignatureAlgorithm id) {
    return *std::ranges::find(kAlgorithms, id, &Algorithm::id);
}

struct SigFree {
    void operator()(ECDSA_SIG* signature) const { ECDSA_SIG_free(signature); }
};
using EcdsaSig = std::unique_ptr<ECDSA_SIG, SigFree>;

base::Status fits(KeyType key, const Algorithm& algorithm) {
    if (key == algorithm.key) return {};
    return openssl::bad_input(std::string(algorithm.name) + " does not fit a key of type " +
                              std::string(key_type_name(key)));
}

bool set_padding(EVP_PKEY_CTX* ctx, Family family, int salt_length) {
    if (family != Family::pss) return true;
    return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) == 1 &&
           EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, salt_length) == 1;
}

}  // namespace

std::string_view jose_name(SignatureAlgorithm algorithm) {
    return describe(algorithm).name;
}

base::Result<SignatureAlgorithm> signature_algorithm_from_jose_name(std::string_view name) {
    const auto* found = std::ranges::find(kAlgorithms, name, &Algorithm::name);
    if (found == kAlgorithms.end()) return openssl::bad_input("a signature algorithm that is not used here");
    return found->id;
}

SignatureAlgorithm default_signature_algorithm(KeyType type) {
    return std::ranges::find(kAlgorithms, type, &Algorithm::key)->id;
}

base::Result<base::Bytes> sign(const PrivateKey& key, SignatureAlgorithm id, base::ByteView data) {
    const Algorithm& algorithm = describe(id);
    TRY(fits(key.type(), algorithm));
    const openssl::MdCtx ctx(openssl::required(EVP_MD_CTX_new()));
    EVP_PKEY_CTX* key_ctx = nullptr;
    const EVP_MD* md = algorithm.digest == nullptr ? nullptr : algorithm.digest();
    openssl::require(EVP_DigestSignInit(ctx.get(), &key_ctx, md, nullptr, key.evp()) == 1);
    openssl::require(set_padding(key_ctx, algorithm.family, RSA_PSS_SALTLEN_DIGEST));
    std::size_t size = static_cast<std::size_t>(EVP_PKEY_get_size(key.evp()));
    base::Bytes signature(size);
    openssl::require(EVP_DigestSign(ctx.get(), signature.data(), &size, data.data(), data.size()) == 1);
    signature.resize(size);
    if (algorithm.family == Family::ecdsa) return ecdsa_der_to_raw(algorithm.key, signature);
    return signature;
}

base::Status verify(const PublicKey& key, SignatureAlgorithm id, base::ByteView data, base::ByteView signature,
                    PssSalt salt) {
    const Algorithm& algorithm = describe(id);
    TRY(fits(key.type(), algorithm));
    const auto wrong = [] { return openssl::failed(base::ErrorCode::signature_invalid); };
    base::Bytes der;
    if (algorithm.family == Family::ecdsa) {
        auto converted = ecdsa_raw_to_der(algorithm.key, signature);
        if (!converted) return wrong();
        der = std::move(*converted);
        signature = der;
    }
    const openssl::MdCtx ctx(openssl::required(EVP_MD_CTX_new()));
    EVP_PKEY_CTX* key_ctx = nullptr;
    const EVP_MD* md = algorithm.digest == nullptr ? nullptr : algorithm.digest();
    openssl::require(EVP_DigestVerifyInit(ctx.get(), &key_ctx, md, nullptr, key.evp()) == 1);
    const int salt_length = salt == PssSalt::any ? RSA_PSS_SALTLEN_AUTO : RSA_PSS_SALTLEN_DIGEST;
    openssl::require(set_padding(key_ctx, algorithm.family, salt_length));
    if (EVP_DigestVerify(ctx.get(), signature.data(), signature.size(), data.data(), data.size()) != 1) return wrong();
    return {};
}

base::Result<base::Bytes> ecdsa_der_to_raw(KeyType curve, base::ByteView der) {
    const std::size_t width = ec_coordinate_size(curve);
    if (width == 0) return openssl::bad_input("not a NIST curve");
    const std::uint8_t* end = der.data();
    const EcdsaSig signature(d2i_ECDSA_SIG(nullptr, &end, static_cast<long>(der.size())));
    base::Bytes raw(2 * width);
    if (signature == nullptr ||
        BN_bn2binpad(ECDSA_SIG_get0_r(signature.get()), raw.data(), static_cast<int>(width)) < 0 ||
        BN_bn2binpad(ECDSA_SIG_get0_s(signature.get()), raw.data() + width, static_cast<int>(width)) < 0) {
        return openssl::bad_input("not an ECDSA signature of this curve");
    }
    // Encoded again it must be the same bytes: OpenSSL's reader also takes BER, negative numbers and what follows.
    TRY_ASSIGN(const base::Bytes again, ecdsa_raw_to_der(curve, raw));
    if (!std::ranges::equal(again, der)) return openssl::bad_input("an ECDSA signature that is not DER");
    return raw;
}

base::Result<base::Bytes> ecdsa_raw_to_der(KeyType curve, base::ByteView raw) {
    const std::size_t width = ec_coordinate_size(curve);
    if (width == 0 || raw.size() != 2 * width) return openssl::bad_input("an ECDSA signature of another length");
    const EcdsaSig signature(openssl::required(ECDSA_SIG_new()));
    BIGNUM* r = openssl::required(BN_bin2bn(raw.data(), static_cast<int>(width), nullptr));
    BIGNUM* s = openssl::required(BN_bin2bn(raw.data() + width, static_cast<int>(width), nullptr));
    openssl::require(ECDSA_SIG_set0(signature.get(), r, s) == 1);  // takes both
    std::uint8_t* der = nullptr;
    const int size = i2d_ECDSA_SIG(signature.get(), &der);
    openssl::require(size > 0);
    base::Bytes out(der, der + size);
    OPENSSL_free(der);
    return out;
}

}  // namespace crypto
