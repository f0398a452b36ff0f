// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "fake_broker.h"

using base::Error;
using base::ErrorCode;
using namespace kbs_client_test;

namespace {

/// The error of a handshake whose first request is answered so.
Error error_of(base::Result<net::HttpResponse> (*respond)()) {
    const auto broker = std::make_shared<FakeBroker>();
    broker->on("POST /kbs/v0/auth", [respond](const Sent&) { return respond(); });
    const auto session = create(guest_of(broker))->attest(request_id);
    REQUIRE(!session);
    return session.error();
}

using Response = base::Result<net::HttpResponse>;

}  // namespace

TEST_CASE("the broker's code, detail and hint reach the user") {
    const Error error =
        error_of([]() -> Response { return refuse(401, "AttestationError", "ak-not-enrolled", "enrol it"); });
    CHECK(error.code() == ErrorCode::ak_not_enrolled);
    CHECK(error.detail() == "The broker said no.");
    CHECK(error.remedy() == "enrol it");
}

TEST_CASE("without a hint the registry's remedy stands") {
    const Error error = error_of([]() -> Response { return refuse(401, "AttestationError", "ak-not-enrolled"); });
    CHECK(error.remedy() == base::describe(ErrorCode::ak_not_enrolled).remedy);
}

TEST_CASE("a code that the registry does not have is kept as text") {
    const Error error = error_of([]() -> Response { return refuse(401, "AttestationError", "moon-phase", "wait"); });
    CHECK(error.code() == ErrorCode::kbs_refused);
    CHECK(error.detail() == "moon-phase: The broker said no.");
    CHECK(error.remedy() == "wait");
}

TEST_CASE("what a broker sends becomes one printable line") {
    const Error error = error_of([]() -> Response {
        return answer(401, R"({"type":"x","detail":"a\u001b[31m\nb","code":"policy-denied","hint":"c\r\nd"})");
    });
    CHECK(error.code() == ErrorCode::policy_denied);
    CHECK(error.detail() == "a?[31m?b");
    CHECK(error.remedy() == "c??d");
}

TEST_CASE("Trustee's variants have the meaning that its codes would have") {
    CHECK(error_of([]() -> Response { return refuse(401, "PolicyDeny"); }).code() == ErrorCode::policy_denied);
    CHECK(error_of([]() -> Response { return refuse(404, "PluginNotFound"); }).code() == ErrorCode::path_unknown);
    CHECK(error_of([]() -> Response { return refuse(404, "InvalidRequestPath"); }).code() == ErrorCode::path_unknown);
    CHECK(error_of([]() -> Response { return refuse(401, "AdminAuthInitialization"); }).code() ==
          ErrorCode::admin_refused);
    CHECK(error_of([]() -> Response { return refuse(401, "AttestationError"); }).code() == ErrorCode::kbs_refused);
    CHECK(error_of([]() -> Response {
              return answer(401, R"({"type":"https://github.com/confidential-containers/kbs/errors/AttestationError",)"
                                 R"("detail":"KBS Client Protocol Version Mismatch: expect =0.5.0"})");
          }).code() == ErrorCode::kbs_version);
}

TEST_CASE("an answer without an error message of a broker names its status") {
    const Error html = error_of([]() -> Response { return answer(404, "<html>Not Found</html>"); });
    CHECK(html.code() == ErrorCode::kbs_protocol);
    CHECK(html.detail().contains("404"));
    CHECK(!html.detail().contains("html"));
    CHECK(error_of([]() -> Response { return answer(500, ""); }).code() == ErrorCode::kbs_protocol);
    CHECK(error_of([]() -> Response { return answer(302, "", {{"Location", "https://elsewhere"}}); }).code() ==
          ErrorCode::kbs_protocol);
    CHECK(error_of([]() -> Response { return answer(503, "busy"); }).code() == ErrorCode::overloaded);
    CHECK(error_of([]() -> Response { return answer(429, ""); }).code() == ErrorCode::overloaded);
}

TEST_CASE("errors of the network are told as errors of the broker's connection") {
    using base::Fail;
    const Error down = error_of([]() -> Response { return Fail(ErrorCode::net_unreachable, "https://b:1: refused"); });
    CHECK(down.code() == ErrorCode::kbs_unreachable);
    CHECK(down.detail() == "https://b:1: refused");
    CHECK(error_of([]() -> Response { return Fail(ErrorCode::net_timeout); }).code() == ErrorCode::kbs_timeout);
    CHECK(error_of([]() -> Response { return Fail(ErrorCode::tls_untrusted); }).code() == ErrorCode::kbs_untrusted);
    CHECK(error_of([]() -> Response { return Fail(ErrorCode::response_too_large); }).code() == ErrorCode::kbs_protocol);
    CHECK(error_of([]() -> Response { return Fail(ErrorCode::net_failed); }).code() == ErrorCode::kbs_protocol);
}
