// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "base/secret_bytes.h"
#include "kbs_protocol/resource_id.h"

// Our messages beside Trustee's: described for other implementers in docs/protocol.md.
// Errors of all parsers: json_invalid, encoding_invalid (each naming the member), input_too_large.

namespace kbs_protocol {

/// Most packets in one request: more layers than any registry takes in an image.
inline constexpr std::size_t max_unwrap_packets = 256;

/// POST /unwrap: packets as they stand in the image, each at most `max_packet_bytes`; 1 to `max_unwrap_packets`.
/// Packets are opaque here, so that one that cannot be read fails alone.
struct UnwrapRequest {
    std::vector<std::string> packets;
};
base::Result<UnwrapRequest> parse_unwrap_request(std::string_view text);
std::string serialize(const UnwrapRequest& request);

/// The plaintext of the JWE that answers POST /unwrap: for each packet, in order, its plaintext or why not.
/// A code that our registry does not have becomes kbs_refused with the code in the detail.
struct UnwrapResponse {
    std::vector<base::Result<base::SecretBytes>> results;
};
base::Result<UnwrapResponse> parse_unwrap_response(std::string_view text);
base::WipingString serialize(const UnwrapResponse& response);

/// POST /wrap: plaintexts to wrap under an existing KEK that stays in the broker.
struct WrapRequest {
    ResourceId key_id;
    std::vector<base::SecretBytes> plaintexts;  ///< 1 to `max_unwrap_packets`
};
base::Result<WrapRequest> parse_wrap_request(std::string_view text);
base::WipingString serialize(const WrapRequest& request);

/// The answer to POST /wrap: one V1 packet per plaintext, in order.
struct WrapResponse {
    std::vector<std::string> packets;
};
base::Result<WrapResponse> parse_wrap_response(std::string_view text);
std::string serialize(const WrapResponse& response);

/// What an attested guest may do with a key.
enum class KeyUsage : std::uint8_t {
    unwrap_only,  ///< the broker unwraps with it; the key never leaves
    exportable    ///< GET resource gives it to the guest, as every Trustee does
};
/// "unwrap-only", "exportable"
std::string_view key_usage_name(KeyUsage usage);
/// Errors: parameter_invalid.
base::Result<KeyUsage> key_usage_from_name(std::string_view name);

/// GET /key/r/t/g: what a key is, without the key.
struct KeyMetadata {
    ResourceId key_id;
    KeyUsage usage;
    std::string policy;           ///< name of its release policy; empty: none, so it is never released
    std::string key_check_value;  ///< see kek.h
    std::int64_t version;         ///< 1 at first, one more at each overwrite
    std::string created;          ///< RFC 3339, UTC
};
base::Result<KeyMetadata> parse_key_metadata(std::string_view text);
/// Members in the order kid, usage, policy (null where there is none), kcv, version, created.
std::string serialize(const KeyMetadata& metadata);

}  // namespace kbs_protocol
