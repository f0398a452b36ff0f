// SPDX-License-Identifier: Apache-2.0
#include "kbs_client/client.h"

#include <doctest/doctest.h>

#include "base/encoding.h"
#include "crypto/jose/jwt.h"
#include "fake_broker.h"
#include "kbs_protocol/packet.h"

using base::ErrorCode;
using base::SecretBytes;
using kbs_client::CreateOnly;
using kbs_client::Registration;
using kbs_protocol::KeyUsage;
using kbs_protocol::ResourceId;
using namespace kbs_client_test;

namespace {

const ResourceId& key_id() {
    static const ResourceId id = *ResourceId::from_path("a/b/c");
    return id;
}

const std::string resource = "GET /kbs/v0/resource/a/b/c";
const std::string unwrap_path = "POST /kbs/v0/unwrap";

/// A broker that answers the first `refusals` requests for the resource with `code` and then gives it.
std::shared_ptr<FakeBroker> refusing_broker(int refusals, std::string variant, std::string code) {
    auto broker = std::make_shared<FakeBroker>();
    broker->on(resource, [&broker = *broker, left = std::make_shared<int>(refusals), variant, code](const Sent&) {
        if ((*left)-- > 0) return refuse(401, variant, code);
        return broker.encrypted("secret");
    });
    return broker;
}

const crypto::PrivateKey& publisher_key(crypto::KeyType type) {
    static const crypto::PrivateKey ed = *crypto::PrivateKey::generate(crypto::KeyType::ed25519);
    static const crypto::PrivateKey ec = *crypto::PrivateKey::generate(crypto::KeyType::ec_p256);
    return type == crypto::KeyType::ed25519 ? ed : ec;
}

kbs_client::ClientOptions publisher_of(const std::shared_ptr<FakeBroker>& broker,
                                       crypto::KeyType type = crypto::KeyType::ed25519) {
    auto options = guest_of(broker);
    options.attester = nullptr;
    options.clock = [] { return base::TimePoint(std::chrono::seconds(50'000)); };
    options.admin = kbs_client::AdminCredential{publisher_key(type), "publisher", {}, {}};
    return options;
}

constexpr std::string_view metadata =
    R"({"kid":"kbs:///a/b/c","usage":"unwrap-only","policy":"prod","kcv":"0011223344556677","version":1,"created":"2026-11-24T12:00:00Z"})";

}  // namespace

TEST_CASE("a resource comes decrypted, by the session's cookie alone") {
    const auto broker = refusing_broker(0, {}, {});
    const auto client = create(guest_of(broker));
    const auto secret = client->fetch_resource(key_id(), request_id);
    REQUIRE(secret);
    CHECK(secret->text() == "secret");
    const Sent request = broker->sent().back();
    CHECK(request.header("Cookie") == "kbs-session-id=session-1");
    CHECK(request.headers.count("Authorization") == 0);
    CHECK(request.header("X-Request-Id") == request_id);
    CHECK(request.body.empty());
    // An empty resource is a resource.
    broker->on(resource, [&](const Sent&) { return broker->encrypted(""); });
    CHECK(client->fetch_resource(key_id(), request_id)->empty());
    CHECK(broker->count("POST /kbs/v0/auth") == 1);
}

TEST_CASE("a session that the broker no longer knows is renewed once and the request repeated") {
    for (const auto& [variant, code] :
         std::initializer_list<std::pair<std::string, std::string>>{{"TokenNotFound", "session-missing"},
                                                                    {"TokenNotFound", "session-expired"},
                                                                    {"TokenNotFound", "session-invalid"},
                                                                    {"TokenVerifierError", "token-invalid"},
                                                                    {"TokenNotFound", ""},
                                                                    {"TokenVerifierError", ""},
                                                                    {"PluginInternalError", ""}}) {
        CAPTURE(variant);
        CAPTURE(code);
        const auto broker = refusing_broker(1, variant, code);
        const auto client = create(guest_of(broker));
        const auto secret = client->fetch_resource(key_id(), request_id);
        REQUIRE(secret);
        CHECK(secret->text() == "secret");
        CHECK(broker->count("POST /kbs/v0/auth") == 2);
        CHECK(broker->sent().back().header("Cookie") == "kbs-session-id=session-2");
        for (const Sent& request : broker->sent()) CHECK(request.header("X-Request-Id") == request_id);
    }
}

TEST_CASE("a session that is refused again is not renewed again") {
    const auto broker = refusing_broker(9, "TokenNotFound", "session-expired");
    CHECK(create(guest_of(broker))->fetch_resource(key_id(), request_id).error().code() == ErrorCode::session_expired);
    CHECK(broker->count("POST /kbs/v0/auth") == 2);
    CHECK(broker->count(resource) == 2);
}

TEST_CASE("a refusal is final and costs no second handshake") {
    for (const auto& [variant, code] :
         std::initializer_list<std::pair<std::string, std::string>>{{"PolicyDeny", "policy-denied"},
                                                                    {"PolicyDeny", "policy-missing"},
                                                                    {"PolicyDeny", "key-not-exportable"},
                                                                    {"PluginInternalError", "key-not-found"},
                                                                    {"AttestationError", "ak-not-enrolled"},
                                                                    {"AttestationError", "evidence-refused"},
                                                                    {"PolicyDeny", ""},
                                                                    {"PluginNotFound", ""}}) {
        CAPTURE(code);
        const auto broker = refusing_broker(1, variant, code);
        const auto secret = create(guest_of(broker))->fetch_resource(key_id(), request_id);
        REQUIRE(!secret);
        if (!code.empty()) CHECK(secret.error().name() == code);
        CHECK(broker->count("POST /kbs/v0/auth") == 1);
        CHECK(broker->count(resource) == 1);
    }
}

TEST_CASE("an answer that is no JWE to the session's key is refused") {
    const auto broker = std::make_shared<FakeBroker>();
    const auto client = create(guest_of(broker));
    REQUIRE(client->attest(request_id));
    const auto good = base::json::parse(broker->encrypted("secret").body.text(), {.max_bytes = 1 << 16});
    const auto code_of = [&](std::string body) {
        broker->on(resource, [body](const Sent&) { return answer(200, body); });
        const auto secret = client->fetch_resource(key_id(), request_id);
        return secret ? ErrorCode::usage : secret.error().code();
    };
    const auto with = [&](std::string_view member, std::string_view value) {
        base::json::Value changed = *good;
        changed.as_object()->set(member, value);
        return base::json::serialize_public(changed);
    };
    CHECK(code_of(base::json::serialize_public(*good)) == ErrorCode::usage);
    CHECK(code_of("secret") == ErrorCode::kbs_protocol);
    CHECK(code_of("") == ErrorCode::kbs_protocol);
    CHECK(code_of("<html>") == ErrorCode::kbs_protocol);
    CHECK(code_of("{}") == ErrorCode::kbs_protocol);
    CHECK(code_of(with("tag", "AAAAAAAAAAAAAAAAAAAAAA")) == ErrorCode::kbs_protocol);
    CHECK(code_of(with("ciphertext", "AAAAAAAA")) == ErrorCode::kbs_protocol);
    CHECK(code_of(with("iv", "AAAA")) == ErrorCode::kbs_protocol);
    CHECK(code_of(with("encrypted_key", "")) == ErrorCode::kbs_protocol);
    CHECK(code_of(with("protected", "e30")) == ErrorCode::kbs_protocol);
    CHECK(code_of(with("ciphertext", std::string(5'000'000, 'A'))) == ErrorCode::kbs_protocol);
    // [kbs-protocol §2.5] encrypted to another key
    const auto other = create(guest_of(broker));
    REQUIRE(other->attest(request_id));
    CHECK(code_of(std::string(broker->encrypted("secret").body.text())) == ErrorCode::kbs_protocol);
}

TEST_CASE("packets go to the broker as they stand in the image and come back as keys or errors, in order") {
    const auto broker = std::make_shared<FakeBroker>();
    broker->on(unwrap_path, [&](const Sent&) {
        return broker->encrypted(
            R"({"results":[{"plaintext":"Zmlyc3Q="},{"error":{"code":"policy-denied","detail":"pcr08"}}]})");
    });
    const auto client = create(guest_of(broker));
    const std::vector<std::string> packets{R"({"kid":"kbs:///a/b/c"})", "not a packet"};
    const auto results = client->unwrap(packets, request_id);
    REQUIRE(results);
    REQUIRE(results->size() == 2);
    CHECK((*results)[0]->text() == "first");
    CHECK((*results)[1].error().code() == ErrorCode::policy_denied);
    const Sent request = broker->sent().back();
    CHECK(request.header("Content-Type") == "application/json");
    CHECK(request.header("Cookie") == "kbs-session-id=session-1");
    CHECK(request.body == R"({"packets":["eyJraWQiOiJrYnM6Ly8vYS9iL2MifQ==","bm90IGEgcGFja2V0"]})");
}

TEST_CASE("an unwrap response with too few or too many results is refused") {
    const auto broker = std::make_shared<FakeBroker>();
    broker->on(unwrap_path,
               [&](const Sent&) { return broker->encrypted(R"({"results":[{"plaintext":"Zmlyc3Q="}]})"); });
    const auto client = create(guest_of(broker));
    CHECK(client->unwrap(std::vector<std::string>{"1", "2"}, request_id).error().code() == ErrorCode::kbs_protocol);
    CHECK(client->unwrap(std::vector<std::string>{"1"}, request_id));
    broker->on(unwrap_path, [&](const Sent&) { return broker->encrypted(R"({"results":"none"})"); });
    CHECK(client->unwrap(std::vector<std::string>{"1"}, request_id).error().code() == ErrorCode::kbs_protocol);
}

TEST_CASE("a Trustee, which cannot unwrap, is told apart and keeps its session") {
    const auto broker = refusing_broker(0, {}, {});
    const auto client = create(guest_of(broker));
    CHECK(client->unwrap(std::vector<std::string>{"1"}, request_id).error().code() == ErrorCode::path_unknown);
    CHECK(client->fetch_resource(key_id(), request_id)->text() == "secret");
    CHECK(broker->count("POST /kbs/v0/auth") == 1);
}

TEST_CASE("a publisher signs a token of its own for every request") {
    for (const auto type : {crypto::KeyType::ed25519, crypto::KeyType::ec_p256}) {
        const auto broker = std::make_shared<FakeBroker>();
        broker->on("GET /kbs/v0/key/a/b/c", [](const Sent&) { return answer(200, metadata); });
        auto options = publisher_of(broker, type);
        options.admin->issuer = "ci";
        options.admin->audience = "kbs";
        const auto client = create(std::move(options));
        const auto found = client->fetch_key(key_id(), request_id);
        REQUIRE(found);
        REQUIRE(*found);
        CHECK((*found)->key_check_value == "0011223344556677");

        const std::string authorization = broker->sent().at(0).header("Authorization");
        REQUIRE(authorization.starts_with("Bearer "));
        const auto verified = crypto::jose::verify_jwt(
            authorization.substr(7), publisher_key(type).public_key(), crypto::default_signature_algorithm(type),
            base::TimePoint(std::chrono::seconds(50'000)), std::chrono::seconds(0));
        REQUIRE(verified);
        CHECK(base::json::serialize_public(verified->claims) ==
              R"({"iat":50000,"nbf":50000,"exp":50300,"role":"publisher","iss":"ci","aud":"kbs"})");
        CHECK(broker->sent().at(0).headers.count("Cookie") == 0);
        CHECK(broker->count("POST /kbs/v0/auth") == 0);
    }
}

TEST_CASE("issuer and audience are left out where they are not configured") {
    const auto broker = std::make_shared<FakeBroker>();
    const auto client = create(publisher_of(broker));
    static_cast<void>(client->fetch_key(key_id(), request_id));
    const auto token = crypto::jose::parse_unverified_jwt(broker->sent().at(0).header("Authorization").substr(7));
    CHECK(token->claims.find("iss") == nullptr);
    CHECK(token->claims.find("aud") == nullptr);
}

TEST_CASE("a missing key, a broker without such an operation and a refusal are three things") {
    const auto broker = std::make_shared<FakeBroker>();
    const auto client = create(publisher_of(broker));
    CHECK(client->fetch_key(key_id(), request_id).error().code() == ErrorCode::path_unknown);
    broker->on("GET /kbs/v0/key/a/b/c",
               [](const Sent&) { return refuse(404, "PluginInternalError", "key-not-found"); });
    const auto missing = client->fetch_key(key_id(), request_id);
    REQUIRE(missing);
    CHECK(!*missing);
    broker->on("GET /kbs/v0/key/a/b/c", [](const Sent&) { return refuse(401, "AdminAuthAccess", "admin-refused"); });
    CHECK(client->fetch_key(key_id(), request_id).error().code() == ErrorCode::admin_refused);
    CHECK(broker->count("POST /kbs/v0/auth") == 0);
}

TEST_CASE("the description of another key, or none, is refused") {
    const auto broker = std::make_shared<FakeBroker>();
    const auto client = create(publisher_of(broker));
    std::string other(metadata);
    other.replace(other.find("a/b/c"), 5, "a/b/d");
    for (const std::string& body : {other, std::string("{}"), std::string("<html>")}) {
        broker->on("GET /kbs/v0/key/a/b/c", [&](const Sent&) { return answer(200, body); });
        CHECK(client->fetch_key(key_id(), request_id).error().code() == ErrorCode::kbs_protocol);
    }
}

TEST_CASE("a key is registered raw, with usage and policy, never over another") {
    const auto broker = std::make_shared<FakeBroker>();
    broker->on("POST /kbs/v0/resource/a/b/c", [](const Sent&) { return answer(200, ""); });
    const auto client = create(publisher_of(broker));
    const base::Bytes key{0, 1, 2, 255};
    const auto created =
        client->register_key(key_id(), key, KeyUsage::unwrap_only, "team a/b", CreateOnly::yes, request_id);
    REQUIRE(created);
    CHECK(*created == Registration::created);
    Sent request = broker->sent().back();
    CHECK(request.path == "/kbs/v0/resource/a/b/c?usage=unwrap-only&policy=team%20a%2Fb");
    CHECK(request.header("If-None-Match") == "*");
    CHECK(request.header("Content-Type") == "application/octet-stream");
    CHECK(request.body == std::string("\0\1\2\xff", 4));

    REQUIRE(client->register_key(key_id(), key, KeyUsage::exportable, "", CreateOnly::no, request_id));
    request = broker->sent().back();
    CHECK(request.path == "/kbs/v0/resource/a/b/c?usage=exportable");
    CHECK(request.headers.count("If-None-Match") == 0);

    broker->on("POST /kbs/v0/resource/a/b/c",
               [](const Sent&) { return refuse(412, "PluginInternalError", "key-exists"); });
    CHECK(*client->register_key(key_id(), key, KeyUsage::exportable, "", CreateOnly::yes, request_id) ==
          Registration::existed);
    CHECK(client->register_key(key_id(), key, KeyUsage::exportable, "", CreateOnly::no, request_id).error().code() ==
          ErrorCode::key_exists);
    broker->on("POST /kbs/v0/resource/a/b/c", [](const Sent&) { return refuse(401, "AdminAuthInitialization"); });
    CHECK(client->register_key(key_id(), key, KeyUsage::exportable, "", CreateOnly::yes, request_id).error().code() ==
          ErrorCode::admin_refused);
}

TEST_CASE("the broker wraps, and packets of another key or none are not taken") {
    const auto broker = std::make_shared<FakeBroker>();
    const base::Bytes kek(32, 7);
    const auto respond_with = [&](std::vector<std::string> packets) {
        broker->on("POST /kbs/v0/wrap",
                   [packets](const Sent&) { return answer(200, serialize(kbs_protocol::WrapResponse{packets})); });
    };
    const auto packet = [&](std::string_view path) {
        return kbs_protocol::serialize_packet(
            *kbs_protocol::seal_packet(*ResourceId::from_path(path), kek, base::as_bytes("secret")));
    };
    const auto client = create(publisher_of(broker));
    const auto wrap = [&] {
        std::vector<SecretBytes> plaintexts;
        plaintexts.push_back(SecretBytes::copy_of("secret"));
        return client->wrap(key_id(), std::move(plaintexts), request_id);
    };
    const std::string good = packet("a/b/c");
    respond_with({good});
    const auto packets = wrap();
    REQUIRE(packets);
    CHECK(*packets == std::vector<std::string>{good});
    CHECK(broker->sent().back().body == R"({"kid":"kbs:///a/b/c","plaintexts":["c2VjcmV0"]})");
    CHECK(broker->sent().back().header("Content-Type") == "application/json");

    respond_with({packet("a/b/d")});
    CHECK(wrap().error().code() == ErrorCode::kbs_protocol);
    respond_with({good, good});
    CHECK(wrap().error().code() == ErrorCode::kbs_protocol);
    respond_with({"secret"});
    CHECK(wrap().error().code() == ErrorCode::kbs_protocol);
    broker->on("POST /kbs/v0/wrap", [](const Sent&) { return answer(200, "{}"); });
    CHECK(wrap().error().code() == ErrorCode::kbs_protocol);
}

TEST_CASE("without a publisher's key nothing is sent") {
    const auto broker = std::make_shared<FakeBroker>();
    auto options = publisher_of(broker);
    options.admin.reset();
    CHECK(create(std::move(options))->fetch_key(key_id(), request_id).error().code() == ErrorCode::admin_refused);
    CHECK(broker->sent().empty());
}

TEST_CASE("a client is created only for a plain URL and a key that signs tokens") {
    const auto broker = std::make_shared<FakeBroker>();
    for (const std::string_view bad :
         {"", "broker:8080", "ftp://broker", "https://", "https:///kbs", "https://user@broker", "https://broker?x",
          "https://broker#x", "https://bro ker", "https://broker\r\nX: y"}) {
        CAPTURE(bad);
        auto options = guest_of(broker);
        options.url = bad;
        const auto client = kbs_client::Client::create(std::move(options));
        REQUIRE(!client);
        CHECK(client.error().code() == ErrorCode::config_invalid);
    }
    auto slashed = guest_of(broker);
    slashed.url += "//";
    CHECK(create(std::move(slashed))->attest(request_id));
    auto options = publisher_of(broker);
    options.admin->key = *crypto::PrivateKey::generate(crypto::KeyType::rsa);
    CHECK(kbs_client::Client::create(std::move(options)).error().code() == ErrorCode::config_invalid);
}

TEST_CASE("no request begins after the deadline of its operation") {
    const auto broker = std::make_shared<FakeBroker>();
    auto options = guest_of(broker);
    options.deadline = std::chrono::milliseconds(0);
    CHECK(create(options)->attest(request_id).error().code() == ErrorCode::deadline_exceeded);
    CHECK(broker->sent().empty());
    broker->attest_takes = std::chrono::milliseconds(150);
    options.deadline = std::chrono::milliseconds(100);
    CHECK(create(options)->fetch_resource(key_id(), request_id).error().code() == ErrorCode::deadline_exceeded);
    CHECK(broker->count(resource) == 0);
}

TEST_CASE("a request id that would not fit a header is a mistake of the caller") {
    const auto client = create(guest_of(std::make_shared<FakeBroker>()));
    for (const std::string_view id : {"", "short", "0123456789abcdef\r\n", "0123456789abcde_"}) {
        CHECK(client->attest(id).error().code() == ErrorCode::internal);
    }
    CHECK(client->attest(std::string(65, 'a')).error().code() == ErrorCode::internal);
}
