// SPDX-License-Identifier: Apache-2.0
#include "kbs_protocol/kek.h"

#include "base/encoding.h"
#include "crypto/mac.h"
#include "crypto/random.h"

namespace kbs_protocol {

base::SecretBytes generate_kek() {
    return crypto::random_secret(kek_size);
}

std::string key_check_value(base::ByteView kek) {
    const crypto::Sha256Digest mac = crypto::hmac_sha256(kek, base::as_bytes("ocicrypt-kbs key check value v1"));
    return base::hex_encode(base::ByteView(mac).first(8));
}

}  // namespace kbs_protocol
