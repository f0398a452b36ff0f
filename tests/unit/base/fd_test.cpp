// SPDX-License-Identifier: Apache-2.0
#include "base/fd.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <thread>

namespace {

struct TemporaryFolder {
    std::filesystem::path path;
    TemporaryFolder() {
        std::string name = (std::filesystem::temp_directory_path() / "fd_test.XXXXXX").string();
        REQUIRE(mkdtemp(name.data()) != nullptr);
        path = name;
    }
    ~TemporaryFolder() { std::filesystem::remove_all(path); }
};

}  // namespace

TEST_CASE("stores a file with the exact mode and reads it back") {
    const TemporaryFolder folder;
    const auto file = folder.path / "key";
    const mode_t old = umask(0);
    CHECK(base::store_file(file, base::as_bytes("one"), 0600));
    umask(old);
    struct stat status{};
    REQUIRE(stat(file.c_str(), &status) == 0);
    CHECK((status.st_mode & 0777) == 0600);
    CHECK(base::load_file(file, 3)->text() == "one");
    CHECK(base::store_file(file, base::as_bytes("two!"), 0600));
    CHECK(*base::load_text_file(file, 4) == "two!");
    CHECK(std::distance(std::filesystem::directory_iterator(folder.path), {}) == 1);
}

TEST_CASE("create_file keeps what exists") {
    const TemporaryFolder folder;
    const auto file = folder.path / "key";
    CHECK(base::create_file(file, base::as_bytes("one"), 0600));
    const auto again = base::create_file(file, base::as_bytes("two"), 0600);
    REQUIRE(!again);
    CHECK(again.error().detail().find("exists already") != std::string::npos);
    CHECK(*base::load_text_file(file, 10) == "one");
}

TEST_CASE("says which file and why it cannot be read") {
    const TemporaryFolder folder;
    const auto missing = base::load_file(folder.path / "nothing", 10);
    REQUIRE(!missing);
    CHECK(missing.error().code() == base::ErrorCode::file_unreadable);
    CHECK(missing.error().detail().find("nothing: No such file") != std::string::npos);
    CHECK(!base::load_file(folder.path, 10));
    REQUIRE(mkfifo((folder.path / "fifo").c_str(), 0600) == 0);
    CHECK(!base::load_file(folder.path / "fifo", 10));
}

TEST_CASE("refuses a file over the limit and takes one at the limit") {
    const TemporaryFolder folder;
    const auto file = folder.path / "big";
    REQUIRE(base::store_file(file, base::Bytes(10'000, 7), 0600));
    CHECK(base::load_file(file, 10'000)->size() == 10'000);
    CHECK(base::load_file(file, 9'999).error().code() == base::ErrorCode::input_too_large);
}

TEST_CASE("cannot write into a folder that does not exist") {
    CHECK(base::store_file("/nonexistent-folder/file", base::as_bytes("x"), 0600).error().code() ==
          base::ErrorCode::file_unwritable);
}

TEST_CASE("reading ends at the deadline when the writer is silent") {
    int ends[2];
    REQUIRE(pipe(ends) == 0);
    const base::UniqueFd reader(ends[0]);
    const base::UniqueFd writer(ends[1]);
    CHECK(base::write_all(writer.get(), base::as_bytes("half")));
    const auto result =
        base::read_to_end(reader.get(), 100, std::chrono::steady_clock::now() + std::chrono::milliseconds(20));
    CHECK(result.error().code() == base::ErrorCode::deadline_exceeded);
}

TEST_CASE("reads what several writes bring until the writer closes") {
    int ends[2];
    REQUIRE(pipe(ends) == 0);
    const base::UniqueFd reader(ends[0]);
    std::thread writer([fd = ends[1]] {
        const base::UniqueFd owned(fd);
        for (int i = 0; i < 100; ++i) static_cast<void>(base::write_all(fd, base::Bytes(1000, 1)));
    });
    const auto result = base::read_to_end(reader.get(), 100'000);
    writer.join();
    CHECK(result->size() == 100'000);
}

TEST_CASE("writing to a socket whose peer is gone is an error and no signal") {
    int ends[2];
    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
    const base::UniqueFd mine(ends[0]);
    close(ends[1]);
    CHECK(!base::write_all(mine.get(), base::as_bytes("x")));
}

TEST_CASE("a socket nobody listens on cannot be connected, nor one with too long a name") {
    CHECK(base::connect_unix("/nonexistent.sock").error().code() == base::ErrorCode::net_unreachable);
    CHECK(!base::connect_unix("/" + std::string(200, 'x')));
}
