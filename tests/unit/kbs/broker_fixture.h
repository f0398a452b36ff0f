// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <doctest/doctest.h>
#include <fcntl.h>

#include <map>
#include <optional>
#include <string>
#include <utility>

#include "base/encoding.h"
#include "base/fd.h"
#include "base/json.h"
#include "crypto/jose/jwe.h"
#include "crypto/jose/jwk.h"
#include "crypto/jose/jwt.h"
#include "crypto/random.h"
#include "crypto/x509_issue.h"
#include "fake_tpm.h"
#include "kbs/broker.h"
#include "kbs_protocol/messages.h"
#include "kbs_protocol/runtime_data.h"
#include "kbs_protocol/unwrap.h"
#include "temporary_directory.h"

namespace kbs {

inline const base::TimePoint noon{std::chrono::seconds(1'800'000'000)};

inline ResourceId kid(std::string_view text = "kbs:///demo/kek/app") {
    return *ResourceId::parse(text);
}

/// What a test looks at in an answer.
struct Answer {
    int status;
    net::HeaderList headers;
    std::string body;

    [[nodiscard]] base::json::Value json() const { return *base::json::parse(body, {.max_bytes = 1 << 20}); }
    [[nodiscard]] std::string text(std::string_view member) const {
        const auto value = json();
        const auto* found = value.find(member);
        return found == nullptr || found->as_string() == nullptr ? "" : std::string(*found->as_string());
    }
    [[nodiscard]] std::string code() const { return text("code"); }
    [[nodiscard]] std::string detail() const { return text("detail"); }
    [[nodiscard]] std::string variant() const {
        const std::string type = text("type");
        return type.substr(type.rfind('/') + 1);
    }
    [[nodiscard]] std::string header(std::string_view name) const {
        for (const auto& [header, value] : headers)
            if (header == name) return std::string(value);
        return "";
    }
    /// The cookie as a client sends it back.
    [[nodiscard]] std::string cookie() const {
        const std::string set = header("Set-Cookie");
        return set.substr(0, set.find(';'));
    }
};

/// A broker in memory but for its store: handle() with everything it needs, and clients of every kind.
class TestBroker {
  public:
    explicit TestBroker(base::Bytes sealing_key = base::Bytes(32, 0x5e), unsigned handshakes_per_second = 1000)
        : sealer_(*Sealer::create(sealing_key, crypto::fill_random)),
          token_key(*crypto::PrivateKey::generate(crypto::KeyType::ec_p256)),
          tokens_(*TokenIssuer::create(token_key, {certificate(token_key)}, "ocicrypt-kbs", std::chrono::seconds(300))),
          admins_({{"boss", admin_key.public_key(), {Role::admin, Role::publisher}, std::chrono::seconds(86400)},
                   {"ci", publisher_key.public_key(), {Role::publisher}, std::chrono::seconds(86400)}}),
          handshakes_(handshakes_per_second),
          log_file(::open((directory / "log").c_str(), O_CREAT | O_WRONLY | O_APPEND, 0600)),
          log_(log_file.get(), base::LogLevel::debug, base::LogFormat::logfmt) {
        const auto master_key = MasterKey::create(base::Bytes(32, 0x3a));
        REQUIRE(Store::create(directory / "kbs.sqlite", *master_key));
        auto opened =
            Store::open(directory / "kbs.sqlite", *MasterKey::create(base::Bytes(32, 0x3a)), crypto::fill_random);
        REQUIRE(opened);
        store = std::move(*opened);
    }

    TemporaryDirectory directory;
    base::TimePoint now = noon;
    Random random = crypto::fill_random;
    bool accept_tpm = true;
    bool secure_cookies = true;

  private:
    Sealer sealer_;

  public:
    crypto::PrivateKey admin_key = *crypto::PrivateKey::generate(crypto::KeyType::ed25519);
    crypto::PrivateKey publisher_key = *crypto::PrivateKey::generate(crypto::KeyType::ec_p256);
    crypto::PrivateKey token_key;

  private:
    TokenIssuer tokens_;
    AdminAuthenticator admins_;
    RateLimiter handshakes_;
    Metrics metrics_;
    base::UniqueFd log_file;
    base::Log log_;

  public:
    std::unique_ptr<Store> store;

    static crypto::Certificate certificate(const crypto::PrivateKey& key) {
        const crypto::Validity valid{noon - std::chrono::days(1), noon + std::chrono::days(1)};
        const auto ca_key = *crypto::PrivateKey::generate(crypto::KeyType::ec_p256);
        const auto ca = *crypto::issue_ca("test CA", ca_key, valid);
        return *crypto::issue_signing_certificate(ca, ca_key, key.public_key(), "test", valid);
    }

    [[nodiscard]] const Sealer& sealer() const { return sealer_; }
    [[nodiscard]] const TokenIssuer& tokens() const { return tokens_; }
    [[nodiscard]] std::string log() const { return directory.read("log"); }

    Answer send(std::string method, std::string path, std::string_view body = {}, net::HeaderList headers = {},
                std::string query = {}) {
        net::ServerRequest request;
        request.method = std::move(method);
        request.target_path = std::move(path);
        request.query = std::move(query);
        request.headers = std::move(headers);
        request.body = base::SecretBytes::copy_of(body);
        request.peer = "192.0.2.7:40000";
        const Services services{.store = *store,
                                .sealer = sealer_,
                                .tokens = tokens_,
                                .admins = admins_,
                                .handshakes = handshakes_,
                                .metrics = metrics_,
                                .log = log_,
                                .clock = [this] { return now; },
                                .random = random,
                                .session_lifetime = std::chrono::seconds(300),
                                .secure_cookies = secure_cookies,
                                .accept_tpm = accept_tpm};
        auto response = handle(request, services);
        return {response.status, std::move(response.headers), std::string(response.body.text())};
    }

    // --- administrators --------------------------------------------------------------------------------------------

    [[nodiscard]] std::string admin_token(std::string_view role, const crypto::PrivateKey& key,
                                          std::chrono::seconds lifetime = std::chrono::hours(1)) const {
        const base::json::Value claims =
            base::json::Object{{"role", role}, {"exp", (now + lifetime).time_since_epoch().count()}};
        return *crypto::jose::sign_jwt(base::json::Object{{"typ", "JWT"}}, claims, key,
                                       crypto::default_signature_algorithm(key.type()));
    }
    static std::pair<std::string, std::string> bearer(const std::string& token) {
        return {"Authorization", "Bearer " + token};
    }
    [[nodiscard]] net::HeaderList as_admin() const { return {bearer(admin_token("admin", admin_key))}; }
    [[nodiscard]] net::HeaderList as_publisher() const { return {bearer(admin_token("publisher", publisher_key))}; }

    void put_policy(const std::string& name, const std::string& text) {
        REQUIRE(store->put_policy(name, text, entry()));
    }
    [[nodiscard]] AuditEntry entry() const { return {now, "request", "test", "test", "subject", "done"}; }

    /// A 32-byte KEK of 0x77 under policy "any-tpm".
    void put_key(KeyUsage usage = KeyUsage::unwrap_only, const ResourceId& id = kid()) {
        put_policy(
            "any-tpm",
            R"({"version":"1.0.0","anyOf":[{"authority":"ocicrypt-kbs","allOf":[{"claim":"tee","equals":"tpm"}]}]})");
        REQUIRE(store->put_key({id, kek, usage, "any-tpm"}, Existing::replace, entry()));
    }
    const base::Bytes kek = base::Bytes(32, 0x77);

    // --- nodes -----------------------------------------------------------------------------------------------------

    FakeTpm tpm;
    crypto::PrivateKey tee_key = *crypto::PrivateKey::generate(crypto::KeyType::ec_p256);

    void enroll() { REQUIRE(store->enroll_ak("node-1", tpm.spki(), entry())); }

    Answer auth() { return send("POST", "/kbs/v0/auth", R"({"version":"0.4.0","tee":"tpm","extra-params":""})"); }
    [[nodiscard]] base::json::Value tee_jwk() const {
        return crypto::jose::jwk_from_public_key(tee_key.public_key(),
                                                 *crypto::jose::key_management_algorithm(tee_key.type()));
    }
    /// The valid answer to a challenge.
    [[nodiscard]] kbs_protocol::Attestation attestation(const std::string& nonce) const {
        const auto runtime_data = kbs_protocol::primary_runtime_data(nonce, tee_jwk(), "");
        const auto digest = kbs_protocol::runtime_data_digest(crypto::HashAlgorithm::sha384, *runtime_data);
        return {.init_data = {},
                .nonce = nonce,
                .tee_pubkey = tee_jwk(),
                .primary_evidence = tpm.quote(*digest),
                .additional_evidence = ""};
    }
    Answer attest(const std::string& cookie, const kbs_protocol::Attestation& message) {
        return send("POST", "/kbs/v0/attest", kbs_protocol::serialize(message), {{"Cookie", cookie}});
    }
    /// The whole handshake.
    Answer handshake() {
        const Answer challenge = auth();
        REQUIRE(challenge.status == 200);
        return attest(challenge.cookie(), attestation(challenge.text("nonce")));
    }
    /// The headers of a node that has attested.
    net::HeaderList as_node() {
        enroll();
        const Answer answer = handshake();
        REQUIRE(answer.status == 200);
        return {{"Cookie", answer.cookie()}};
    }
    [[nodiscard]] std::string decrypt(const Answer& answer) const {
        const auto jwe = crypto::jose::parse_jwe(answer.json());
        REQUIRE(jwe);
        const auto plaintext = crypto::jose::decrypt(*jwe, tee_key);
        REQUIRE(plaintext);
        return std::string(plaintext->text());
    }
};

}  // namespace kbs
