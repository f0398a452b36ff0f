// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/bytes.h"
#include "base/secret_bytes.h"

namespace crypto {

/// Unpredictable bytes from OpenSSL's DRBG, which the operating system seeds. Aborts the process where there is no
/// randomness: no caller has a safe way to go on. Thread-safe; fresh after fork.
void fill_random(std::span<std::uint8_t> out);
base::Bytes random_bytes(std::size_t size);
/// From the generator that serves secrets only, so that public randomness says nothing about keys.
base::SecretBytes random_secret(std::size_t size);

}  // namespace crypto
