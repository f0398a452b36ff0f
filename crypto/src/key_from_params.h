// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "base/bytes.h"
#include "base/result.h"
#include "crypto/key.h"

namespace crypto {

/// Big-endian numbers; those of the private half are empty for a public key.
struct RsaNumbers {
    base::ByteView n, e, d, p, q, dp, dq, qi;
};

/// Keys from their numbers, not yet checked: give them to `adopt`. Errors: crypto_input_invalid.
base::Result<std::shared_ptr<evp_pkey_st>> key_from_rsa(const RsaNumbers& numbers);
/// `private_scalar` is empty for a public key; all are exactly as wide as the curve's field.
base::Result<std::shared_ptr<evp_pkey_st>> key_from_ec(KeyType curve, base::ByteView x, base::ByteView y,
                                                       base::ByteView private_scalar);

}  // namespace crypto
