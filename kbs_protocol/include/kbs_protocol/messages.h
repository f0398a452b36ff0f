// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"
#include "crypto/digest.h"

namespace kbs_protocol {

/// The one version of the protocol; there is no negotiation (kbs-protocol.md §1.11).
inline constexpr std::string_view protocol_version = "0.4.0";
/// Longest message either side reads: Trustee's limit for bodies.
inline constexpr std::size_t max_message_bytes = std::size_t{2} * 1024 * 1024;
/// The cookie that carries a session. It has no Path of its own, so it lives under /kbs/v0 (kbs-protocol.md §0.8).
inline constexpr std::string_view session_cookie = "kbs-session-id";

// Parsers ignore members they do not know, as all peers do, and refuse duplicates.
// Errors of all: json_invalid (naming the member), input_too_large.

/// [kbs-protocol §1.2] POST /auth.
struct Request {
    std::string version;
    std::string tee;  ///< wire name, kbs-protocol.md §1.9
    base::json::Value extra_params;
};
base::Result<Request> parse_request(std::string_view text);
std::string serialize(const Request& request);
/// What the real guest sends.
Request guest_request(std::string_view tee);
/// Errors: kbs_version.
base::Status check_version(const Request& request);

/// [kbs-protocol §1.2] The answer to POST /auth. Trustee's nonce is standard base64 of 32 bytes, or a JSON text for IBM
/// SE: for everyone but its maker it is text that comes back unchanged.
struct Challenge {
    std::string nonce;
    base::json::Value extra_params;
};
base::Result<Challenge> parse_challenge(std::string_view text);
std::string serialize(const Challenge& challenge);
/// [coco-guest §3.2, §7.4 H] The digest of the runtime data: SHA-384 unless `selected-hash-algorithm` says another, in
/// any case. Errors: kbs_protocol (not a string, or an algorithm we do not have).
base::Result<crypto::HashAlgorithm> selected_hash(const Challenge& challenge);

struct InitData {
    std::string format;  ///< "toml" is the only one in use
    std::string body;
};

/// [kbs-protocol §1.3] POST /attest.
struct Attestation {
    std::optional<InitData> init_data;
    std::string nonce;
    base::json::Value tee_pubkey;  ///< JWK
    base::json::Value primary_evidence;
    /// Text of a JSON object {"<tee>": evidence} or empty; hashed as these very bytes (kbs-protocol.md §0.7).
    std::string additional_evidence;
};
base::Result<Attestation> parse_attestation(std::string_view text);
std::string serialize(const Attestation& attestation);

/// [kbs-protocol §1.3] The answer to POST /attest: {"token": …}.
base::Result<std::string> parse_token_response(std::string_view text);
std::string serialize_token_response(std::string_view token);

/// [kbs-protocol §1.8] The body of every error. Trustee sends `type` and `detail`; the others are ours.
struct ErrorBody {
    std::string variant;     ///< `type` without its URL prefix: "PolicyDeny"
    std::string detail;      ///< one sentence
    std::string code;        ///< stable kebab-case name; empty where a Trustee answers
    std::string hint;        ///< what to do about it
    std::string request_id;  ///< to find the line in the broker's log
};
/// Untrusted text: print through base::printable_line.
base::Result<ErrorBody> parse_error_body(std::string_view text);
/// Empty members beyond `type` and `detail` are left out.
std::string serialize(const ErrorBody& error);

}  // namespace kbs_protocol
