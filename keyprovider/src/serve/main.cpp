// SPDX-License-Identifier: Apache-2.0
// `ocicrypt-keyprovider serve`: the gRPC service of ocicrypt's protocol and the command socket, over one provider, so
// that one attested session answers every call.
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <utility>

#include "base/log.h"
#include "command/command_line.h"
#include "command_protocol.h"
#include "crypto/key.h"
#include "crypto/x509.h"
#include "grpc_service.h"
#include "keyprovider/command_socket.h"
#include "keyprovider/config.h"
#include "keyprovider/provider.h"
#include "listeners.h"
#include "ocicrypt/keyprovider_protocol.h"
#include "systemd.h"

namespace keyprovider::serve {
namespace {

using base::ErrorCode;
using base::Fail;
using base::Result;
using base::Status;

// How long running calls may go on after SIGTERM, and how long after that this process may still exist.
constexpr std::chrono::seconds drain_limit{10};
constexpr std::chrono::seconds exit_limit{12};
constexpr std::size_t max_pem = std::size_t{1} << 20;

SystemdEnvironment read_systemd_environment() {
    const auto variable = [](const char* name) {
        const char* value = std::getenv(name);
        return std::string_view(value == nullptr ? "" : value);
    };
    return {variable("LISTEN_PID"), variable("LISTEN_FDS"), variable("LISTEN_FDNAMES"),
            std::string(variable("NOTIFY_SOCKET"))};
}

// gRPC would refuse wrong files too, but not say which and why.
Status check_tls(const ServerTls& tls, const Config::Serve& serve) {
    const auto invalid = [](const std::filesystem::path& file, const base::Error& error) {
        return Fail(base::Error(ErrorCode::config_invalid, file.string() + ": " + error.detail()));
    };
    const auto chain = crypto::Certificate::chain_from_pem(tls.certificate_chain);
    if (!chain) return invalid(serve.tls_certificate, chain.error());
    const auto key = crypto::PrivateKey::from_pem(base::as_bytes(tls.private_key));
    if (!key) return invalid(serve.tls_key, key.error());
    const auto public_key = chain->front().public_key();
    if (!public_key) return invalid(serve.tls_certificate, public_key.error());
    if (!(*public_key == key->public_key()))
        return Fail(ErrorCode::config_invalid, serve.tls_key.string() + " is not the key of the first certificate in " +
                                                   serve.tls_certificate.string());
    if (tls.client_ca.empty()) return {};
    const auto client_ca = crypto::Certificate::chain_from_pem(tls.client_ca);
    if (!client_ca) return invalid(serve.tls_client_ca, client_ca.error());
    return {};
}

Result<std::optional<ServerTls>> load_tls(const Config::Serve& serve) {
    if (serve.tls_certificate.empty() && serve.tls_key.empty() && serve.tls_client_ca.empty())
        return std::optional<ServerTls>();
    if (serve.tls_certificate.empty() || serve.tls_key.empty())
        return Fail(ErrorCode::config_invalid, "TLS needs both serve.tls_certificate and serve.tls_key");
    ServerTls tls;
    TRY_ASSIGN(tls.certificate_chain, base::load_text_file(serve.tls_certificate, max_pem));
    TRY_ASSIGN(const auto key, base::load_file(serve.tls_key, max_pem));
    tls.private_key = key.text();
    if (!serve.tls_client_ca.empty()) {
        TRY_ASSIGN(tls.client_ca, base::load_text_file(serve.tls_client_ca, max_pem));
    }
    TRY(check_tls(tls, serve));
    return std::optional(std::move(tls));
}

// Sockets from systemd take the place of the configured ones of their kind; addresses of the command line are opened
// beside them.
Status open_listeners(const LoadedConfig& loaded, std::vector<InheritedSocket> inherited, Listeners& listeners,
                      CommandSocketOptions& command_socket) {
    bool has_grpc = false;
    for (auto& [name, listener] : inherited) {
        if (name == "grpc") {
            TRY(listeners.adopt(std::move(listener)));
            has_grpc = true;
        } else if (name == "command" && !command_socket.adopted.valid()) {
            command_socket.adopted = std::move(listener);
        } else {
            return Fail(base::Error(ErrorCode::config_invalid, "inherited socket \"" + name + "\"")
                            .with_remedy("the socket unit needs FileDescriptorName=grpc, or =command for one socket"));
        }
    }
    if (has_grpc && loaded.setting("serve", "listen").origin != Origin::command_line) return {};
    TRY_ASSIGN(const auto addresses, parse_listen_addresses(loaded.config.serve.listen));
    for (const auto& address : addresses) TRY(listeners.open(address));
    return {};
}

// Who asked and for what is in the broker's log, under the request id; here stands what a caller was refused.
CommandHandler log_failures(base::Log& log, const Provider& provider, std::string_view through) {
    return [&log, &provider, through](base::ByteView request) {
        Answer answer = provider.handle(request);
        if (!answer)
            log.warning("request_failed", {{"through", through},
                                           {"request", answer.error().request_id},
                                           {"error", answer.error().error.message()}});
        return answer;
    };
}

// A broker or a TPM that hangs must not keep a stopped service alive, whatever still waits for it.
void end_process_after(std::chrono::seconds limit) {
    std::thread([limit] {
        std::this_thread::sleep_for(limit);
        _exit(1);
    }).detach();
}

Status serve(const CommandLine& line) {
    const auto systemd = read_systemd_environment();
    TRY_ASSIGN(auto inherited, inherited_sockets(systemd));
    TRY_ASSIGN(const auto loaded, load_config(line.config_file, read_environment(environ), line.settings));
    const Config& config = loaded.config;
    TRY_ASSIGN(const auto tls, load_tls(config.serve));

    // Blocked in every thread, so that `sigwait` below is where they arrive.
    sigset_t stop_signals;
    sigemptyset(&stop_signals);
    sigaddset(&stop_signals, SIGTERM);
    sigaddset(&stop_signals, SIGINT);
    pthread_sigmask(SIG_BLOCK, &stop_signals, nullptr);

    base::Log log(STDERR_FILENO, base::LogLevel::info, base::LogFormat::logfmt);
    TRY_ASSIGN(const auto provider, open_provider(config));
    const GrpcServiceOptions grpc_options{
        .tls = tls, .max_message_bytes = ocicrypt::max_keyprovider_message, .call_deadline = config.command.deadline};
    TRY_ASSIGN(const auto service, GrpcService::start(grpc_options, log_failures(log, *provider, "grpc")));

    Listeners listeners(tls.has_value());
    CommandSocketOptions command_options{.path = config.serve.command_socket,
                                         .max_request_bytes = ocicrypt::max_keyprovider_message};
    TRY(open_listeners(loaded, std::move(inherited), listeners, command_options));
    TRY_ASSIGN(const auto command_socket,
               CommandSocket::start(std::move(command_options), log_failures(log, *provider, "command")));
    listeners.start([&service](base::UniqueFd connection, Transport transport) {
        service->take(std::move(connection), transport);
    });

    for (const auto& address : listeners.addresses()) log.info("serving", {{"address", address}});
    if (tls && tls->client_ca.empty())
        log.warning("callers_not_authenticated", {{"remedy", "set [serve] tls_client_ca"}});
    notify_manager(systemd, "READY=1");

    int signal_number = 0;
    sigwait(&stop_signals, &signal_number);
    log.info("stopping", {{"signal", signal_number == SIGTERM ? "SIGTERM" : "SIGINT"}});
    notify_manager(systemd, "STOPPING=1");
    // A second signal ends the process at once.
    pthread_sigmask(SIG_UNBLOCK, &stop_signals, nullptr);
    end_process_after(exit_limit);
    const auto deadline = std::chrono::steady_clock::now() + drain_limit;
    listeners.stop();
    std::jthread command_drain([&] { command_socket->stop(); });
    if (!service->drain(deadline)) log.warning("calls_cut_off");
    command_drain.join();
    log.info("stopped");
    return {};
}

int run(int argc, char** argv) {
    const auto line = parse_command_line(argc, argv);
    if (!line && line.error().understood) {
        std::fputs(line.error().text.c_str(), stdout);
        return 0;
    }
    const Status status = !line                       ? Fail(ErrorCode::usage, line.error().text)
                          : line->verb != Verb::serve ? Fail(ErrorCode::usage, "this program is the verb serve only")
                                                      : serve(*line);
    if (status) return 0;
    std::fputs(verb_error_lines(status.error()).c_str(), stderr);
    return status.error().code() == ErrorCode::usage ? 2 : 1;
}

}  // namespace
}  // namespace keyprovider::serve

int main(int argc, char** argv) {
    keyprovider::prepare_process();
    return keyprovider::serve::run(argc, argv);
}
