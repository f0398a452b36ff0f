// SPDX-License-Identifier: Apache-2.0
#include "kbs/store.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <mutex>

#include "base/byte_writer.h"
#include "base/encoding.h"
#include "base/fd.h"
#include "kbs_protocol/kek.h"
#include "sqlite.h"

namespace kbs {

using base::ByteView;
using base::ErrorCode;
using base::Fail;
using base::Result;
using base::Status;
using base::TimePoint;
using sqlite::Connection;
using sqlite::Statement;
using sqlite::Transaction;

using kbs_protocol::kek_size;

namespace {

constexpr std::int64_t schema_version = 1;
constexpr std::int64_t max_audit_entries = 1'000'000;
constexpr std::chrono::hours nonce_retention{1};

// "okbs": tells a store from any other SQLite file.
constexpr std::int64_t application_id = 0x6f6b6273;

constexpr const char* schema = R"sql(
CREATE TABLE master_key(check_value BLOB NOT NULL) STRICT;
CREATE TABLE policies(
  name TEXT PRIMARY KEY,
  text TEXT NOT NULL,
  updated INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE keys(
  kid TEXT PRIMARY KEY,
  usage TEXT NOT NULL CHECK (usage IN ('unwrap-only', 'exportable')),
  policy TEXT REFERENCES policies(name) ON DELETE RESTRICT,
  kcv TEXT NOT NULL,
  version INTEGER NOT NULL,
  created INTEGER NOT NULL,
  sealed BLOB NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE aks(
  name TEXT PRIMARY KEY,
  spki BLOB NOT NULL UNIQUE,
  enrolled INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE nonces(
  nonce BLOB PRIMARY KEY,
  expires INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE INDEX nonces_by_expiry ON nonces(expires);
CREATE TABLE audit(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  time INTEGER NOT NULL,
  request_id TEXT NOT NULL,
  actor TEXT NOT NULL,
  action TEXT NOT NULL,
  subject TEXT NOT NULL,
  outcome TEXT NOT NULL) STRICT;
PRAGMA application_id = 1869308531;
PRAGMA user_version = 1;
)sql";
static_assert(application_id == 1869308531 && schema_version == 1);

std::int64_t seconds(TimePoint time) {
    return time.time_since_epoch().count();
}
TimePoint time_point(std::int64_t seconds) {
    return TimePoint(std::chrono::seconds(seconds));
}

Result<std::int64_t> pragma(Connection& connection, const char* sql) {
    TRY_ASSIGN(Statement statement, connection.prepare(sql));
    TRY(statement.step());
    return statement.integer(0);
}

Result<Connection> connect(const std::filesystem::path& path) {
    TRY_ASSIGN(Connection connection, Connection::open(path));
    TRY(connection.execute("PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA secure_delete = ON;"));
    return connection;
}

Status write_audit(Connection& connection, const AuditEntry& entry) {
    TRY_ASSIGN(Statement insert,
               connection.prepare("INSERT INTO audit(time, request_id, actor, action, subject, outcome) "
                                  "VALUES (?, ?, ?, ?, ?, ?)"));
    TRY(insert.bind(seconds(entry.time))
            .bind(std::string_view(entry.request_id))
            .bind(std::string_view(entry.actor))
            .bind(std::string_view(entry.action))
            .bind(std::string_view(entry.subject))
            .bind(std::string_view(entry.outcome))
            .run());
    TRY_ASSIGN(Statement prune, connection.prepare("DELETE FROM audit WHERE id <= last_insert_rowid() - ?"));
    return prune.bind(max_audit_entries).run();
}

/// What a sealed key is bound to. Every part has its length before it: no two keys share a context.
base::Bytes key_context(const ResourceId& id, std::int64_t version, KeyUsage usage) {
    base::ByteWriter out;
    out.sized_be16(base::as_bytes("ocicrypt-kbs key v1"));
    out.sized_be16(base::as_bytes(id.uri()));
    out.be64(static_cast<std::uint64_t>(version));
    out.sized_be16(base::as_bytes(kbs_protocol::key_usage_name(usage)));
    return std::move(out).take();
}

Result<KeyInfo> key_from_row(const Statement& row) {
    TRY_ASSIGN(const KeyUsage usage, kbs_protocol::key_usage_from_name(row.text(1)));
    TRY_ASSIGN(ResourceId id, ResourceId::parse(row.text(0)));
    return KeyInfo{.id = std::move(id),
                   .usage = usage,
                   .policy = row.optional_text(2),
                   .kcv = row.text(3),
                   .version = row.integer(4),
                   .created = time_point(row.integer(5))};
}

Result<std::optional<KeyInfo>> find_key(Connection& connection, const ResourceId& id) {
    const std::string uri = id.uri();
    TRY_ASSIGN(Statement select,
               connection.prepare("SELECT kid, usage, policy, kcv, version, created FROM keys WHERE kid = ?"));
    TRY_ASSIGN(const bool found, select.bind(std::string_view(uri)).step());
    if (!found) return std::optional<KeyInfo>();
    TRY_ASSIGN(KeyInfo info, key_from_row(select));
    return std::optional(std::move(info));
}

Fail no_such_key(const ResourceId& id) {
    return Fail(ErrorCode::key_not_found, id.uri());
}

Status require_policy(Connection& connection, const std::optional<std::string>& policy) {
    if (!policy) return {};
    TRY_ASSIGN(Statement select, connection.prepare("SELECT 1 FROM policies WHERE name = ?"));
    TRY_ASSIGN(const bool found, select.bind(std::string_view(*policy)).step());
    if (!found) return Fail(ErrorCode::policy_missing, fmt::format("no policy is named {}", *policy));
    return {};
}

}  // namespace

Status check_name(std::string_view name, std::string_view what) {
    const auto allowed = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
               c == '-';
    };
    if (name.empty() || name.size() > 64 || name.front() == '.' || name.front() == '-' ||
        !std::ranges::all_of(name, allowed))
        return Fail(ErrorCode::input_invalid,
                    fmt::format("the name of {} is 1 to 64 of A-Z a-z 0-9 . _ - and begins with none of . -", what));
    return {};
}

/// Readers do not wait for the disk: in WAL mode they see the last commit while a writer syncs.
struct Store::Connections {
    Connection writer;
    Connection reader;
    std::mutex write_mutex;
    std::mutex read_mutex;
};

Store::Store(std::unique_ptr<Connections> connections, MasterKey master_key, Random random)
    : connections_(std::move(connections)), master_key_(std::move(master_key)), random_(std::move(random)) {}
Store::~Store() = default;

Status Store::create(const std::filesystem::path& path, const MasterKey& master_key) {
    TRY(base::create_file(path, {}, 0600));
    TRY_ASSIGN(Connection connection, connect(path));
    TRY(connection.execute("PRAGMA journal_mode = WAL"));
    TRY_ASSIGN(Transaction transaction, Transaction::begin(connection));
    TRY(connection.execute(schema));
    TRY_ASSIGN(Statement insert, connection.prepare("INSERT INTO master_key(check_value) VALUES (?)"));
    TRY(insert.bind(ByteView(master_key.check_value())).run());
    return transaction.commit();
}

Result<std::unique_ptr<Store>> Store::open(const std::filesystem::path& path, MasterKey master_key, Random random) {
    TRY_ASSIGN(Connection writer, connect(path));
    TRY_ASSIGN(const std::int64_t application, pragma(writer, "PRAGMA application_id"));
    if (application != application_id)
        return Fail(ErrorCode::store_failed, fmt::format("{} is no store of ocicrypt-kbs", path.string()));
    TRY_ASSIGN(const std::int64_t version, pragma(writer, "PRAGMA user_version"));
    if (version != schema_version)
        return Fail(ErrorCode::store_failed, fmt::format("{} has schema version {}, this program knows version {}",
                                                         path.string(), version, schema_version));
    {
        TRY_ASSIGN(Statement select, writer.prepare("SELECT check_value FROM master_key"));
        TRY_ASSIGN(const bool found, select.step());
        if (!found || !base::equal_constant_time(select.blob(0), master_key.check_value()))
            return Fail(ErrorCode::store_locked, fmt::format("{} was made with another master key", path.string()));
    }
    TRY_ASSIGN(Connection reader, connect(path));
    auto connections = std::make_unique<Connections>(std::move(writer), std::move(reader));
    return std::unique_ptr<Store>(new Store(std::move(connections), std::move(master_key), std::move(random)));
}

Result<KeyInfo> Store::put_key(const NewKey& key, Existing existing, const AuditEntry& audit) {
    const std::lock_guard lock(connections_->write_mutex);
    Connection& connection = connections_->writer;
    TRY_ASSIGN(Transaction transaction, Transaction::begin(connection));

    TRY_ASSIGN(const std::optional<KeyInfo> old, find_key(connection, key.id));
    if (old && existing == Existing::refuse) return Fail(ErrorCode::key_exists, key.id.uri());
    KeyInfo info{.id = key.id,
                 .usage = key.usage.value_or(old ? old->usage : KeyUsage::unwrap_only),
                 .policy = key.policy ? key.policy : (old ? old->policy : std::nullopt),
                 .kcv = {},
                 .version = old ? old->version + 1 : 1,
                 .created = audit.time};
    if (info.usage == KeyUsage::unwrap_only && key.material.size() != kek_size)
        return Fail(
            base::Error(ErrorCode::key_invalid, fmt::format("an unwrap-only key is a KEK of {} bytes; this has {}",
                                                            kek_size, key.material.size()))
                .with_remedy("send 32 raw bytes, or say usage=exportable for another secret"));
    if (key.material.empty() || key.material.size() > max_key_size)
        return Fail(base::Error(ErrorCode::key_invalid,
                                fmt::format("a key has 1 to {} bytes; this has {}", max_key_size, key.material.size()))
                        .with_remedy("send the raw bytes of the secret"));
    TRY(require_policy(connection, info.policy));
    if (key.material.size() == kek_size) info.kcv = kbs_protocol::key_check_value(key.material);

    TRY_ASSIGN(const base::Bytes sealed,
               master_key_.seal(key.material, key_context(info.id, info.version, info.usage), random_));
    const std::string uri = info.id.uri();
    TRY_ASSIGN(Statement insert, connection.prepare("INSERT OR REPLACE INTO keys(kid, usage, policy, kcv, version, "
                                                    "created, sealed) VALUES (?, ?, ?, ?, ?, ?, ?)"));
    TRY(insert.bind(std::string_view(uri))
            .bind(kbs_protocol::key_usage_name(info.usage))
            .bind(info.policy)
            .bind(std::string_view(info.kcv))
            .bind(info.version)
            .bind(seconds(info.created))
            .bind(ByteView(sealed))
            .run());
    TRY(write_audit(connection, audit));
    TRY(transaction.commit());
    return info;
}

Status Store::set_key_policy(const ResourceId& id, const std::optional<std::string>& policy, const AuditEntry& audit) {
    const std::lock_guard lock(connections_->write_mutex);
    Connection& connection = connections_->writer;
    TRY_ASSIGN(Transaction transaction, Transaction::begin(connection));
    TRY(require_policy(connection, policy));
    const std::string uri = id.uri();
    TRY_ASSIGN(Statement update, connection.prepare("UPDATE keys SET policy = ? WHERE kid = ?"));
    TRY(update.bind(policy).bind(std::string_view(uri)).run());
    if (connection.changed_rows() == 0) return no_such_key(id);
    TRY(write_audit(connection, audit));
    return transaction.commit();
}

Result<KeyInfo> Store::key_info(const ResourceId& id) {
    const std::lock_guard lock(connections_->read_mutex);
    TRY_ASSIGN(std::optional<KeyInfo> info, find_key(connections_->reader, id));
    if (!info) return no_such_key(id);
    return std::move(*info);
}

Result<StoredKey> Store::load_key(const ResourceId& id) {
    const std::lock_guard lock(connections_->read_mutex);
    const std::string uri = id.uri();
    TRY_ASSIGN(Statement select,
               connections_->reader.prepare(
                   "SELECT kid, usage, policy, kcv, version, created, sealed FROM keys WHERE kid = ?"));
    TRY_ASSIGN(const bool found, select.bind(std::string_view(uri)).step());
    if (!found) return no_such_key(id);
    TRY_ASSIGN(KeyInfo info, key_from_row(select));
    auto material = master_key_.open(select.blob(6), key_context(info.id, info.version, info.usage));
    if (!material)
        return Fail(base::Error(ErrorCode::store_locked, fmt::format("the stored key {} was changed in the file", uri))
                        .with_remedy("restore the store from a backup"));
    return StoredKey{std::move(info), std::move(*material)};
}

Result<std::vector<KeyInfo>> Store::list_keys() {
    const std::lock_guard lock(connections_->read_mutex);
    TRY_ASSIGN(Statement select,
               connections_->reader.prepare("SELECT kid, usage, policy, kcv, version, created FROM keys ORDER BY kid"));
    std::vector<KeyInfo> keys;
    while (true) {
        TRY_ASSIGN(const bool found, select.step());
        if (!found) return keys;
        TRY_ASSIGN(KeyInfo info, key_from_row(select));
        keys.push_back(std::move(info));
    }
}

Status Store::delete_key(const ResourceId& id, const AuditEntry& audit) {
    const std::lock_guard lock(connections_->write_mutex);
    Connection& connection = connections_->writer;
    TRY_ASSIGN(Transaction transaction, Transaction::begin(connection));
    const std::string uri = id.uri();
    TRY_ASSIGN(Statement remove, connection.prepare("DELETE FROM keys WHERE kid = ?"));
    TRY(remove.bind(std::string_view(uri)).run());
    if (connection.changed_rows() == 0) return no_such_key(id);
    TRY(write_audit(connection, audit));
    return transaction.commit();
}

Status Store::put_policy(std::string_view name, std::string_view text, const AuditEntry& audit) {
    TRY(check_name(name, "a policy"));
    const std::lock_guard lock(connections_->write_mutex);
    Connection& connection = connections_->writer;
    TRY_ASSIGN(Transaction transaction, Transaction::begin(connection));
    // Not INSERT OR REPLACE: that deletes the row first, and keys refer to it.
    TRY_ASSIGN(Statement upsert,
               connection.prepare("INSERT INTO policies(name, text, updated) VALUES (?, ?, ?) ON CONFLICT(name) DO "
                                  "UPDATE SET text = excluded.text, updated = excluded.updated"));
    TRY(upsert.bind(name).bind(text).bind(seconds(audit.time)).run());
    TRY(write_audit(connection, audit));
    return transaction.commit();
}

Result<PolicyInfo> Store::load_policy(std::string_view name) {
    const std::lock_guard lock(connections_->read_mutex);
    TRY_ASSIGN(Statement select,
               connections_->reader.prepare("SELECT name, text, updated FROM policies WHERE name = ?"));
    TRY_ASSIGN(const bool found, select.bind(name).step());
    if (!found)
        return Fail(ErrorCode::policy_missing, fmt::format("no policy is named {}", base::printable_line(name, 64)));
    return PolicyInfo{select.text(0), select.text(1), time_point(select.integer(2))};
}

Result<std::vector<PolicyInfo>> Store::list_policies() {
    const std::lock_guard lock(connections_->read_mutex);
    TRY_ASSIGN(Statement select,
               connections_->reader.prepare("SELECT name, text, updated FROM policies ORDER BY name"));
    std::vector<PolicyInfo> policies;
    while (true) {
        TRY_ASSIGN(const bool found, select.step());
        if (!found) return policies;
        policies.push_back({select.text(0), select.text(1), time_point(select.integer(2))});
    }
}

Status Store::enroll_ak(std::string_view name, ByteView spki, const AuditEntry& audit) {
    TRY(check_name(name, "an attestation key"));
    const std::lock_guard lock(connections_->write_mutex);
    Connection& connection = connections_->writer;
    TRY_ASSIGN(Transaction transaction, Transaction::begin(connection));
    TRY_ASSIGN(Statement select, connection.prepare("SELECT name, spki FROM aks WHERE name = ? OR spki = ?"));
    TRY_ASSIGN(const bool found, select.bind(name).bind(spki).step());
    if (found) {
        const std::string old_name = select.text(0);
        if (old_name == name && base::equal_constant_time(select.blob(1), spki)) return {};
        if (old_name == name)
            return Fail(base::Error(ErrorCode::key_exists, fmt::format("{} is enrolled with another key", name))
                            .with_remedy("choose another name, or remove the old one first: ocicrypt-kbs ak remove"));
        return Fail(base::Error(ErrorCode::key_exists, fmt::format("this key is enrolled already as {}", old_name))
                        .with_remedy("nothing needs to be done, or remove the old name first: ocicrypt-kbs ak remove"));
    }
    TRY_ASSIGN(Statement insert, connection.prepare("INSERT INTO aks(name, spki, enrolled) VALUES (?, ?, ?)"));
    TRY(insert.bind(name).bind(spki).bind(seconds(audit.time)).run());
    TRY(write_audit(connection, audit));
    return transaction.commit();
}

Result<std::optional<EnrolledAk>> Store::find_ak(ByteView spki) {
    const std::lock_guard lock(connections_->read_mutex);
    TRY_ASSIGN(Statement select, connections_->reader.prepare("SELECT name, spki, enrolled FROM aks WHERE spki = ?"));
    TRY_ASSIGN(const bool found, select.bind(spki).step());
    if (!found) return std::optional<EnrolledAk>();
    return std::optional(EnrolledAk{select.text(0), select.blob(1), time_point(select.integer(2))});
}

Result<std::vector<EnrolledAk>> Store::list_aks() {
    const std::lock_guard lock(connections_->read_mutex);
    TRY_ASSIGN(Statement select, connections_->reader.prepare("SELECT name, spki, enrolled FROM aks ORDER BY name"));
    std::vector<EnrolledAk> aks;
    while (true) {
        TRY_ASSIGN(const bool found, select.step());
        if (!found) return aks;
        aks.push_back({select.text(0), select.blob(1), time_point(select.integer(2))});
    }
}

Status Store::remove_ak(std::string_view name, const AuditEntry& audit) {
    const std::lock_guard lock(connections_->write_mutex);
    Connection& connection = connections_->writer;
    TRY_ASSIGN(Transaction transaction, Transaction::begin(connection));
    TRY_ASSIGN(Statement remove, connection.prepare("DELETE FROM aks WHERE name = ?"));
    TRY(remove.bind(name).run());
    if (connection.changed_rows() == 0)
        return Fail(base::Error(ErrorCode::key_not_found,
                                fmt::format("no attestation key is enrolled as {}", base::printable_line(name, 64)))
                        .with_remedy("ocicrypt-kbs ak list shows what is enrolled"));
    TRY(write_audit(connection, audit));
    return transaction.commit();
}

Result<bool> Store::spend_nonce(ByteView nonce, TimePoint expires, TimePoint now) {
    const std::lock_guard lock(connections_->write_mutex);
    Connection& connection = connections_->writer;
    TRY_ASSIGN(Transaction transaction, Transaction::begin(connection));
    TRY_ASSIGN(Statement prune, connection.prepare("DELETE FROM nonces WHERE expires < ?"));
    TRY(prune.bind(seconds(now - nonce_retention)).run());
    TRY_ASSIGN(Statement insert, connection.prepare("INSERT OR IGNORE INTO nonces(nonce, expires) VALUES (?, ?)"));
    TRY(insert.bind(nonce).bind(seconds(expires)).run());
    const bool spent_now = connection.changed_rows() == 1;
    TRY(transaction.commit());
    return spent_now;
}

Status Store::record(std::span<const AuditEntry> entries) {
    const std::lock_guard lock(connections_->write_mutex);
    Connection& connection = connections_->writer;
    TRY_ASSIGN(Transaction transaction, Transaction::begin(connection));
    for (const AuditEntry& entry : entries) TRY(write_audit(connection, entry));
    return transaction.commit();
}

Result<std::vector<AuditEntry>> Store::list_audit() {
    const std::lock_guard lock(connections_->read_mutex);
    TRY_ASSIGN(Statement select,
               connections_->reader.prepare(
                   "SELECT time, request_id, actor, action, subject, outcome FROM audit ORDER BY id"));
    std::vector<AuditEntry> entries;
    while (true) {
        TRY_ASSIGN(const bool found, select.step());
        if (!found) return entries;
        entries.push_back({time_point(select.integer(0)), select.text(1), select.text(2), select.text(3),
                           select.text(4), select.text(5)});
    }
}

Status Store::check_writable() {
    const std::lock_guard lock(connections_->write_mutex);
    TRY_ASSIGN(Transaction transaction, Transaction::begin(connections_->writer));
    return transaction.commit();
}

}  // namespace kbs
