// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>

#include "base/bytes.h"
#include "base/secret_bytes.h"

namespace kbs_protocol {

/// A key encryption key (KEK) is an AES-256 key.
inline constexpr std::size_t kek_size = 32;

/// A fresh random KEK.
base::SecretBytes generate_kek();

/// Sixteen lower-case hex digits by which two parties see whether they hold the same key: the first 8 bytes of
/// HMAC-SHA256(kek, "ocicrypt-kbs key check value v1"). It says nothing else about a random key and may be shown.
std::string key_check_value(base::ByteView kek);

}  // namespace kbs_protocol
