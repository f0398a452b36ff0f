// SPDX-License-Identifier: Apache-2.0
#include "crypto/rsa.h"

#include <openssl/rsa.h>

#include "openssl.h"

namespace crypto {
namespace {

bool set_oaep_sha256(EVP_PKEY_CTX* ctx) {
    return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING) == 1 &&
           EVP_PKEY_CTX_set_rsa_oaep_md(ctx, EVP_sha256()) == 1 && EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, EVP_sha256()) == 1;
}

}  // namespace

base::Result<base::Bytes> rsa_oaep_sha256_encrypt(const PublicKey& key, base::ByteView plaintext) {
    if (key.type() != KeyType::rsa) return openssl::bad_input("RSA-OAEP needs an RSA key");
    const openssl::PkeyCtx ctx(openssl::required(EVP_PKEY_CTX_new_from_pkey(nullptr, key.evp(), nullptr)));
    openssl::require(EVP_PKEY_encrypt_init(ctx.get()) == 1 && set_oaep_sha256(ctx.get()));
    base::Bytes out(key.bits() / 8 + 1);
    std::size_t size = out.size();
    if (EVP_PKEY_encrypt(ctx.get(), out.data(), &size, plaintext.data(), plaintext.size()) != 1) {
        return openssl::bad_input("too much plaintext for RSA-OAEP with this key");
    }
    out.resize(size);
    return out;
}

base::Result<base::SecretBytes> rsa_oaep_sha256_decrypt(const PrivateKey& key, base::ByteView ciphertext) {
    if (key.type() != KeyType::rsa) return openssl::bad_input("RSA-OAEP needs an RSA key");
    const openssl::PkeyCtx ctx(openssl::required(EVP_PKEY_CTX_new_from_pkey(nullptr, key.evp(), nullptr)));
    openssl::require(EVP_PKEY_decrypt_init(ctx.get()) == 1 && set_oaep_sha256(ctx.get()));
    base::SecretBytes out(static_cast<std::size_t>(EVP_PKEY_get_size(key.evp())));
    std::size_t size = out.size();
    if (EVP_PKEY_decrypt(ctx.get(), out.mutable_view().data(), &size, ciphertext.data(), ciphertext.size()) != 1) {
        return openssl::not_decrypted();
    }
    out.truncate(size);
    return out;
}

}  // namespace crypto
