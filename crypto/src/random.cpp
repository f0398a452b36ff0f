// SPDX-License-Identifier: Apache-2.0
#include "crypto/random.h"

#include <openssl/rand.h>

#include "openssl.h"

namespace crypto {

void fill_random(std::span<std::uint8_t> out) {
    openssl::require(RAND_bytes_ex(nullptr, out.data(), out.size(), 0) == 1);
}

base::Bytes random_bytes(std::size_t size) {
    base::Bytes out(size);
    fill_random(out);
    return out;
}

base::SecretBytes random_secret(std::size_t size) {
    base::SecretBytes out(size);
    openssl::require(RAND_priv_bytes_ex(nullptr, out.mutable_view().data(), size, 0) == 1);
    return out;
}

}  // namespace crypto
