// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <cstdlib>

#include "base/bytes.h"
#include "kbs_protocol/packet.h"

// Whatever is a packet is written as V1 that reads as the same packet, and opening it never does more than fail.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto packet = kbs_protocol::parse_packet(base::as_text({data, size}));
    if (!packet) return 0;
    const std::string text = kbs_protocol::serialize_packet(*packet);
    // Canonical text may be longer than what was read, because the key id is spelled out.
    if (text.size() <= kbs_protocol::max_packet_bytes) {
        const auto again = kbs_protocol::parse_packet(text);
        if (!again || kbs_protocol::serialize_packet(*again) != text) std::abort();
    }
    const base::Bytes kek(32, 0x5a);
    static_cast<void>(kbs_protocol::open_packet(*packet, kek, kbs_protocol::LegacyCtr::insecure_allow));
    return 0;
}
