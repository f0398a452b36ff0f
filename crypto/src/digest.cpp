// SPDX-License-Identifier: Apache-2.0
#include "crypto/digest.h"

#include "openssl.h"

namespace crypto {
namespace {

template <typename Digest>
Digest hash(const EVP_MD* md, base::ByteView data) {
    Digest out;
    unsigned size = 0;
    openssl::require(EVP_Digest(data.data(), data.size(), out.data(), &size, md, nullptr) == 1 && size == out.size());
    return out;
}

}  // namespace

Sha256Digest sha256(base::ByteView data) {
    return hash<Sha256Digest>(EVP_sha256(), data);
}
Sha384Digest sha384(base::ByteView data) {
    return hash<Sha384Digest>(EVP_sha384(), data);
}
Sha512Digest sha512(base::ByteView data) {
    return hash<Sha512Digest>(EVP_sha512(), data);
}

base::Bytes digest(HashAlgorithm algorithm, base::ByteView data) {
    switch (algorithm) {
        case HashAlgorithm::sha256:
            return base::to_bytes(sha256(data));
        case HashAlgorithm::sha384:
            return base::to_bytes(sha384(data));
        case HashAlgorithm::sha512:
            return base::to_bytes(sha512(data));
    }
    std::abort();
}

}  // namespace crypto
