// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace kbs::sqlite {

class Statement;

/// One connection. Not thread-safe: the owner serialises. Errors: store_failed with SQLite's own words.
class Connection {
  public:
    /// The file must exist: an empty store that appears by a mistyped path would hide the real one.
    static base::Result<Connection> open(const std::filesystem::path& path);

    base::Status execute(const char* sql);
    /// `sql` must be one statement and a literal: values are bound, never pasted in.
    base::Result<Statement> prepare(const char* sql);
    [[nodiscard]] std::int64_t changed_rows() const { return sqlite3_changes64(handle_.get()); }
    [[nodiscard]] base::Error error(std::string_view what) const;

  private:
    struct Close {
        void operator()(sqlite3* handle) const { sqlite3_close_v2(handle); }
    };
    explicit Connection(sqlite3* handle) : handle_(handle) {}
    std::unique_ptr<sqlite3, Close> handle_;
};

class Statement {
  public:
    /// Binds in the order of the parameters. Bound memory must live until the statement is reset or gone.
    Statement& bind(std::string_view text);
    Statement& bind(base::ByteView blob);
    Statement& bind(std::int64_t integer);
    Statement& bind(const std::optional<std::string>& text);

    /// True where there is a row.
    base::Result<bool> step();
    /// For statements without rows.
    base::Status run();

    [[nodiscard]] std::string text(int column) const;
    [[nodiscard]] std::optional<std::string> optional_text(int column) const;
    [[nodiscard]] base::Bytes blob(int column) const;
    [[nodiscard]] std::int64_t integer(int column) const;

  private:
    friend class Connection;
    struct Finalize {
        void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
    };
    Statement(const Connection& connection, sqlite3_stmt* statement)
        : connection_(&connection), statement_(statement) {}
    const Connection* connection_;
    std::unique_ptr<sqlite3_stmt, Finalize> statement_;
    int bound_ = 0;
    bool bind_failed_ = false;
};

/// Holds the write lock from the start, so that what is read inside stays true until `commit`. Rolls back when dropped.
class Transaction {
  public:
    static base::Result<Transaction> begin(Connection& connection);
    Transaction(Transaction&& other) noexcept : connection_(std::exchange(other.connection_, nullptr)) {}
    Transaction& operator=(Transaction&&) = delete;
    ~Transaction();
    base::Status commit();

  private:
    explicit Transaction(Connection& connection) : connection_(&connection) {}
    Connection* connection_;
};

}  // namespace kbs::sqlite
