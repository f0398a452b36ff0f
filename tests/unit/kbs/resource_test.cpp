// SPDX-License-Identifier: Apache-2.0
#include "broker_fixture.h"

using namespace kbs;

namespace {

const std::string path = "/kbs/v0/resource/demo/kek/app";
const std::string kek_text(32, 'w');  // 0x77, as the fixture's

std::string deny_policy(const std::string& claim, const std::string& value) {
    return R"({"version":"1.0.0","anyOf":[{"authority":"ocicrypt-kbs","allOf":[{"claim":"tee","equals":"tpm"},{"claim":")" +
           claim + R"(","equals":")" + value + R"("}]}]})";
}

void refused(const Answer& answer, int status, std::string_view code, std::string_view variant) {
    CHECK(answer.status == status);
    CHECK(answer.code() == code);
    CHECK(answer.variant() == variant);
}

net::HeaderList with(net::HeaderList headers, std::string name, std::string value) {
    headers.add(std::move(name), std::move(value));
    return headers;
}

}  // namespace

TEST_CASE("an exportable key goes to an attested node, encrypted to its key") {
    TestBroker broker;
    SUBCASE("P-256") {}
    SUBCASE("P-521") {
        broker.tee_key = *crypto::PrivateKey::generate(crypto::KeyType::ec_p521);
    }
    SUBCASE("RSA") {
        broker.tee_key = *crypto::PrivateKey::generate(crypto::KeyType::rsa);
    }
    broker.put_key(KeyUsage::exportable);
    const Answer answer = broker.send("GET", path, {}, broker.as_node());
    CHECK(answer.status == 200);
    CHECK(answer.header("Content-Type") == "application/json");
    CHECK(answer.header("Set-Cookie").empty());
    CHECK(broker.decrypt(answer) == kek_text);
    CHECK(broker.store->list_audit()->back().action == "release-resource");
    CHECK(broker.store->list_audit()->back().actor == "node-1");
    CHECK(broker.store->list_audit()->back().outcome == "released");
}

TEST_CASE("the token serves instead of the cookie, and beside a cookie that has expired") {
    TestBroker broker;
    broker.put_key(KeyUsage::exportable);
    broker.enroll();
    const Answer session = broker.handshake();
    const auto bearer = TestBroker::bearer(session.text("token"));
    CHECK(broker.send("GET", path, {}, {bearer}).status == 200);
    CHECK(broker.send("GET", path, {}, {{"Cookie", "other=1; kbs-session-id=rubbish"}, bearer}).status == 200);
}

TEST_CASE("a node is refused without a session that holds") {
    TestBroker broker;
    broker.put_key(KeyUsage::exportable);
    broker.enroll();
    const Answer challenge = broker.auth();
    const Answer session = broker.handshake();
    SUBCASE("nothing at all") {
        refused(broker.send("GET", path), 401, "session-missing", "TokenNotFound");
    }
    SUBCASE("a challenge that was not answered") {
        refused(broker.send("GET", path, {}, {{"Cookie", challenge.cookie()}}), 401, "session-invalid",
                "TokenVerifierError");
    }
    SUBCASE("a session that has expired") {
        broker.now += std::chrono::seconds(300);
        refused(broker.send("GET", path, {}, {{"Cookie", session.cookie()}}), 401, "session-expired",
                "TokenVerifierError");
    }
    SUBCASE("a session of another broker") {
        TestBroker other(base::Bytes(32, 9));
        other.put_key(KeyUsage::exportable);
        refused(other.send("GET", path, {}, {{"Cookie", session.cookie()}}), 401, "session-invalid",
                "TokenVerifierError");
    }
    SUBCASE("a token that has expired") {
        broker.now += std::chrono::seconds(361);
        refused(broker.send("GET", path, {}, {TestBroker::bearer(session.text("token"))}), 401, "token-invalid",
                "TokenVerifierError");
    }
    SUBCASE("a token of another signer") {
        TestBroker other;
        refused(other.send("GET", path, {}, {TestBroker::bearer(session.text("token"))}), 401, "token-invalid",
                "TokenVerifierError");
    }
    SUBCASE("an administrator's token") {
        refused(broker.send("GET", path, {}, broker.as_admin()), 401, "token-invalid", "TokenVerifierError");
    }
}

