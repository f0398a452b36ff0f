// SPDX-License-Identifier: Apache-2.0
#include "crypto/mac.h"

#include "openssl.h"

namespace crypto {

Sha256Digest hmac_sha256(base::ByteView key, base::ByteView data) {
    Sha256Digest out;
    std::size_t size = 0;
    // EVP_Q_mac refuses a null key pointer, which an empty view may have.
    const std::uint8_t none = 0;
    const void* key_data = key.empty() ? &none : key.data();
    openssl::require(EVP_Q_mac(nullptr, "HMAC", nullptr, "SHA256", nullptr, key_data, key.size(), data.data(),
                               data.size(), out.data(), out.size(), &size) != nullptr &&
                     size == out.size());
    return out;
}

}  // namespace crypto
