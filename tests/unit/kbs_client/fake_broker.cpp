// SPDX-License-Identifier: Apache-2.0
#include "fake_broker.h"

#include <doctest/doctest.h>

#include <thread>

#include "base/encoding.h"
#include "crypto/jose/jwe.h"
#include "crypto/jose/jwk.h"
#include "crypto/jose/jwt.h"
#include "kbs_protocol/messages.h"

namespace kbs_client_test {
namespace {

class SampleAttester final : public attestation::collect::Attester {
  public:
    [[nodiscard]] std::string_view tee() const override { return "sample"; }
    base::Result<base::json::Value> collect(base::ByteView report_data) override {
        return base::json::Value(base::json::Object{{"svn", "1"}, {"report_data", base::base64_encode(report_data)}});
    }
};

}  // namespace

net::HttpResponse answer(int status, std::string_view body, net::HeaderList headers) {
    return {status, std::move(headers), base::SecretBytes::copy_of(body)};
}

net::HttpResponse refuse(int status, std::string_view variant, std::string_view code, std::string_view hint) {
    return answer(status, serialize(kbs_protocol::ErrorBody{
                              std::string(variant), "The broker said no.", std::string(code), std::string(hint), {}}));
}

base::Result<net::HttpResponse> FakeBroker::send(const net::HttpRequest& request) {
    REQUIRE(request.url.starts_with(std::string(url) + "/kbs/v0/"));
    const Sent sent{request.method, request.url.substr(url.size()), request.headers, std::string(request.body.text())};
    const std::string target = sent.method + ' ' + sent.path.substr(0, sent.path.find('?'));
    Handler handler;
    {
        const std::lock_guard lock(mutex_);
        sent_.push_back(sent);
        if (const auto found = handlers_.find(target); found != handlers_.end()) handler = found->second;
    }
    if (handler) return handler(sent);
    if (target == "POST /kbs/v0/auth") {
        return answer(200, serialize(kbs_protocol::Challenge{std::string(nonce), ""}),
                      {{"Set-Cookie", "kbs-session-id=challenge; Expires=Thu, 01 Jan 2026 00:05:00 GMT"}});
    }
    if (target == "POST /kbs/v0/attest") return attest(sent);
    return refuse(404, "PluginNotFound");
}

base::Result<net::HttpResponse> FakeBroker::attest(const Sent& request) {
    std::this_thread::sleep_for(attest_takes);
    const auto attestation = kbs_protocol::parse_attestation(request.body);
    REQUIRE(attestation);
    const auto signer = crypto::PrivateKey::generate(crypto::KeyType::ed25519);
    const auto token = crypto::jose::sign_jwt({}, base::json::Object{{"iat", 1000}, {"exp", 1000 + token_lifetime}},
                                              *signer, crypto::SignatureAlgorithm::eddsa);
    const std::lock_guard lock(mutex_);
    tee_key_ = *crypto::jose::recipient_from_jwk(attestation->tee_pubkey);
    const std::string cookie = "kbs-session-id=session-" + std::to_string(++sessions_);
    return answer(200, kbs_protocol::serialize_token_response(*token), {{"set-cookie", cookie}});
}

void FakeBroker::on(std::string target, Handler handler) {
    const std::lock_guard lock(mutex_);
    handlers_[std::move(target)] = std::move(handler);
}

net::HttpResponse FakeBroker::encrypted(std::string_view plaintext) {
    const std::lock_guard lock(mutex_);
    const auto jwe = crypto::jose::encrypt(*tee_key_, base::as_bytes(plaintext));
    return answer(200, base::json::serialize_public(crypto::jose::serialize_jwe(*jwe)));
}

std::vector<Sent> FakeBroker::sent() {
    const std::lock_guard lock(mutex_);
    return sent_;
}

std::size_t FakeBroker::count(std::string_view target) {
    std::size_t count = 0;
    for (const Sent& request : sent()) {
        if (request.method + ' ' + request.path.substr(0, request.path.find('?')) == target) ++count;
    }
    return count;
}

base::Result<std::unique_ptr<attestation::collect::Attester>> open_sample_attester() {
    return std::make_unique<SampleAttester>();
}

kbs_client::ClientOptions guest_of(std::shared_ptr<FakeBroker> broker) {
    kbs_client::ClientOptions options;
    options.url = url;
    options.http = std::move(broker);
    options.attester = open_sample_attester;
    return options;
}

std::unique_ptr<kbs_client::Client> create(kbs_client::ClientOptions options) {
    auto client = kbs_client::Client::create(std::move(options));
    REQUIRE(client);
    return std::move(*client);
}

}  // namespace kbs_client_test
