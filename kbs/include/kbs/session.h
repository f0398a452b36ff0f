// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"
#include "base/secret_bytes.h"
#include "kbs/random.h"

namespace kbs {

/// What `/auth` asked of a node.
struct Challenge {
    std::string nonce;  ///< base64 of 32 bytes, as sent
    std::string tee;    ///< wire name (kbs-protocol §1.9)
    base::TimePoint expires;
};

/// A node whose evidence was verified. Made by `/attest` only, carried by session cookies and tokens.
struct AttestedNode {
    std::string tee;
    /// The "annotated evidence" of kbs-protocol §4.1: {"<tee>":{claims}, "report_data", "init_data",
    /// "init_data_claims", "runtime_data_claims":{"additional-evidence","nonce","tee-pubkey"}}
    base::json::Value evidence;

    /// For logs and audit: the name its attestation key was enrolled under.
    [[nodiscard]] std::string name() const;
    /// The JWK that answers are encrypted to. Errors: session_invalid.
    [[nodiscard]] base::Result<const base::json::Value*> tee_key() const;
    /// What release policies see: {"tee", "<tee>":{claims}, "report_data", "init_data"}.
    [[nodiscard]] base::json::Value policy_input() const;
};

/// Challenges and sessions live at the client: the broker seals them and remembers nothing, so that any replica with
/// the same sealing key can go on where another began.
///
/// A blob is base64url of: format byte 1, kind byte, expiry (seconds since 1970, big-endian 64 bit), salt (16), nonce
/// (12), AES-256-GCM of the deflated JSON payload. The key is HMAC-SHA256(sealing key, label || salt): fresh for each
/// blob, so that random nonces cannot run out. Kind and expiry are authenticated with it.
class Sealer {
  public:
    /// Errors: key_file_invalid where `key` is not 32 bytes.
    static base::Result<Sealer> create(base::ByteView key, Random random);

    [[nodiscard]] base::Result<std::string> seal(const Challenge& challenge) const;
    [[nodiscard]] base::Result<std::string> seal(const AttestedNode& node, base::TimePoint expires) const;

    /// Errors: session_invalid (not ours, changed, or of the other kind), session_expired.
    [[nodiscard]] base::Result<Challenge> open_challenge(std::string_view blob, base::TimePoint now) const;
    [[nodiscard]] base::Result<AttestedNode> open_session(std::string_view blob, base::TimePoint now) const;

  private:
    enum class Kind : std::uint8_t { challenge = 1, session = 2 };
    Sealer(base::SecretBytes key, Random random) : key_(std::move(key)), random_(std::move(random)) {}
    [[nodiscard]] base::Result<std::string> seal(Kind kind, base::TimePoint expires,
                                                 const base::json::Value& payload) const;
    struct Opened {
        base::json::Value payload;
        base::TimePoint expires;
    };
    [[nodiscard]] base::Result<Opened> open(Kind kind, std::string_view blob, base::TimePoint now) const;
    [[nodiscard]] base::SecretBytes key_for(base::ByteView salt) const;

    base::SecretBytes key_;
    Random random_;
};

}  // namespace kbs
