// SPDX-License-Identifier: Apache-2.0
// Prints the nanoseconds that opening a packet takes, and those of AES-256-GCM alone over the same bytes.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "base/bytes.h"
#include "crypto/aead.h"
#include "crypto/random.h"
#include "kbs_protocol/packet.h"
#include "kbs_protocol/resource_id.h"

namespace {

template <typename Operation>
double nanoseconds(Operation operation) {
    constexpr int runs = 20'000;
    const auto began = std::chrono::steady_clock::now();
    for (int run = 0; run < runs; ++run) {
        if (!operation()) std::abort();
    }
    const std::chrono::duration<double, std::nano> took = std::chrono::steady_clock::now() - began;
    return took.count() / runs;
}

}  // namespace

int main() {
    const auto kek = crypto::random_secret(crypto::aes256_key_size);
    const auto key_id = kbs_protocol::ResourceId::parse("kbs:///bench/kek/one");
    const std::string options(193, 'x');  // as long as a layer's private options
    if (!key_id) return 1;
    const auto packet = kbs_protocol::seal_packet(*key_id, kek.view(), base::as_bytes(options));
    if (!packet) return 1;
    const std::string text = kbs_protocol::serialize_packet(*packet);
    const double open = nanoseconds([&] {
        const auto parsed = kbs_protocol::parse_packet(text);
        return parsed && kbs_protocol::open_packet(*parsed, kek.view(), kbs_protocol::LegacyCtr::refuse);
    });
    // The same cipher over the same bytes, into memory that is not locked.
    const double bare = nanoseconds(
        [&] { return crypto::aes256gcm_seal(kek.view(), packet->iv, {}, base::as_bytes(options)).has_value(); });
    std::printf("%.0f %.0f\n", open, bare);
    return 0;
}
