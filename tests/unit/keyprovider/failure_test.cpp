// SPDX-License-Identifier: Apache-2.0
#include "keyprovider/failure.h"

#include <doctest/doctest.h>

using base::Error;
using base::ErrorCode;
using keyprovider::command_error_line;
using keyprovider::Failure;

TEST_CASE("a failure names code, cause, remedy and request") {
    const Failure failure{Error(ErrorCode::key_not_found, "no key kbs:///a/b/c").with_remedy("create it"), "4f2a"};
    CHECK(failure.text() == "key-not-found: no key kbs:///a/b/c; hint: create it (request 4f2a)");
    CHECK(command_error_line(failure.text()) ==
          "ocicrypt-keyprovider: error: key-not-found: no key kbs:///a/b/c; hint: create it (request 4f2a)\n");
}

TEST_CASE("ids of requests differ") {
    CHECK(keyprovider::new_request_id().size() == 16);
    CHECK(keyprovider::new_request_id() != keyprovider::new_request_id());
}

TEST_CASE("every failure of the registry stays below 300 bytes, however long its detail") {
    for (const auto& description : base::all_errors()) {
        CAPTURE(description.name);
        const Failure failure{Error(description.code, std::string(2000, 'x')), std::string(32, '0')};
        const std::string line = command_error_line(failure.text());
        CHECK(line.size() < 300);
        CHECK(line.contains(std::string(description.name) + ": xxx"));
        CHECK(line.ends_with(std::string(description.remedy) + " (request " + std::string(32, '0') + ")\n"));
    }
}

TEST_CASE("a failure is one printable line whatever its parts hold") {
    const Failure failure{Error(ErrorCode::kbs_refused, "a\nb\x1b[31m\xff").with_remedy("c\r\nd"), "1"};
    CHECK(failure.text() == "kbs-refused: a?b?[31m?; hint: c??d (request 1)");
    CHECK(command_error_line("x\ny\n") == "ocicrypt-keyprovider: error: x?y?\n");
}
