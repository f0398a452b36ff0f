// SPDX-License-Identifier: Apache-2.0
#include "kbs_broker.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "attestation/collect/tpm.h"
#include "base/fd.h"
#include "crypto/key.h"
#include "keyprovider/broker.h"
#include "keyprovider/provider.h"
#include "net/http_client.h"

namespace keyprovider {

namespace {

using base::ErrorCode;
using base::Fail;
using base::Result;
using base::SecretBytes;
using kbs_protocol::ResourceId;

constexpr std::size_t max_pem = std::size_t{1} << 20;

class KbsBroker : public Broker {
  public:
    explicit KbsBroker(std::unique_ptr<kbs_client::Client> client) : client_(std::move(client)) {}

    Result<std::optional<kbs_protocol::KeyMetadata>> fetch_key(const ResourceId& key_id,
                                                               std::string_view request_id) override {
        return client_->fetch_key(key_id, request_id);
    }

    Result<Registration> register_key(const ResourceId& key_id, base::ByteView kek, kbs_protocol::KeyUsage usage,
                                      std::string_view policy, std::string_view request_id) override {
        TRY_ASSIGN(const auto registration,
                   client_->register_key(key_id, kek, usage, policy, kbs_client::CreateOnly::yes, request_id));
        return registration == kbs_client::Registration::created ? Registration::created : Registration::existed;
    }

    Result<std::string> wrap(const ResourceId& key_id, base::ByteView plaintext, std::string_view request_id) override {
        std::vector<SecretBytes> plaintexts;
        plaintexts.push_back(SecretBytes::copy_of(plaintext));
        TRY_ASSIGN(auto packets, client_->wrap(key_id, std::move(plaintexts), request_id));
        return std::move(packets.front());
    }

    Result<SecretBytes> unwrap(std::string_view packet, std::string_view request_id) override {
        const std::string packets[] = {std::string(packet)};
        TRY_ASSIGN(auto results, client_->unwrap(packets, request_id));
        return std::move(results.front());
    }

    Result<SecretBytes> fetch_kek(const ResourceId& key_id, std::string_view request_id) override {
        return client_->fetch_resource(key_id, request_id);
    }

  private:
    std::unique_ptr<kbs_client::Client> client_;
};

Result<std::shared_ptr<net::HttpClient>> open_http(const Config::Kbs& kbs) {
    net::HttpClientOptions options{.pinned_spki_sha256 = kbs.spki_sha256,
                                   .allow_http = kbs.allow_http,
                                   .total_timeout = kbs.timeout,
                                   .proxy = kbs.proxy,
                                   .no_proxy = kbs.no_proxy};
    options.connect_timeout = std::min(options.connect_timeout, options.total_timeout);
    if (!kbs.ca_file.empty()) {
        TRY_ASSIGN(options.ca_pem, base::load_text_file(kbs.ca_file, max_pem));
    }
    TRY_ASSIGN(auto client, net::create_http_client(std::move(options)));
    return std::shared_ptr<net::HttpClient>(std::move(client));
}

Result<std::optional<kbs_client::AdminCredential>> load_credential(const Config::Publish& publish) {
    if (publish.key_file.empty()) return std::nullopt;
    const auto pem = base::load_file(publish.key_file, max_pem);
    if (!pem) return Fail(pem.error().as(ErrorCode::key_file_unreadable));
    auto key = crypto::PrivateKey::from_pem(pem->view());
    if (!key)
        return Fail(
            key.error()
                .as(ErrorCode::key_file_invalid)
                .within(publish.key_file.string())
                .with_remedy("[publish] key_file is a PEM private key, as `ocicrypt-kbs init` writes publisher.key"));
    return kbs_client::AdminCredential{std::move(*key), publish.role, publish.issuer, publish.audience};
}

}  // namespace

attestation::collect::TpmOptions tpm_options(const Config::Attester& attester) {
    using attestation::collect::TpmOptions;
    TpmOptions options;
    options.tcti = attester.tpm_tcti;
    options.ak_handle = attester.tpm_ak_handle;
    options.ak_algorithm = attester.tpm_ak_algorithm == AkAlgorithm::ecc ? TpmOptions::AkAlgorithm::ecc_p256
                                                                         : TpmOptions::AkAlgorithm::rsa2048;
    return options;
}

base::Result<std::unique_ptr<kbs_client::Client>> open_client(const Config& config) {
    if (config.kbs.url.empty()) return Fail(ErrorCode::kbs_not_configured);
    kbs_client::ClientOptions options{.url = config.kbs.url};
    TRY_ASSIGN(options.http, open_http(config.kbs));
    TRY_ASSIGN(options.admin, load_credential(config.publish));
    options.deadline = config.command.deadline;
    // A TPM is the only attester so far, so `auto` means it as well.
    if (config.attester.type != AttesterType::none)
        options.attester = [tpm = tpm_options(config.attester)] {
            return attestation::collect::open_tpm_attester(tpm);
        };
    return kbs_client::Client::create(std::move(options));
}

base::Result<std::unique_ptr<Provider>> open_provider(const Config& config) {
    std::unique_ptr<Broker> broker;
    if (!config.kbs.url.empty()) {
        TRY_ASSIGN(auto client, open_client(config));
        broker = std::make_unique<KbsBroker>(std::move(client));
    }
    return std::make_unique<Provider>(config, std::move(broker));
}

}  // namespace keyprovider
