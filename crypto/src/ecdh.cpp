// SPDX-License-Identifier: Apache-2.0
#include "crypto/ecdh.h"

#include "openssl.h"

namespace crypto {

base::Result<base::SecretBytes> ecdh(const PrivateKey& own, const PublicKey& peer) {
    const std::size_t width = ec_coordinate_size(own.type());
    if (width == 0 || own.type() != peer.type()) return openssl::bad_input("ECDH needs two keys of one NIST curve");
    const openssl::PkeyCtx ctx(openssl::required(EVP_PKEY_CTX_new_from_pkey(nullptr, own.evp(), nullptr)));
    if (EVP_PKEY_derive_init(ctx.get()) != 1 || EVP_PKEY_derive_set_peer_ex(ctx.get(), peer.evp(), 1) != 1) {
        return openssl::bad_input("ECDH with this peer key");
    }
    base::SecretBytes out(width);
    std::size_t size = width;
    if (EVP_PKEY_derive(ctx.get(), out.mutable_view().data(), &size) != 1 || size != width) {
        return openssl::bad_input("ECDH with this peer key");
    }
    return out;
}

}  // namespace crypto
