// SPDX-License-Identifier: Apache-2.0
#include "kbs/store.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <map>
#include <random>
#include <thread>

#include "base/fd.h"
#include "crypto/random.h"
#include "temporary_directory.h"

using namespace kbs;
using base::ErrorCode;

namespace {

const base::TimePoint noon{std::chrono::seconds(1'800'000'000)};
const base::Bytes kek(32, 0x77);
const AuditEntry audit{noon, "request", "tester", "test", "subject", "done"};

MasterKey master_key(std::uint8_t byte = 1) {
    return std::move(*MasterKey::create(base::Bytes(32, byte)));
}
ResourceId kid(const std::string& tag = "app") {
    return *ResourceId::from_path("demo/kek/" + tag);
}

struct TestStore {
    TestStore() {
        REQUIRE(Store::create(path, master_key()));
        store = open();
    }
    [[nodiscard]] std::unique_ptr<Store> open() const {
        auto opened = Store::open(path, master_key(), crypto::fill_random);
        REQUIRE(opened);
        return std::move(*opened);
    }
    base::Status put(const ResourceId& id, Existing existing = Existing::refuse, base::ByteView material = kek) {
        const auto done = store->put_key({id, material, {}, {}}, existing, audit);
        if (!done) return base::Fail(done.error());
        return {};
    }
    /// What somebody with an editor for SQLite files does.
    void edit(const std::string& sql) const {
        sqlite3* database = nullptr;
        REQUIRE(sqlite3_open(path.c_str(), &database) == SQLITE_OK);
        CHECK(sqlite3_exec(database, sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK);
        sqlite3_close(database);
    }

    TemporaryDirectory directory;
    std::filesystem::path path = directory / "kbs.sqlite";
    std::unique_ptr<Store> store;
};

ErrorCode code_of(const auto& result) {
    REQUIRE_FALSE(result);
    return result.error().code();
}

}  // namespace

TEST_CASE("a store is a file of mode 0600 that is never overwritten") {
    const TestStore test;
    struct stat info{};
    REQUIRE(::stat(test.path.c_str(), &info) == 0);
    CHECK((info.st_mode & 07777) == 0600);
    CHECK(code_of(Store::create(test.path, master_key())) == ErrorCode::file_unwritable);
}

TEST_CASE("a store opens with its master key only") {
    const TestStore test;
    CHECK(code_of(Store::open(test.path, master_key(2), crypto::fill_random)) == ErrorCode::store_locked);
}

TEST_CASE("what is no store of this version is not opened") {
    const TestStore test;
    SUBCASE("nothing") {
        CHECK(code_of(Store::open(test.directory / "none", master_key(), crypto::fill_random)) ==
              ErrorCode::store_failed);
        CHECK_FALSE(std::filesystem::exists(test.directory / "none"));
    }
    SUBCASE("text") {
        CHECK(code_of(Store::open(test.directory.write("text", std::string(5000, 'x')), master_key(),
                                  crypto::fill_random)) == ErrorCode::store_failed);
    }
    SUBCASE("another database") {
        test.edit("PRAGMA application_id = 1");
        CHECK(code_of(Store::open(test.path, master_key(), crypto::fill_random)) == ErrorCode::store_failed);
    }
    SUBCASE("a newer schema") {
        test.edit("PRAGMA user_version = 2");
        CHECK(code_of(Store::open(test.path, master_key(), crypto::fill_random)) == ErrorCode::store_failed);
    }
    SUBCASE("no check value") {
        test.edit("DELETE FROM master_key");
        CHECK(code_of(Store::open(test.path, master_key(), crypto::fill_random)) == ErrorCode::store_locked);
    }
}

TEST_CASE("a key is there after the store was closed, and not readable in its files") {
    TestStore test;
    const std::string secret = "32 bytes that nobody else reads!";
    REQUIRE(test.put(kid(), Existing::refuse, base::as_bytes(secret)));
    for (const std::string file : {"kbs.sqlite", "kbs.sqlite-wal"})
        CHECK(test.directory.read(file).find(secret) == std::string::npos);
    test.store.reset();
    const auto key = test.open()->load_key(kid());
    REQUIRE(key);
    CHECK(key->material.text() == secret);
    CHECK(key->info.usage == KeyUsage::unwrap_only);
    CHECK_FALSE(key->info.policy);
    CHECK(key->info.created == noon);
}

TEST_CASE("a key is bound to its name, version and usage") {
    TestStore test;
    REQUIRE(test.put(kid()));
    SUBCASE("renamed in the file") {
        test.edit("UPDATE keys SET kid = 'kbs:///demo/kek/other'");
        CHECK(code_of(test.store->load_key(kid("other"))) == ErrorCode::store_locked);
    }
    SUBCASE("made exportable in the file") {
        test.edit("UPDATE keys SET usage = 'exportable'");
        CHECK(code_of(test.store->load_key(kid())) == ErrorCode::store_locked);
    }
    SUBCASE("another version") {
        test.edit("UPDATE keys SET version = 2");
        CHECK(code_of(test.store->load_key(kid())) == ErrorCode::store_locked);
    }
    SUBCASE("changed") {
        test.edit("UPDATE keys SET sealed = randomblob(61)");
        CHECK(code_of(test.store->load_key(kid())) == ErrorCode::store_locked);
    }
    SUBCASE("empty") {
        test.edit("UPDATE keys SET sealed = x''");
        CHECK(code_of(test.store->load_key(kid())) == ErrorCode::store_locked);
    }
}

TEST_CASE("a key is created once, by whichever process comes first") {
    TestStore test;
    const auto other = test.open();
    std::atomic<int> created = 0;
    std::atomic<int> existed = 0;
    const auto create = [&](Store& store, std::uint8_t byte) {
        const base::Bytes material(32, byte);
        for (int i = 0; i < 20; ++i) {
            const auto done = store.put_key({kid(std::to_string(i)), material, {}, {}}, Existing::refuse, audit);
            if (done) ++created;
            if (!done && done.error().code() == ErrorCode::key_exists) ++existed;
        }
    };
    std::thread one([&] { create(*test.store, 1); });
    std::thread two([&] { create(*other, 2); });
    one.join();
    two.join();
    CHECK(created == 20);
    CHECK(existed == 20);
}

TEST_CASE("a refused change leaves everything as it was") {
    TestStore test;
    REQUIRE(test.put(kid()));
    const auto entries = test.store->list_audit()->size();
    CHECK(code_of(test.put(kid())) == ErrorCode::key_exists);
    CHECK(code_of(test.store->put_key({kid(), kek, {}, "none"}, Existing::replace, audit)) ==
          ErrorCode::policy_missing);
    CHECK(code_of(test.store->delete_key(kid("none"), audit)) == ErrorCode::key_not_found);
    CHECK(code_of(test.store->set_key_policy(kid("none"), {}, audit)) == ErrorCode::key_not_found);
    CHECK(code_of(test.store->set_key_policy(kid(), "none", audit)) == ErrorCode::policy_missing);
    CHECK(test.store->key_info(kid())->version == 1);
    CHECK(test.store->list_audit()->size() == entries);
    CHECK(test.put(kid("another")));
}

TEST_CASE("keys are listed by name and deleted") {
    TestStore test;
    REQUIRE(test.put(kid("b")));
    REQUIRE(test.put(kid("a")));
    REQUIRE(test.store->list_keys()->size() == 2);
    CHECK(test.store->list_keys()->front().id == kid("a"));
    CHECK(test.store->delete_key(kid("a"), audit));
    CHECK(code_of(test.store->load_key(kid("a"))) == ErrorCode::key_not_found);
    CHECK(code_of(test.store->key_info(kid("a"))) == ErrorCode::key_not_found);
}

TEST_CASE("a key follows its policy when that is replaced, and another when it is attached") {
    TestStore test;
    REQUIRE(test.store->put_policy("one", "first", audit));
    REQUIRE(test.store->put_key({kid(), kek, {}, "one"}, Existing::refuse, audit));
    REQUIRE(test.store->put_policy("one", "second", audit));
    CHECK(test.store->load_policy("one")->text == "second");
    CHECK(test.store->key_info(kid())->policy == "one");
    REQUIRE(test.store->set_key_policy(kid(), {}, audit));
    CHECK_FALSE(test.store->key_info(kid())->policy);
    CHECK(test.store->load_key(kid()));
    CHECK(test.store->list_policies()->size() == 1);
    CHECK(code_of(test.store->load_policy("two")) == ErrorCode::policy_missing);
}

TEST_CASE("names are short and plain") {
    for (const std::string name : {"a", "measured-v2", "node_1.rack-3", "9"}) CHECK(check_name(name, "a policy"));
    for (const std::string name : {"", ".hidden", "-flag", "a b", "a/b", "ä", "a\n"})
        CHECK_FALSE(check_name(name, "a policy"));
    CHECK(check_name(std::string(64, 'a'), "a policy"));
    CHECK_FALSE(check_name(std::string(65, 'a'), "a policy"));
}

TEST_CASE("an attestation key is enrolled under one name") {
    TestStore test;
    const base::Bytes ak(91, 1);
    const base::Bytes other(91, 2);
    REQUIRE(test.store->enroll_ak("node-1", ak, audit));
    CHECK(test.store->enroll_ak("node-1", ak, audit));
    CHECK(code_of(test.store->enroll_ak("node-1", other, audit)) == ErrorCode::key_exists);
    CHECK(code_of(test.store->enroll_ak("node-2", ak, audit)) == ErrorCode::key_exists);
    CHECK((*test.store->find_ak(ak))->name == "node-1");
    CHECK_FALSE(*test.store->find_ak(other));
    CHECK(test.store->list_aks()->size() == 1);
    CHECK(test.store->remove_ak("node-1", audit));
    CHECK_FALSE(*test.store->find_ak(ak));
    CHECK(code_of(test.store->remove_ak("node-1", audit)) == ErrorCode::key_not_found);
}

TEST_CASE("a nonce is spent once, across processes, and remembered while its challenge could live") {
    TestStore test;
    const auto other = test.open();
    const base::Bytes nonce(32, 7);
    const auto expires = noon + std::chrono::seconds(300);
    CHECK(*test.store->spend_nonce(nonce, expires, noon));
    CHECK_FALSE(*test.store->spend_nonce(nonce, expires, noon));
    CHECK_FALSE(*other->spend_nonce(nonce, expires, noon + std::chrono::minutes(60)));
    CHECK(*other->spend_nonce(base::Bytes(32, 8), expires, noon));
}

TEST_CASE("spent nonces are forgotten an hour after their challenge has expired") {
    TestStore test;
    const base::Bytes nonce(32, 7);
    CHECK(*test.store->spend_nonce(nonce, noon, noon));
    CHECK(*test.store->spend_nonce(base::Bytes(32, 8), noon, noon + std::chrono::seconds(3601)));
    CHECK(*test.store->spend_nonce(nonce, noon, noon));
}

TEST_CASE("a store that another process holds is waited for, and then reported") {
    TestStore test;
    test.edit("PRAGMA journal_mode");  // opens and closes: does not disturb
    CHECK(test.store->check_writable());
    sqlite3* database = nullptr;
    REQUIRE(sqlite3_open(test.path.c_str(), &database) == SQLITE_OK);
    REQUIRE(sqlite3_exec(database, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr) == SQLITE_OK);
    std::thread release([&] {
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
        sqlite3_exec(database, "ROLLBACK", nullptr, nullptr, nullptr);
    });
    CHECK(test.put(kid()));
    release.join();
    sqlite3_close(database);
}

TEST_CASE("killing the process at any moment loses no key that was acknowledged") {
    TestStore test;
    test.store.reset();
    std::mt19937 chance(1);  // the same moments each time, as far as a machine repeats itself
    std::map<std::string, std::uint8_t> acknowledged;
    for (int round = 0; round < 12; ++round) {
        int pipe[2];
        REQUIRE(::pipe(pipe) == 0);
        const pid_t child = ::fork();
        REQUIRE(child >= 0);
        if (child == 0) {
            auto store = Store::open(test.path, master_key(), crypto::fill_random);
            for (int i = 0; store && i < 100000; ++i) {
                const std::string name = std::to_string(round) + "-" + std::to_string(i);
                const base::Bytes material(32, static_cast<std::uint8_t>(i));
                if (!(*store)->put_key({kid(name), material, {}, {}}, Existing::refuse, audit)) break;
                const std::string line = name + "\n";
                if (::write(pipe[1], line.data(), line.size()) < 0) break;
            }
            ::_exit(1);
        }
        ::close(pipe[1]);
        std::this_thread::sleep_for(std::chrono::microseconds(20'000 + chance() % 150'000));
        ::kill(child, SIGKILL);
        int status = 0;
        REQUIRE(::waitpid(child, &status, 0) == child);
        CHECK(WIFSIGNALED(status));
        const auto said = base::read_to_end(pipe[0], 1 << 20);
        ::close(pipe[0]);
        REQUIRE(said);
        std::string_view text = said->text();
        for (std::size_t end = 0; (end = text.find('\n')) != std::string_view::npos; text.remove_prefix(end + 1)) {
            const std::string name(text.substr(0, end));
            acknowledged[name] = static_cast<std::uint8_t>(std::stoi(name.substr(name.find('-') + 1)));
        }
    }
    CHECK(acknowledged.size() > 12);
    const auto store = test.open();
    for (const auto& [name, byte] : acknowledged) {
        CAPTURE(name);
        const auto key = store->load_key(kid(name));
        REQUIRE(key);
        CHECK(base::to_bytes(key->material.view()) == base::Bytes(32, byte));
    }
    CHECK(store->list_keys()->size() <= acknowledged.size() + 12);
}

TEST_CASE("a master key has 32 bytes") {
    CHECK(code_of(MasterKey::create(base::Bytes(31))) == ErrorCode::key_file_invalid);
    const TemporaryDirectory directory;
    CHECK(MasterKey::load(directory.write("good", std::string(32, 'x'))));
    CHECK(code_of(MasterKey::load(directory.write("long", std::string(33, 'x')))) == ErrorCode::key_file_invalid);
    CHECK(code_of(MasterKey::load(directory.write("longer", std::string(99, 'x')))) == ErrorCode::key_file_invalid);
    CHECK(code_of(MasterKey::load(directory.write("short", ""))) == ErrorCode::key_file_invalid);
    CHECK(code_of(MasterKey::load(directory / "none")) == ErrorCode::key_file_unreadable);
}
