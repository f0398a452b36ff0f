// SPDX-License-Identifier: Apache-2.0
#include "serve.h"

#include <fmt/format.h>
#include <fmt/ostream.h>
#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <ostream>
#include <thread>

#include "base/fd.h"
#include "crypto/random.h"
#include "kbs/broker.h"
#include "net/http_server.h"

namespace kbs {

using base::ErrorCode;
using base::Fail;
using base::Result;

namespace {

constexpr std::size_t max_pem_bytes = 64 * 1024;
constexpr std::chrono::seconds drain_time{10};

/// SIGTERM and SIGINT are taken by `wait` instead of killing the process. Made before any thread, which inherits it.
class StopSignals {
  public:
    StopSignals() {
        sigemptyset(&set_);
        sigaddset(&set_, SIGTERM);
        sigaddset(&set_, SIGINT);
        pthread_sigmask(SIG_BLOCK, &set_, nullptr);
    }
    [[nodiscard]] std::string_view wait() const {
        int signal = 0;
        sigwait(&set_, &signal);
        return signal == SIGTERM ? "SIGTERM" : "SIGINT";
    }

  private:
    sigset_t set_;
};

/// As `load_file`, where a file that cannot be read is a key file that cannot be read.
Result<base::SecretBytes> load_pem(const std::filesystem::path& path) {
    auto pem = base::load_file(path, max_pem_bytes);
    if (!pem) return Fail(pem.error().as(ErrorCode::key_file_unreadable));
    return pem;
}

/// An error about a file's content says which file.
template <typename T>
Result<T> in_file(const std::filesystem::path& path, Result<T> result) {
    if (!result)
        return Fail(result.error()
                        .as(ErrorCode::key_file_invalid)
                        .within(path.string())
                        .with_remedy("check the file that the configuration names"));
    return result;
}

Result<TokenIssuer> load_token_issuer(const Config::Token& config) {
    TRY_ASSIGN(const base::SecretBytes key_pem, load_pem(config.signing_key));
    TRY_ASSIGN(const base::SecretBytes certificate_pem, load_pem(config.certificate));
    TRY_ASSIGN(auto key, in_file(config.signing_key, crypto::PrivateKey::from_pem(key_pem.view())));
    TRY_ASSIGN(auto chain, in_file(config.certificate, crypto::Certificate::chain_from_pem(certificate_pem.text())));
    return in_file(config.signing_key,
                   TokenIssuer::create(std::move(key), std::move(chain), config.issuer, config.lifetime));
}

Result<std::optional<net::TlsIdentity>> load_tls(const Config::Server& config) {
    if (config.insecure_http) return std::optional<net::TlsIdentity>();
    TRY_ASSIGN(const base::SecretBytes certificate, load_pem(config.certificate));
    TRY_ASSIGN(base::SecretBytes key, load_pem(config.private_key));
    return std::optional(net::TlsIdentity{std::string(certificate.text()), std::move(key)});
}

/// "https://127.0.0.1:8443" with the port that was given to us.
std::string url(const Config::Server& config, std::string_view listen, std::uint16_t port) {
    return fmt::format("{}://{}:{}", config.insecure_http ? "http" : "https", listen.substr(0, listen.rfind(':')),
                       port);
}

}  // namespace

base::Status serve(const Config& config, std::ostream& out) {
    const StopSignals stop_signals;
    base::Log log(STDERR_FILENO, base::LogLevel::info, base::LogFormat::logfmt);

    TRY_ASSIGN(MasterKey master_key, MasterKey::load(config.store.master_key));
    TRY_ASSIGN(const auto store, Store::open(config.store.path, std::move(master_key), crypto::fill_random));
    TRY_ASSIGN(const base::SecretBytes sealing_key, load_key32(config.session.sealing_key));
    TRY_ASSIGN(const Sealer sealer, Sealer::create(sealing_key.view(), crypto::fill_random));
    TRY_ASSIGN(const TokenIssuer tokens, load_token_issuer(config.token));
    TRY_ASSIGN(const AdminAuthenticator admins, load_admin_authenticator(config.admins));
    RateLimiter handshakes(config.server.handshakes_per_second);
    Metrics metrics;
    const Services services{.store = *store,
                            .sealer = sealer,
                            .tokens = tokens,
                            .admins = admins,
                            .handshakes = handshakes,
                            .metrics = metrics,
                            .log = log,
                            .clock = base::system_now,
                            .random = crypto::fill_random,
                            .session_lifetime = config.session.lifetime,
                            .secure_cookies = !config.server.insecure_http,
                            .accept_tpm = config.attestation.tpm};

    net::HttpServerOptions options;
    options.listen = config.server.listen;
    TRY_ASSIGN(options.tls, load_tls(config.server));
    TRY_ASSIGN(const auto server, net::HttpServer::start(std::move(options), [&](const net::ServerRequest& request) {
                   return handle(request, services);
               }));
    const auto ports = server->ports();
    for (std::size_t i = 0; i < ports.size(); ++i) {
        const std::string address = url(config.server, config.server.listen[i], ports[i]);
        log.info("listening", {{"url", address}});
        fmt::print(out, "listening on {}\n", address);
    }
    if (config.server.insecure_http)
        log.warning("insecure-http",
                    {{"reason", "insecure_http = true: tokens and keys of administrators travel unprotected"}});
    out.flush();

    log.info("stopping", {{"signal", stop_signals.wait()}});
    server->drain(drain_time);
    return {};
}

}  // namespace kbs
