// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "base/secret_bytes.h"
#include "kbs/random.h"

namespace kbs {

/// The 32 bytes under which a store keeps its keys. Two keys are derived from it (HMAC-SHA256 over a label): one seals,
/// the other makes the check value, so that what the store file shows says nothing about the sealing key.
class MasterKey {
  public:
    /// Errors: key_file_invalid where `key` is not 32 bytes.
    static base::Result<MasterKey> create(base::ByteView key);
    /// A file of exactly 32 raw bytes. Errors: key_file_unreadable, key_file_invalid.
    static base::Result<MasterKey> load(const std::filesystem::path& path);

    /// AES-256-GCM under a fresh random nonce: format byte 1, nonce (12), ciphertext, tag (16).
    [[nodiscard]] base::Result<base::Bytes> seal(base::ByteView secret, base::ByteView context,
                                                 const Random& random) const;
    /// Errors: decryption_failed, whatever is wrong.
    [[nodiscard]] base::Result<base::SecretBytes> open(base::ByteView sealed, base::ByteView context) const;
    /// 32 bytes that tell whether a store was made under this key.
    [[nodiscard]] const base::Bytes& check_value() const { return check_value_; }

  private:
    MasterKey(base::SecretBytes sealing_key, base::Bytes check_value)
        : sealing_key_(std::move(sealing_key)), check_value_(std::move(check_value)) {}
    base::SecretBytes sealing_key_;
    base::Bytes check_value_;
};

/// Reads a file of exactly 32 raw bytes. Errors: key_file_unreadable, key_file_invalid.
base::Result<base::SecretBytes> load_key32(const std::filesystem::path& path);

}  // namespace kbs
