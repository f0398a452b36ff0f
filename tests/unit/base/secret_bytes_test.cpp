// SPDX-License-Identifier: Apache-2.0
#include "base/secret_bytes.h"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <ostream>
#include <type_traits>

using base::SecretBytes;

template <typename T>
concept Printable = requires(std::ostream& out, const T& value) { out << value; };

static_assert(!std::is_copy_constructible_v<SecretBytes>);
static_assert(!std::is_copy_assignable_v<SecretBytes>);
static_assert(!fmt::is_formattable<SecretBytes>::value);
static_assert(!Printable<SecretBytes>);

TEST_CASE("holds what it was given and compares by content") {
    const SecretBytes secret = SecretBytes::copy_of("0123456789abcdef0123456789abcdef");
    CHECK(secret.size() == 32);
    CHECK(secret.text() == "0123456789abcdef0123456789abcdef");
    CHECK(secret == secret.clone());
    CHECK(!(secret == SecretBytes::copy_of("0123456789abcdef0123456789abcdeF")));
    CHECK(!(secret == SecretBytes::copy_of("0123456789abcdef0123456789abcde")));
    CHECK(SecretBytes() == SecretBytes(0));
}

TEST_CASE("moving leaves nothing behind") {
    SecretBytes first = SecretBytes::copy_of("secret");
    const SecretBytes second = std::move(first);
    CHECK(first.empty());  // NOLINT(bugprone-use-after-move): what is left is the point
    CHECK(second.text() == "secret");
}

TEST_CASE("truncating wipes the rest") {
    SecretBytes secret = SecretBytes::copy_of("secret");
    const std::uint8_t* memory = secret.view().data();
    secret.truncate(2);
    CHECK(secret.text() == "se");
    CHECK(memory[2] == 0);
    CHECK(memory[5] == 0);
}

TEST_CASE("is left out of core files and wiped in forked children") {
    const SecretBytes secret = SecretBytes::copy_of("secret");
    // The kernel's word for it: the flags of the mapping that holds the secret ("dd" do not dump, "wf" wipe on fork).
    std::ifstream maps("/proc/self/smaps");
    const auto address = reinterpret_cast<std::uintptr_t>(secret.view().data());
    bool inside = false;
    std::string flags;
    for (std::string line; std::getline(maps, line);) {
        unsigned long begin = 0;
        unsigned long end = 0;
        if (std::sscanf(line.c_str(), "%lx-%lx ", &begin, &end) == 2) inside = begin <= address && address < end;
        if (inside && line.starts_with("VmFlags:")) flags = line;
    }
    CHECK(flags.find(" dd") != std::string::npos);
    CHECK(flags.find(" wf") != std::string::npos);
}

TEST_CASE("after forbid_core_files the process cannot be dumped") {
    const pid_t child = fork();
    if (child == 0) {
        base::forbid_core_files();
        rlimit limit{};
        getrlimit(RLIMIT_CORE, &limit);
        _exit(prctl(PR_GET_DUMPABLE) == 0 && limit.rlim_max == 0 ? 0 : 1);
    }
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    CHECK(WEXITSTATUS(status) == 0);
}

TEST_CASE("constant-time comparison needs equal lengths") {
    CHECK(base::equal_constant_time(base::as_bytes("abc"), base::as_bytes("abc")));
    CHECK(!base::equal_constant_time(base::as_bytes("abc"), base::as_bytes("ab")));
    CHECK(!base::equal_constant_time(base::as_bytes("abc"), base::as_bytes("abd")));
    CHECK(base::equal_constant_time({}, {}));
}
