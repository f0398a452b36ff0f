// SPDX-License-Identifier: Apache-2.0
#include "kbs_protocol/kek.h"

#include <doctest/doctest.h>

#include "base/encoding.h"

TEST_CASE("the key check value is the one that python's hmac computes") {
    // python3 -c 'import hmac; print(hmac.new(bytes(range(32)), b"ocicrypt-kbs key check value v1",
    // "sha256").hexdigest()[:16])'
    const auto kek = base::hex_decode("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f");
    CHECK(kbs_protocol::key_check_value(*kek) == "36e42336754cc526");
}

TEST_CASE("fresh KEKs have 32 bytes and differ") {
    const auto a = kbs_protocol::generate_kek();
    const auto b = kbs_protocol::generate_kek();
    CHECK(a.size() == kbs_protocol::kek_size);
    CHECK(!(a == b));
    CHECK(kbs_protocol::key_check_value(a.view()) != kbs_protocol::key_check_value(b.view()));
}