TEST_CASE("an unwrap-only key does not leave the broker") {
    TestBroker broker;
    broker.put_key(KeyUsage::unwrap_only);
    refused(broker.send("GET", path, {}, broker.as_node()), 401, "key-not-exportable", "PolicyDeny");
}

TEST_CASE("a key that is not there is 401, as Trustee answers") {
    TestBroker broker;
    refused(broker.send("GET", path, {}, broker.as_node()), 401, "key-not-found", "PluginInternalError");
    CHECK(broker.store->list_audit()->back().outcome == "key-not-found");
}

TEST_CASE("a key without a policy is never released") {
    TestBroker broker;
    REQUIRE(broker.store->put_key({kid(), broker.kek, KeyUsage::exportable, {}}, Existing::refuse, broker.entry()));
    refused(broker.send("GET", path, {}, broker.as_node()), 401, "policy-missing", "PolicyDeny");
}

TEST_CASE("a policy that does not hold denies; the node learns its own claim, the log what was wanted") {
    TestBroker broker;
    const std::string wanted(64, 'e');
    broker.put_policy("other-pcr", deny_policy("tpm.pcr07", wanted));
    REQUIRE(broker.store->put_key({kid(), broker.kek, KeyUsage::exportable, "other-pcr"}, Existing::refuse,
                                  broker.entry()));
    const Answer answer = broker.send("GET", path, {}, broker.as_node());
    refused(answer, 401, "policy-denied", "PolicyDeny");
    CHECK(answer.detail().find("tpm.pcr07") != std::string::npos);
    CHECK(answer.detail().find(base::hex_encode(broker.tpm.pcrs[7])) != std::string::npos);
    CHECK(answer.body.find(wanted) == std::string::npos);
    CHECK(answer.body.find("tpm.tee") == std::string::npos);
    CHECK(broker.log().find(wanted) != std::string::npos);
}

TEST_CASE("policies see the names that the token has") {
    TestBroker broker;
    for (const auto& [claim, value] : {std::pair("tpm.ak_name", std::string("node-1")),
                                       std::pair("tpm.pcr23", base::hex_encode(broker.tpm.pcrs[23])),
                                       std::pair("init_data", base::hex_encode(broker.tpm.pcrs[8]))}) {
        CAPTURE(claim);
        broker.put_policy("p", deny_policy(claim, value));
        REQUIRE(
            broker.store->put_key({kid(), broker.kek, KeyUsage::exportable, "p"}, Existing::replace, broker.entry()));
        CHECK(broker.send("GET", path, {}, broker.as_node()).status == 200);
    }
}

