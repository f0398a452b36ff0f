// SPDX-License-Identifier: Apache-2.0
#include "crypto/kdf.h"

#include <algorithm>
#include <cstring>

#include "openssl.h"

namespace crypto {

base::Result<base::SecretBytes> concat_kdf_sha256(base::ByteView shared_secret, std::string_view algorithm,
                                                  base::ByteView apu, base::ByteView apv, unsigned key_bits) {
    if (key_bits == 0 || key_bits % 8 != 0 || key_bits > 2048) return openssl::bad_input("key size of the Concat KDF");
    const auto be32 = [](EVP_MD_CTX* ctx, std::size_t value) {
        const std::uint8_t bytes[4] = {static_cast<std::uint8_t>(value >> 24), static_cast<std::uint8_t>(value >> 16),
                                       static_cast<std::uint8_t>(value >> 8), static_cast<std::uint8_t>(value)};
        openssl::require(EVP_DigestUpdate(ctx, bytes, sizeof(bytes)) == 1);
    };
    const auto sized = [&](EVP_MD_CTX* ctx, base::ByteView view) {
        be32(ctx, view.size());
        openssl::require(EVP_DigestUpdate(ctx, view.data(), view.size()) == 1);
    };
    base::SecretBytes out(key_bits / 8);
    base::SecretBytes block(32);
    for (std::size_t done = 0, round = 1; done < out.size(); ++round) {
        const openssl::MdCtx ctx(openssl::required(EVP_MD_CTX_new()));
        openssl::require(EVP_DigestInit_ex2(ctx.get(), EVP_sha256(), nullptr) == 1);
        be32(ctx.get(), round);
        openssl::require(EVP_DigestUpdate(ctx.get(), shared_secret.data(), shared_secret.size()) == 1);
        sized(ctx.get(), base::as_bytes(algorithm));
        sized(ctx.get(), apu);
        sized(ctx.get(), apv);
        be32(ctx.get(), key_bits);
        openssl::require(EVP_DigestFinal_ex(ctx.get(), block.mutable_view().data(), nullptr) == 1);
        const std::size_t count = std::min(block.size(), out.size() - done);
        std::memcpy(out.mutable_view().data() + done, block.view().data(), count);
        done += count;
    }
    return out;
}

}  // namespace crypto
