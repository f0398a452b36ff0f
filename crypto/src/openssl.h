// SPDX-License-Identifier: Apache-2.0
// RAII and one way to ask OpenSSL: by return value. The error queue is only ever emptied, never branched on.
#pragma once

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace crypto::openssl {

template <auto Free>
struct Deleter {
    template <typename T>
    void operator()(T* object) const {
        Free(object);
    }
};

using BigNum = std::unique_ptr<BIGNUM, Deleter<BN_clear_free>>;
using Bio = std::unique_ptr<BIO, Deleter<BIO_free_all>>;
using CipherCtx = std::unique_ptr<EVP_CIPHER_CTX, Deleter<EVP_CIPHER_CTX_free>>;
using MdCtx = std::unique_ptr<EVP_MD_CTX, Deleter<EVP_MD_CTX_free>>;
using PkeyCtx = std::unique_ptr<EVP_PKEY_CTX, Deleter<EVP_PKEY_CTX_free>>;

/// For what fails only where memory does, or where OpenSSL was built without an algorithm that we cannot do without.
inline void require(bool works) {
    if (!works) std::abort();
}

template <typename T>
T* required(T* pointer) {
    require(pointer != nullptr);
    return pointer;
}

/// An error of ours for a failed call; what OpenSSL noted of it is dropped.
inline base::Fail failed(base::ErrorCode code, std::string detail = {}) {
    ERR_clear_error();
    return base::Fail(code, std::move(detail));
}

inline base::Fail bad_input(std::string detail) {
    return failed(base::ErrorCode::crypto_input_invalid, std::move(detail));
}

/// The one answer to everything that does not decrypt.
inline base::Fail not_decrypted() {
    return failed(base::ErrorCode::decryption_failed);
}

}  // namespace crypto::openssl
