// SPDX-License-Identifier: Apache-2.0
#include "kbs/master_key.h"

#include <fmt/format.h>

#include <array>

#include "base/byte_writer.h"
#include "base/fd.h"
#include "crypto/aead.h"
#include "crypto/mac.h"

namespace kbs {

using base::ByteView;
using base::ErrorCode;
using base::Fail;
using base::Result;

namespace {
constexpr std::size_t key_size = 32;
constexpr std::size_t nonce_size = 12;
constexpr std::uint8_t format = 1;
}  // namespace

Result<base::SecretBytes> load_key32(const std::filesystem::path& path) {
    auto key = base::load_file(path, key_size + 1);
    if (!key && key.error().code() == ErrorCode::file_unreadable)
        return Fail(key.error().as(ErrorCode::key_file_unreadable));
    if (!key || key->size() != key_size)
        return Fail(ErrorCode::key_file_invalid, fmt::format("{} does not hold exactly 32 bytes", path.string()));
    return std::move(*key);
}

Result<MasterKey> MasterKey::create(ByteView key) {
    if (key.size() != key_size) return Fail(ErrorCode::key_file_invalid, "the master key is not 32 bytes");
    auto sealing = crypto::hmac_sha256(key, base::as_bytes("ocicrypt-kbs master key: seal keys v1"));
    const auto check = crypto::hmac_sha256(key, base::as_bytes("ocicrypt-kbs master key: check value v1"));
    auto sealing_key = base::SecretBytes::copy_of(ByteView(sealing));
    base::wipe(sealing.data(), sealing.size());
    return MasterKey(std::move(sealing_key), base::to_bytes(check));
}

Result<MasterKey> MasterKey::load(const std::filesystem::path& path) {
    TRY_ASSIGN(const base::SecretBytes key, load_key32(path));
    return create(key.view());
}

Result<base::Bytes> MasterKey::seal(ByteView secret, ByteView context, const Random& random) const {
    std::array<std::uint8_t, nonce_size> nonce;
    random(nonce);
    TRY_ASSIGN(const base::Bytes box, crypto::aes256gcm_seal(sealing_key_.view(), nonce, context, secret));
    base::ByteWriter out;
    out.u8(format);
    out.bytes(nonce);
    out.bytes(box);
    return std::move(out).take();
}

Result<base::SecretBytes> MasterKey::open(ByteView sealed, ByteView context) const {
    if (sealed.size() < 1 + nonce_size || sealed[0] != format) return Fail(ErrorCode::decryption_failed);
    return crypto::aes256gcm_open(sealing_key_.view(), sealed.subspan(1, nonce_size), context,
                                  sealed.subspan(1 + nonce_size));
}

}  // namespace kbs
