// SPDX-License-Identifier: Apache-2.0
#include "crypto/key_wrap.h"

#include "crypto/aead.h"
#include "openssl.h"

namespace crypto {
namespace {

constexpr std::size_t kMaxKey = 4096;
constexpr std::size_t kOverhead = 8;

openssl::CipherCtx wrap_context() {
    openssl::CipherCtx ctx(openssl::required(EVP_CIPHER_CTX_new()));
    EVP_CIPHER_CTX_set_flags(ctx.get(), EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
    return ctx;
}

}  // namespace

base::Result<base::Bytes> aes256kw_wrap(base::ByteView kek, base::ByteView key) {
    if (kek.size() != aes256_key_size) return openssl::bad_input("an AES-256 key has 32 bytes");
    if (key.size() < 16 || key.size() > kMaxKey || key.size() % 8 != 0) {
        return openssl::bad_input("a key to wrap has 16 to 4096 bytes, a multiple of 8");
    }
    const openssl::CipherCtx ctx = wrap_context();
    base::Bytes out(key.size() + kOverhead);
    int written = 0;
    openssl::require(EVP_EncryptInit_ex2(ctx.get(), EVP_aes_256_wrap(), kek.data(), nullptr, nullptr) == 1);
    openssl::require(EVP_EncryptUpdate(ctx.get(), out.data(), &written, key.data(), static_cast<int>(key.size())) ==
                         1 &&
                     static_cast<std::size_t>(written) == out.size());
    return out;
}

base::Result<base::SecretBytes> aes256kw_unwrap(base::ByteView kek, base::ByteView wrapped) {
    if (kek.size() != aes256_key_size) return openssl::bad_input("an AES-256 key has 32 bytes");
    if (wrapped.size() < 16 + kOverhead || wrapped.size() > kMaxKey + kOverhead || wrapped.size() % 8 != 0) {
        return openssl::not_decrypted();
    }
    const openssl::CipherCtx ctx = wrap_context();
    // OpenSSL writes the integrity block too before it cuts it off.
    base::SecretBytes out(wrapped.size());
    int written = 0;
    openssl::require(EVP_DecryptInit_ex2(ctx.get(), EVP_aes_256_wrap(), kek.data(), nullptr, nullptr) == 1);
    if (EVP_DecryptUpdate(ctx.get(), out.mutable_view().data(), &written, wrapped.data(),
                          static_cast<int>(wrapped.size())) != 1 ||
        static_cast<std::size_t>(written) != wrapped.size() - kOverhead) {
        return openssl::not_decrypted();
    }
    out.truncate(wrapped.size() - kOverhead);
    return out;
}

}  // namespace crypto
