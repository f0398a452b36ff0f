// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/result.h"
#include "base/secret_bytes.h"
#include "kbs/master_key.h"
#include "kbs/random.h"
#include "kbs_protocol/unwrap.h"

namespace kbs {

/// What may leave the broker: only what the key unwraps, or the key itself too (to an attested node, encrypted).
using kbs_protocol::KeyUsage;
using kbs_protocol::ResourceId;

/// The largest secret that an exportable key may be. An unwrap-only key is a KEK.
constexpr std::size_t max_key_size = 64 * 1024;

/// What may be known of a key without being allowed to use it.
struct KeyInfo {
    ResourceId id;
    KeyUsage usage;
    std::optional<std::string> policy;  ///< without one the key is never released
    std::string kcv;          ///< key check value; empty unless it is a KEK: a password could be guessed by it
    std::int64_t version;     ///< 1, and one more each time the key is replaced
    base::TimePoint created;  ///< of this version
};

struct StoredKey {
    KeyInfo info;
    base::SecretBytes material;
};

/// A key to be put in. What is left out keeps its value where a key is replaced; a new key is then unwrap-only and
/// without policy.
struct NewKey {
    ResourceId id;
    base::ByteView material;
    std::optional<KeyUsage> usage;
    std::optional<std::string> policy;
};

enum class Existing : std::uint8_t { refuse, replace };

struct PolicyInfo {
    std::string name;
    std::string text;
    base::TimePoint updated;
};

/// A TPM attestation key whose quotes are believed.
struct EnrolledAk {
    std::string name;
    base::Bytes spki;  ///< DER SubjectPublicKeyInfo
    base::TimePoint enrolled;
};

/// Who did what to what. Never holds secrets.
struct AuditEntry {
    base::TimePoint time;
    std::string request_id;
    std::string actor;    ///< "cli", an administrator's or a node's name
    std::string action;   ///< "key-create", "release", …
    std::string subject;  ///< URI of a key, name of a policy or AK
    std::string outcome;  ///< "done", "released", or an error code
};

/// Names of policies and AKs: 1 to 64 of [A-Za-z0-9._-], not beginning with '.' or '-'. Errors: input_invalid.
base::Status check_name(std::string_view name, std::string_view what);

/// The broker's memory: one SQLite file (WAL, synchronous=FULL), shared by `serve` and the command line at the same
/// time, safe to call from many threads.
///
/// Guarantees: what was acknowledged survives the death of the process and of the machine; "create if absent" and
/// "spend once" are atomic across processes; key material is in the file only sealed under the master key, bound to
/// kid, version and usage, so that a row can neither be moved to another name nor made exportable in the file.
/// Does not guarantee: that somebody who may write the file cannot delete rows, attach other policies or enrol AKs.
/// Errors: store_failed, unless a function says more.
class Store {
  public:
    /// Makes the file, mode 0600; it must not exist. Errors: file_unwritable.
    static base::Status create(const std::filesystem::path& path, const MasterKey& master_key);
    /// Errors: store_failed for a file that is no store or of another schema; store_locked for another master key.
    static base::Result<std::unique_ptr<Store>> open(const std::filesystem::path& path, MasterKey master_key,
                                                     Random random);
    ~Store();
    Store(const Store&) = delete;
    Store& operator=(const Store&) = delete;

    /// Durable when it returns. The audit entry is written in the same transaction.
    /// Errors: key_invalid (size), key_exists (only with Existing::refuse), policy_missing (no policy of that name).
    base::Result<KeyInfo> put_key(const NewKey& key, Existing existing, const AuditEntry& audit);
    /// Attaches another policy, or none. Errors: key_not_found, policy_missing.
    base::Status set_key_policy(const ResourceId& id, const std::optional<std::string>& policy,
                                const AuditEntry& audit);
    /// Errors: key_not_found.
    base::Result<KeyInfo> key_info(const ResourceId& id);
    /// Errors: key_not_found; store_locked where the row was changed in the file.
    base::Result<StoredKey> load_key(const ResourceId& id);
    base::Result<std::vector<KeyInfo>> list_keys();
    /// Errors: key_not_found.
    base::Status delete_key(const ResourceId& id, const AuditEntry& audit);

    /// Creates or replaces. The text is not looked at: parse it before.
    base::Status put_policy(std::string_view name, std::string_view text, const AuditEntry& audit);
    /// Errors: policy_missing.
    base::Result<PolicyInfo> load_policy(std::string_view name);
    base::Result<std::vector<PolicyInfo>> list_policies();

    /// Enrolling the same key under the same name again changes nothing. Errors: key_exists where the name has another
    /// key or the key another name.
    base::Status enroll_ak(std::string_view name, base::ByteView spki, const AuditEntry& audit);
    base::Result<std::optional<EnrolledAk>> find_ak(base::ByteView spki);
    base::Result<std::vector<EnrolledAk>> list_aks();
    /// Errors: key_not_found.
    base::Status remove_ak(std::string_view name, const AuditEntry& audit);

    /// True for exactly one caller, in whatever process. Forgotten an hour after `expires`, when no clock that was set
    /// back can bring the challenge to life again.
    base::Result<bool> spend_nonce(base::ByteView nonce, base::TimePoint expires, base::TimePoint now);

    /// Durable when it returns. The oldest beyond a million entries go.
    base::Status record(std::span<const AuditEntry> entries);
    base::Result<std::vector<AuditEntry>> list_audit();

    /// Takes and gives back the write lock.
    base::Status check_writable();

  private:
    struct Connections;
    Store(std::unique_ptr<Connections> connections, MasterKey master_key, Random random);
    std::unique_ptr<Connections> connections_;
    MasterKey master_key_;
    Random random_;
};

}  // namespace kbs
