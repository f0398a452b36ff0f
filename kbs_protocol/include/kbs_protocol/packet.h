// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "base/secret_bytes.h"
#include "kbs_protocol/resource_id.h"

namespace kbs_protocol {

/// Longest annotation packet that is read or made; a usual one has some 400 bytes.
inline constexpr std::size_t max_packet_bytes = std::size_t{64} * 1024;
/// Longest plaintext that always fits a packet; a layer's private options have 193 bytes.
inline constexpr std::size_t max_packet_plaintext_bytes = 48'000;

enum class WrapType : std::uint8_t {
    a256gcm,  ///< iv of 12 bytes, 16-byte tag behind the ciphertext, no additional data
    a256ctr   ///< iv of 16 bytes, unauthenticated: nobody writes it any more (coco-guest.md §1.5)
};

/// An annotation packet of CoCo (coco-guest.md §0, §1.6, §2.2): a layer's private options wrapped under a KEK.
/// `key_id` is not authenticated by anything: a registry can change it, and then unwrapping fails.
struct AnnotationPacket {
    ResourceId key_id;
    base::Bytes wrapped_data;
    base::Bytes iv;
    WrapType wrap_type;
};

/// Reads V1, and V2 whose provider is "kbs". Strict where it counts: canonical base64, exact `wrap_type`, the iv's
/// length, no duplicate members, at most `max_packet_bytes`. Unknown members are ignored [coco-guest §2.2].
/// Errors: packet_invalid (naming the member), packet_foreign (naming the provider that owns the packet).
base::Result<AnnotationPacket> parse_packet(std::string_view text);

/// The bytes of V1 that every reader takes: kid, wrapped_data, iv, wrap_type in this order, compact, no escapes.
std::string serialize_packet(const AnnotationPacket& packet);

/// Wraps `plaintext` under `kek` with A256GCM and a fresh nonce.
/// Errors: key_invalid (size of the KEK), input_too_large (over `max_packet_plaintext_bytes`).
base::Result<AnnotationPacket> seal_packet(const ResourceId& key_id, base::ByteView kek, base::ByteView plaintext);

enum class LegacyCtr : std::uint8_t {
    refuse,
    insecure_allow  ///< only where the operator said --allow-legacy-unauthenticated
};

/// Errors: key_invalid (size of the KEK), packet_unauthenticated (A256CTR without permission), decryption_failed for
/// everything that depends on the key.
base::Result<base::SecretBytes> open_packet(const AnnotationPacket& packet, base::ByteView kek, LegacyCtr ctr);

}  // namespace kbs_protocol