TEST_CASE("a policy of another authority denies") {
    TestBroker broker;
    broker.put_policy(
        "p",
        R"({"version":"1.0.0","anyOf":[{"authority":"https://elsewhere","allOf":[{"claim":"tee","equals":"tpm"}]}]})");
    REQUIRE(broker.store->put_key({kid(), broker.kek, KeyUsage::exportable, "p"}, Existing::refuse, broker.entry()));
    refused(broker.send("GET", path, {}, broker.as_node()), 401, "policy-denied", "PolicyDeny");
}

TEST_CASE("a publisher creates a key, unwrap-only unless he says otherwise") {
    TestBroker broker;
    broker.put_policy("p", "{}");
    const Answer answer = broker.send("POST", path, kek_text, broker.as_publisher(), "policy=p");
    CHECK(answer.status == 200);
    CHECK(answer.header("Content-Type") == "text/xml");
    CHECK(answer.body.empty());
    const auto key = broker.store->load_key(kid());
    REQUIRE(key);
    CHECK(key->info.usage == KeyUsage::unwrap_only);
    CHECK(key->info.policy == "p");
    CHECK(key->info.version == 1);
    CHECK(key->material.text() == kek_text);
    CHECK(broker.store->list_audit()->back().actor == "ci");
}

TEST_CASE("an exportable secret has any size to 64 KiB, a KEK has 32 bytes") {
    TestBroker broker;
    const auto post = [&](std::size_t size, const std::string& query) {
        return broker.send("POST", path, std::string(size, 'x'), broker.as_admin(), query);
    };
    CHECK(post(1, "usage=exportable").status == 200);
    CHECK(post(64 * 1024, "usage=exportable").status == 200);
    refused(post(64 * 1024 + 1, "usage=exportable"), 401, "key-invalid", "PluginInternalError");
    refused(post(0, "usage=exportable"), 401, "key-invalid", "PluginInternalError");
    refused(post(31, "usage=unwrap-only"), 401, "key-invalid", "PluginInternalError");
    refused(post(33, "usage=unwrap-only"), 401, "key-invalid", "PluginInternalError");
    CHECK(post(32, "usage=unwrap-only").status == 200);
}

TEST_CASE("an administrator replaces a key, which keeps its usage and policy") {
    TestBroker broker;
    broker.put_key(KeyUsage::exportable);
    CHECK(broker.send("POST", path, std::string(32, 'n'), broker.as_admin()).status == 200);
    const auto key = broker.store->load_key(kid());
    CHECK(key->material.text() == std::string(32, 'n'));
    CHECK(key->info.version == 2);
    CHECK(key->info.usage == KeyUsage::exportable);
    CHECK(key->info.policy == "any-tpm");
}

TEST_CASE("If-None-Match: * creates and never replaces") {
    TestBroker broker;
    const auto headers = with(broker.as_admin(), "If-None-Match", "*");
    CHECK(broker.send("POST", path, kek_text, headers).status == 200);
    refused(broker.send("POST", path, std::string(32, 'n'), headers), 412, "key-exists", "PluginInternalError");
    CHECK(broker.store->load_key(kid())->material.text() == kek_text);
}

TEST_CASE("If-None-Match with an entity tag is not understood") {
    TestBroker broker;
    refused(broker.send("POST", path, kek_text, with(broker.as_admin(), "If-None-Match", "\"1\"")), 401,
            "input-invalid", "PluginInternalError");
}

TEST_CASE("a publisher neither replaces nor deletes") {
    TestBroker broker;
    broker.put_key();
    refused(broker.send("POST", path, std::string(32, 'n'), broker.as_publisher()), 412, "key-exists",
            "PluginInternalError");
    refused(broker.send("DELETE", path, {}, broker.as_publisher()), 401, "admin-refused", "AdminAuthAccess");
    CHECK(broker.store->load_key(kid())->material.text() == kek_text);
}

TEST_CASE("an administrator deletes") {
    TestBroker broker;
    broker.put_key();
    CHECK(broker.send("DELETE", path, {}, broker.as_admin()).status == 200);
    refused(broker.send("DELETE", path, {}, broker.as_admin()), 401, "key-not-found", "PluginInternalError");
}

TEST_CASE("a POST that would be understood differently than meant is refused") {
    TestBroker broker;
    const auto post = [&](const std::string& query) {
        return broker.send("POST", path, kek_text, broker.as_admin(), query);
    };
    refused(post("usage=secret"), 401, "parameter-invalid", "PluginInternalError");
    refused(post("polcy=p"), 401, "parameter-unknown", "PluginInternalError");
    CHECK(post("polcy=p").detail().find("did you mean policy?") != std::string::npos);
    refused(post("policy=none"), 401, "policy-missing", "PolicyDeny");
    CHECK_FALSE(broker.store->key_info(kid()));
}

TEST_CASE("only names of three plain segments are keys") {
    TestBroker broker;
    for (const std::string name :
         {"a/b", "a/b/c/d", "a//c", "a/b/", "a/.b/c", "a/../c", "a/b%2fc/d", "a/b c/d", "a/b/\xff"}) {
        CAPTURE(name);
        const Answer answer = broker.send("POST", "/kbs/v0/resource/" + name, kek_text, broker.as_admin());
        CHECK(answer.status == 404);
        CHECK(answer.code() == "path-unknown");
    }
}

TEST_CASE("a POST or DELETE needs an administrator's token") {
    TestBroker broker;
    for (const std::string method : {"POST", "DELETE"}) {
        refused(broker.send(method, path, kek_text), 401, "admin-refused", "AdminAuthAccess");
        refused(broker.send(method, path, kek_text, broker.as_node()), 401, "admin-refused", "AdminAuthAccess");
        refused(broker.send(method, path, kek_text, {{"Authorization", "Basic YTpi"}}), 401, "admin-refused",
                "AdminAuthAccess");
    }
}
