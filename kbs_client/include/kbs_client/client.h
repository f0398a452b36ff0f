// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "attestation/collect/attester.h"
#include "base/bytes.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"
#include "base/secret_bytes.h"
#include "crypto/key.h"
#include "kbs_protocol/resource_id.h"
#include "kbs_protocol/unwrap.h"
#include "net/http_client.h"

namespace kbs_client {

/// What one handshake gave.
struct Session {
    std::string tee;              ///< wire name of what vouched for this machine
    std::string token;            ///< the broker's attestation token
    std::string cookie;           ///< value of kbs-session-id
    crypto::PrivateKey tee_key;   ///< answers are encrypted to it; fresh for each session
    base::TimePoint expires;      ///< by our clock, from the token's own lifetime
    base::TimePoint renew_after;  ///< when a new handshake is due, some time before that
    /// The token's claims, to show to people: nobody has verified their signature. Null where they cannot be read.
    base::json::Value unverified_claims;
};

/// Signs the token by which a publisher or administrator is known: Ed25519 (EdDSA) or P-256 (ES256).
struct AdminCredential {
    crypto::PrivateKey key;
    std::string role;      ///< "publisher" or "admin"
    std::string issuer;    ///< left out where empty
    std::string audience;  ///< left out where empty
};

struct ClientOptions {
    /// "https://broker:8080", what stands before "/kbs/v0"; http:// is for the HTTP client to allow.
    std::string url;
    std::shared_ptr<net::HttpClient> http;
    /// Called for each handshake; empty where this machine never attests.
    std::function<base::Result<std::unique_ptr<attestation::collect::Attester>>()> attester;
    std::optional<AdminCredential> admin;
    base::Clock clock = base::system_now;
    /// For one operation with all its requests and waiting. A request under way is ended by the HTTP client's own
    /// time-out; none is begun after the deadline.
    std::chrono::milliseconds deadline{30'000};
    /// How long a failed handshake answers for those that would follow, so that repeated failure is cheap.
    std::chrono::milliseconds failure_hold{1'000};
    /// Makes the TEE key of a session; empty: a fresh P-256 key. For tests with published vectors.
    std::function<base::Result<crypto::PrivateKey>()> tee_key;
};

enum class CreateOnly : bool { no, yes };
enum class Registration : bool { created, existed };

/// A client of one key broker. Thread-safe: all threads share one session, and only one of them attests at a time.
///
/// `request_id` (16 to 64 characters of [A-Za-z0-9-]) goes with every request of an operation as X-Request-Id, so that
/// the broker's log knows it.
///
/// Errors of all operations: what the broker says, under its own code where the registry has it (else kbs_refused),
/// with its hint as the remedy; kbs_unreachable, kbs_timeout, kbs_untrusted; kbs_protocol (an answer that makes no
/// sense); path_unknown (the broker has no such operation: a Trustee lacks unwrap, key and wrap); overloaded;
/// deadline_exceeded.
class Client {
  public:
    /// Opens no connection. Errors: config_invalid (the URL, the type of the admin's key).
    static base::Result<std::unique_ptr<Client>> create(ClientOptions options);
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;
    ~Client();

    // The guest's side. A session that the broker no longer knows is renewed once; a refusal is final.
    // Errors also: attester_unavailable, evidence_failed.

    /// The session of all guest operations, after a handshake where none lives.
    base::Result<std::shared_ptr<const Session>> attest(std::string_view request_id);

    /// Has the broker unwrap annotation packets, as they stand in the image, 1 to `max_unwrap_packets` of them. The
    /// result has one entry per packet, in order.
    base::Result<std::vector<base::Result<base::SecretBytes>>> unwrap(std::span<const std::string> packets,
                                                                      std::string_view request_id);

    /// The secret itself. Refused (key_not_exportable) for keys that stay in the broker.
    base::Result<base::SecretBytes> fetch_resource(const kbs_protocol::ResourceId& key_id, std::string_view request_id);

    // The publisher's side. Errors also: admin_refused (without a credential, too).

    /// nullopt: the broker has no such key.
    base::Result<std::optional<kbs_protocol::KeyMetadata>> fetch_key(const kbs_protocol::ResourceId& key_id,
                                                                     std::string_view request_id);

    /// Stores a key. With `CreateOnly::yes` an existing key stays as it is, except in a Trustee, which always replaces.
    base::Result<Registration> register_key(const kbs_protocol::ResourceId& key_id, base::ByteView key,
                                            kbs_protocol::KeyUsage usage, std::string_view policy,
                                            CreateOnly create_only, std::string_view request_id);

    /// Wraps plaintexts under a key that stays in the broker; one V1 packet each, in order.
    base::Result<std::vector<std::string>> wrap(const kbs_protocol::ResourceId& key_id,
                                                std::vector<base::SecretBytes> plaintexts, std::string_view request_id);

  private:
    struct State;
    explicit Client(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

}  // namespace kbs_client
