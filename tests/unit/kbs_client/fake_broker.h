// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "kbs_client/client.h"

namespace kbs_client_test {

/// A copy of what the client sent.
struct Sent {
    std::string method;
    std::string path;  ///< behind the broker's URL
    net::HeaderList headers;
    std::string body;

    [[nodiscard]] std::string header(std::string_view name) const {
        return std::string(headers.find(name).value_or(""));
    }
};

net::HttpResponse answer(int status, std::string_view body, net::HeaderList headers = {});
/// The body of an error as our broker sends it; without `code` as a Trustee does.
net::HttpResponse refuse(int status, std::string_view variant, std::string_view code = {}, std::string_view hint = {});

/// An HTTP client whose far end is a broker in this process: attests everyone, and answers the other paths as told.
class FakeBroker final : public net::HttpClient {
  public:
    using Handler = std::function<base::Result<net::HttpResponse>(const Sent&)>;

    base::Result<net::HttpResponse> send(const net::HttpRequest& request) override;

    /// `target` is "METHOD /path" without a query. Replaces what was there.
    void on(std::string target, Handler handler);
    /// Encrypts to the TEE key of the last attestation.
    net::HttpResponse encrypted(std::string_view plaintext);

    [[nodiscard]] std::vector<Sent> sent();
    [[nodiscard]] std::size_t count(std::string_view target);

    /// Claims of the token.
    std::int64_t token_lifetime = 300;
    std::chrono::milliseconds attest_takes{0};

  private:
    base::Result<net::HttpResponse> attest(const Sent& request);

    std::mutex mutex_;
    std::vector<Sent> sent_;
    std::map<std::string, Handler, std::less<>> handlers_;
    std::optional<crypto::PublicKey> tee_key_;
    int sessions_ = 0;
};

constexpr std::string_view url = "https://broker.test:8080";
constexpr std::string_view request_id = "0123456789abcdef";
constexpr std::string_view nonce = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

/// Trustee's sample evidence.
base::Result<std::unique_ptr<attestation::collect::Attester>> open_sample_attester();

/// Options of a guest of that broker.
kbs_client::ClientOptions guest_of(std::shared_ptr<FakeBroker> broker);
std::unique_ptr<kbs_client::Client> create(kbs_client::ClientOptions options);

}  // namespace kbs_client_test
