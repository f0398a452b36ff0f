// SPDX-License-Identifier: Apache-2.0
#include "broker_fixture.h"

using namespace kbs;

TEST_CASE("every error says type, detail, code, hint and request id") {
    TestBroker broker;
    const Answer answer =
        broker.send("GET", "/kbs/v0/resource/demo/kek/app", {}, {{"X-Request-Id", "0123456789-abcdefgh"}});
    CHECK(answer.status == 401);
    CHECK(answer.header("Content-Type") == "application/json");
    CHECK(answer.text("type") == "https://github.com/confidential-containers/kbs/errors/TokenNotFound");
    CHECK(answer.detail() == "the request carries no attested session");
    CHECK(answer.code() == "session-missing");
    CHECK(answer.text("hint") == "attest first");
    CHECK(answer.text("request_id") == "0123456789-abcdefgh");
    CHECK(answer.header("X-Request-Id") == "0123456789-abcdefgh");
}

TEST_CASE("a request id that could disturb a log is replaced") {
    TestBroker broker;
    for (const std::string id : {"", "short", "0123456789abcde\nf", "0123456789abcdef=", "ümlaut-0123456789"}) {
        CAPTURE(id);
        const std::string given = broker.send("GET", "/healthz", {}, {{"X-Request-Id", id}}).header("X-Request-Id");
        CHECK(given != id);
        CHECK(given.size() == 32);
    }
    const std::string too_long(65, 'a');
    CHECK(broker.send("GET", "/healthz", {}, {{"X-Request-Id", too_long}}).header("X-Request-Id") != too_long);
}

TEST_CASE("paths that are nobody's are 404 with Trustee's names") {
    TestBroker broker;
    const auto check = [&](const std::string& method, const std::string& path, const std::string& variant) {
        CAPTURE(path);
        const Answer answer = broker.send(method, path);
        CHECK(answer.status == 404);
        CHECK(answer.variant() == variant);
        CHECK(answer.code() == "path-unknown");
    };
    check("GET", "/", "InvalidRequestPath");
    check("GET", "/kbs/v0", "InvalidRequestPath");
    check("GET", "/kbs/v1/resource/a/b/c", "InvalidRequestPath");
    check("GET", "/kbs/v0/", "PluginNotFound");
    check("GET", "/kbs/v0/pkcs11/a", "PluginNotFound");
    check("POST", "/kbs/v0/attestation-policy", "PluginNotFound");
    check("GET", "/kbs/v0/auth", "PluginNotFound");  // a known name with another method is a plugin that is not there
    check("PUT", "/kbs/v0/resource/a/b/c", "PluginNotFound");
    check("POST", "/kbs/v0/auth/more", "PluginNotFound");
    check("POST", "/kbs/v0/unwrap/", "PluginNotFound");
    check("GET", "/kbs/v0/%zz", "InvalidRequestPath");
    check("GET", "/kbs/v0/resource%00", "InvalidRequestPath");
}

TEST_CASE("methods that nothing is served by are 405") {
    TestBroker broker;
    CHECK(broker.send("PATCH", "/kbs/v0/resource/a/b/c").status == 405);
    CHECK(broker.send("OPTIONS", "/kbs/v0/auth").status == 405);
    CHECK(broker.send("POST", "/metrics").status == 405);
    CHECK(broker.send("DELETE", "/healthz").status == 405);
}

TEST_CASE("a query that cannot be read is 400") {
    TestBroker broker;
    const Answer answer = broker.send("POST", "/kbs/v0/resource/a/b/c", "x", broker.as_admin(), "usage=%");
    CHECK(answer.status == 400);
    CHECK(answer.code() == "input-invalid");
}

TEST_CASE("health and readiness") {
    TestBroker broker;
    CHECK(broker.send("GET", "/healthz").status == 200);
    CHECK(broker.send("GET", "/readyz").status == 200);
}

TEST_CASE("metrics count nodes that have proved themselves, releases and errors, with labels of closed sets") {
    TestBroker broker;
    broker.put_key(KeyUsage::exportable);
    const auto node = broker.as_node();
    broker.send("GET", "/kbs/v0/resource/demo/kek/app", {}, node);
    broker.send("GET", "/kbs/v0/resource/demo/kek/none", {}, node);
    broker.send("GET", "/kbs/v0/nobody\"s/path", {}, node);
    const std::string metrics = broker.send("GET", "/metrics").body;
    const auto has = [&](const std::string& line) {
        CAPTURE(line);
        CHECK(metrics.find("\n" + line + "\n") != std::string::npos);
    };
    has(R"(ocicrypt_kbs_attestations_total{tee="tpm"} 1)");
    has(R"(ocicrypt_kbs_requests_total{endpoint="resource",status="200"} 1)");
    has(R"(ocicrypt_kbs_requests_total{endpoint="other",status="404"} 1)");
    has(R"(ocicrypt_kbs_errors_total{endpoint="resource",code="key-not-found"} 1)");
    has(R"(ocicrypt_kbs_releases_total{way="resource",outcome="released"} 1)");
    has(R"(ocicrypt_kbs_releases_total{way="resource",outcome="key-not-found"} 1)");
    has(R"(ocicrypt_kbs_request_duration_seconds_count{endpoint="auth"} 1)");
    CHECK(metrics.find("demo") == std::string::npos);
    CHECK(metrics.find("nobody") == std::string::npos);
}

TEST_CASE("the log names what happened and holds no secret") {
    TestBroker broker;
    const std::string token = broker.admin_token("admin", broker.admin_key);
    broker.send("POST", "/kbs/v0/resource/demo/kek/app", std::string(32, 'S'), {TestBroker::bearer(token)});
    const auto node = broker.as_node();
    broker.send("GET", "/kbs/v0/resource/demo/kek/app", {}, node);
    const std::string log = broker.log();
    CHECK(log.find("path=/kbs/v0/resource/demo/kek/app") != std::string::npos);
    CHECK(log.find("code=key-not-exportable") != std::string::npos);
    CHECK(log.find("SSSS") == std::string::npos);
    CHECK(log.find(token) == std::string::npos);
    CHECK(log.find("kbs-session-id") == std::string::npos);
}
