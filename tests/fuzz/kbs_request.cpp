// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "base/encoding.h"
#include "base/json.h"
#include "crypto/jose/jwt.h"
#include "crypto/random.h"
#include "crypto/x509_issue.h"
#include "kbs/broker.h"

namespace {

constexpr base::TimePoint now{std::chrono::seconds(1'800'000'000)};

/// A broker with an administrator and a session, whose credentials stand in for the words ADMIN, TOKEN and SESSION.
class Broker {
  public:
    Broker()
        : key_(*crypto::PrivateKey::generate(crypto::KeyType::ec_p256)),
          sealer_(*kbs::Sealer::create(base::Bytes(32, 1), crypto::fill_random)),
          tokens_(*kbs::TokenIssuer::create(key_, {certificate()}, "fuzz", std::chrono::seconds(300))),
          admins_({{"fuzz", key_.public_key(), {kbs::Role::admin}, std::chrono::seconds(300)}}),
          log_(::open("/dev/null", O_WRONLY | O_CLOEXEC), base::LogLevel::error, base::LogFormat::logfmt) {
        char path[] = "/tmp/fuzz-kbs-XXXXXX";
        directory_ = ::mkdtemp(path);
        const auto master = [] { return std::move(*kbs::MasterKey::create(base::Bytes(32, 2))); };
        if (!kbs::Store::create(directory_ / "kbs.sqlite", master())) std::abort();
        store_ = std::move(*kbs::Store::open(directory_ / "kbs.sqlite", master(), crypto::fill_random));
        const auto tee = base::json::parse(
            R"({"kty":"EC","crv":"P-256","alg":"ECDH-ES+A256KW","x":"AhfmF_C2RDkoJ4-WmZ5pojpPLBUr321s32bluAKC1O0","y":"GUp968uXcS0t2jyoWqh2Wlb0X8dYWZZS8ol8ZTBuV5Q"})",
            {.max_bytes = 1000});
        const kbs::AttestedNode node{
            .tee = "tpm",
            .evidence = base::json::Object{{"tpm", base::json::Object{}},
                                           {"runtime_data_claims", base::json::Object{{"tee-pubkey", *tee}}}}};
        session_ = *sealer_.seal(node, now + std::chrono::seconds(300));
        token_ = *tokens_.issue(node, now);
        admin_ = *crypto::jose::sign_jwt(
            {},
            base::json::Object{{"role", "admin"}, {"exp", (now + std::chrono::seconds(60)).time_since_epoch().count()}},
            key_, crypto::SignatureAlgorithm::es256);
    }
    Broker(const Broker&) = delete;
    Broker& operator=(const Broker&) = delete;
    ~Broker() { std::filesystem::remove_all(directory_); }

    net::ServerResponse answer(const net::ServerRequest& request) {
        return kbs::handle(request, {.store = *store_,
                                     .sealer = sealer_,
                                     .tokens = tokens_,
                                     .admins = admins_,
                                     .handshakes = handshakes_,
                                     .metrics = metrics_,
                                     .log = log_,
                                     .clock = [] { return now; },
                                     .random = crypto::fill_random,
                                     .session_lifetime = std::chrono::seconds(300),
                                     .secure_cookies = true,
                                     .accept_tpm = true});
    }
    [[nodiscard]] std::string credentials(std::string value) const {
        for (const auto& [word, text] : {std::pair<std::string_view, const std::string&>("ADMIN", admin_),
                                         {"TOKEN", token_},
                                         {"SESSION", session_}})
            if (const auto place = value.find(word); place != std::string::npos)
                value.replace(place, word.size(), text);
        return value;
    }

  private:
    crypto::Certificate certificate() {
        const crypto::Validity valid{now, now + std::chrono::days(1)};
        return *crypto::issue_ca("fuzz", key_, valid);
    }
    crypto::PrivateKey key_;
    kbs::Sealer sealer_;
    kbs::TokenIssuer tokens_;
    kbs::AdminAuthenticator admins_;
    kbs::RateLimiter handshakes_{1'000'000};
    kbs::Metrics metrics_;
    base::Log log_;
    std::filesystem::path directory_;
    std::unique_ptr<kbs::Store> store_;
    std::string session_;
    std::string token_;
    std::string admin_;
};

std::string_view line(std::string_view& text) {
    const std::size_t end = text.find('\n');
    const std::string_view first = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    return first;
}

}  // namespace

/// "METHOD\nPATH\nQUERY\nNAME: VALUE\n…\n\nBODY": every answer has a status, an id and, for an error, its code.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static Broker broker;
    std::string_view text{reinterpret_cast<const char*>(data), size};
    net::ServerRequest request;
    request.method = line(text);
    request.target_path = line(text);
    request.query = line(text);
    while (!text.empty()) {
        const std::string_view header = line(text);
        if (header.empty()) break;
        const std::size_t colon = header.find(": ");
        if (colon == std::string_view::npos) continue;
        request.headers.add(std::string(header.substr(0, colon)),
                            broker.credentials(std::string(header.substr(colon + 2))));
    }
    request.body = base::SecretBytes::copy_of(text);
    request.peer = "192.0.2.1:1";
    const auto response = broker.answer(request);
    if (response.status < 200 || response.status >= 600 || !response.headers.find("X-Request-Id")) __builtin_trap();
    if (response.status != 200) {
        const auto body = base::json::parse(response.body.text(), {.max_bytes = 1 << 20});
        if (!body || !body->string_at("code") || !body->string_at("detail") || !body->string_at("hint"))
            __builtin_trap();
    }
    return 0;
}
