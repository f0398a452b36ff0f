// SPDX-License-Identifier: Apache-2.0
#include "crypto/aead.h"

#include "openssl.h"

namespace crypto {
namespace {

// EVP counts in int.
constexpr std::size_t kMaxBytes = std::size_t{1} << 30;
constexpr std::size_t kBlock = 16;

int length(base::ByteView view) {
    return static_cast<int>(view.size());
}

}  // namespace

base::Result<base::Bytes> aes256gcm_seal(base::ByteView key, base::ByteView nonce, base::ByteView aad,
                                         base::ByteView plaintext) {
    if (key.size() != aes256_key_size) return openssl::bad_input("an AES-256 key has 32 bytes");
    if (nonce.size() != gcm_nonce_size) return openssl::bad_input("a GCM nonce has 12 bytes");
    if (plaintext.size() > kMaxBytes || aad.size() > kMaxBytes) return openssl::bad_input("more than 1 GiB");
    const openssl::CipherCtx ctx(openssl::required(EVP_CIPHER_CTX_new()));
    base::Bytes out(plaintext.size() + gcm_tag_size);
    int written = 0;
    openssl::require(EVP_EncryptInit_ex2(ctx.get(), EVP_aes_256_gcm(), key.data(), nonce.data(), nullptr) == 1);
    openssl::require(aad.empty() || EVP_EncryptUpdate(ctx.get(), nullptr, &written, aad.data(), length(aad)) == 1);
    openssl::require(plaintext.empty() ||
                     EVP_EncryptUpdate(ctx.get(), out.data(), &written, plaintext.data(), length(plaintext)) == 1);
    std::uint8_t nothing[kBlock];
    openssl::require(EVP_EncryptFinal_ex(ctx.get(), nothing, &written) == 1 && written == 0);
    openssl::require(
        EVP_CIPHER_CTX_ctrl(ctx.get(), EVP_CTRL_AEAD_GET_TAG, gcm_tag_size, out.data() + plaintext.size()) == 1);
    return out;
}

base::Result<base::SecretBytes> aes256gcm_open(base::ByteView key, base::ByteView nonce, base::ByteView aad,
                                               base::ByteView ciphertext_and_tag) {
    if (key.size() != aes256_key_size) return openssl::bad_input("an AES-256 key has 32 bytes");
    if (nonce.size() != gcm_nonce_size) return openssl::bad_input("a GCM nonce has 12 bytes");
    if (ciphertext_and_tag.size() < gcm_tag_size || ciphertext_and_tag.size() > kMaxBytes || aad.size() > kMaxBytes) {
        return openssl::not_decrypted();
    }
    const base::ByteView ciphertext = ciphertext_and_tag.first(ciphertext_and_tag.size() - gcm_tag_size);
    base::Bytes tag = base::to_bytes(ciphertext_and_tag.last(gcm_tag_size));
    const openssl::CipherCtx ctx(openssl::required(EVP_CIPHER_CTX_new()));
    base::SecretBytes out(ciphertext.size());
    int written = 0;
    openssl::require(EVP_DecryptInit_ex2(ctx.get(), EVP_aes_256_gcm(), key.data(), nonce.data(), nullptr) == 1);
    openssl::require(aad.empty() || EVP_DecryptUpdate(ctx.get(), nullptr, &written, aad.data(), length(aad)) == 1);
    openssl::require(ciphertext.empty() || EVP_DecryptUpdate(ctx.get(), out.mutable_view().data(), &written,
                                                             ciphertext.data(), length(ciphertext)) == 1);
    openssl::require(EVP_CIPHER_CTX_ctrl(ctx.get(), EVP_CTRL_AEAD_SET_TAG, gcm_tag_size, tag.data()) == 1);
    std::uint8_t nothing[kBlock];
    if (EVP_DecryptFinal_ex(ctx.get(), nothing, &written) != 1) return openssl::not_decrypted();
    return out;
}

base::Result<base::SecretBytes> insecure_aes256ctr(base::ByteView key, base::ByteView iv, base::ByteView data) {
    if (key.size() != aes256_key_size) return openssl::bad_input("an AES-256 key has 32 bytes");
    if (iv.size() != kBlock) return openssl::bad_input("an AES-CTR initial counter has 16 bytes");
    if (data.size() > kMaxBytes) return openssl::bad_input("more than 1 GiB");
    const openssl::CipherCtx ctx(openssl::required(EVP_CIPHER_CTX_new()));
    base::SecretBytes out(data.size());
    int written = 0;
    openssl::require(EVP_EncryptInit_ex2(ctx.get(), EVP_aes_256_ctr(), key.data(), iv.data(), nullptr) == 1);
    openssl::require(data.empty() ||
                     EVP_EncryptUpdate(ctx.get(), out.mutable_view().data(), &written, data.data(), length(data)) == 1);
    return out;
}

}  // namespace crypto
