// SPDX-License-Identifier: Apache-2.0
#include "sqlite.h"

#include <fmt/format.h>

namespace kbs::sqlite {

using base::ErrorCode;
using base::Fail;
using base::Result;
using base::Status;

namespace {
/// How long a writer waits for another process (serve, the command line) before it gives up.
constexpr int busy_timeout_ms = 5000;
}  // namespace

Result<Connection> Connection::open(const std::filesystem::path& path) {
    sqlite3* handle = nullptr;
    const int code = sqlite3_open_v2(path.c_str(), &handle,
                                     SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW, nullptr);
    Connection connection(handle);
    if (code != SQLITE_OK) return Fail(connection.error(fmt::format("cannot open {}", path.string())));
    sqlite3_extended_result_codes(handle, 1);
    sqlite3_busy_timeout(handle, busy_timeout_ms);
    // Refuse schemas that call functions with side effects, should somebody have edited the file.
    sqlite3_db_config(handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
    sqlite3_db_config(handle, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
    return connection;
}

base::Error Connection::error(std::string_view what) const {
    return base::Error(ErrorCode::store_failed,
                       fmt::format("{}: {}", what, handle_ ? sqlite3_errmsg(handle_.get()) : "out of memory"));
}

Status Connection::execute(const char* sql) {
    if (sqlite3_exec(handle_.get(), sql, nullptr, nullptr, nullptr) != SQLITE_OK) return Fail(error("the store"));
    return {};
}

Result<Statement> Connection::prepare(const char* sql) {
    sqlite3_stmt* statement = nullptr;
    if (sqlite3_prepare_v2(handle_.get(), sql, -1, &statement, nullptr) != SQLITE_OK) return Fail(error("the store"));
    return Statement(*this, statement);
}

Statement& Statement::bind(std::string_view text) {
    // A null pointer would bind NULL, not the empty text.
    bind_failed_ |= sqlite3_bind_text64(statement_.get(), ++bound_, text.empty() ? "" : text.data(), text.size(),
                                        SQLITE_STATIC, SQLITE_UTF8) != SQLITE_OK;
    return *this;
}

Statement& Statement::bind(base::ByteView blob) {
    bind_failed_ |=
        sqlite3_bind_blob64(statement_.get(), ++bound_, blob.empty() ? static_cast<const void*>("") : blob.data(),
                            blob.size(), SQLITE_STATIC) != SQLITE_OK;
    return *this;
}

Statement& Statement::bind(std::int64_t integer) {
    bind_failed_ |= sqlite3_bind_int64(statement_.get(), ++bound_, integer) != SQLITE_OK;
    return *this;
}

Statement& Statement::bind(const std::optional<std::string>& text) {
    if (text) return bind(std::string_view(*text));
    bind_failed_ |= sqlite3_bind_null(statement_.get(), ++bound_) != SQLITE_OK;
    return *this;
}

Result<bool> Statement::step() {
    if (bind_failed_) return Fail(connection_->error("cannot bind a value"));
    switch (sqlite3_step(statement_.get())) {
        case SQLITE_ROW:
            return true;
        case SQLITE_DONE:
            return false;
        default:
            return Fail(connection_->error("the store"));
    }
}

Status Statement::run() {
    TRY(step());
    return {};
}

std::string Statement::text(int column) const {
    return optional_text(column).value_or(std::string());
}

std::optional<std::string> Statement::optional_text(int column) const {
    const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement_.get(), column));
    if (text == nullptr) return std::nullopt;
    return std::string(text, static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column)));
}

base::Bytes Statement::blob(int column) const {
    const auto* data = static_cast<const std::uint8_t*>(sqlite3_column_blob(statement_.get(), column));
    if (data == nullptr) return {};
    return {data, data + sqlite3_column_bytes(statement_.get(), column)};
}

std::int64_t Statement::integer(int column) const {
    return sqlite3_column_int64(statement_.get(), column);
}

Result<Transaction> Transaction::begin(Connection& connection) {
    TRY(connection.execute("BEGIN IMMEDIATE"));
    return Transaction(connection);
}

Transaction::~Transaction() {
    if (connection_ != nullptr) static_cast<void>(connection_->execute("ROLLBACK"));
}

Status Transaction::commit() {
    TRY(connection_->execute("COMMIT"));
    connection_ = nullptr;
    return {};
}

}  // namespace kbs::sqlite
