// SPDX-License-Identifier: Apache-2.0
// The only file that includes gRPC.
#include "grpc_service.h"

#include <grpcpp/alarm.h>
#include <grpcpp/ext/health_check_service_server_builder_option.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/resource_quota.h>

#include <mutex>
#include <utility>

#include "call_pool.h"
#include "keyprovider.grpc.pb.h"
#include "status_code.h"

namespace keyprovider::serve {

namespace {

using grpc::experimental::ExternalConnectionAcceptor;
using ExternalConnectionType = grpc::ServerBuilder::experimental_type::ExternalConnectionType;

// Tag and length of the one field of the message.
constexpr std::size_t message_overhead = 16;
// All connections together; 16 MiB is one message of the largest size.
constexpr std::size_t max_buffer_bytes = std::size_t{256} << 20;
constexpr int max_streams_of_connection = 128;
constexpr int connection_idle_ms = 300'000;
constexpr int handshake_timeout_ms = 10'000;

grpc::Status to_status(const Failure& failure) {
    return {static_cast<grpc::StatusCode>(status_code(failure.error.code())), failure.text()};
}

grpc::Status failed(base::ErrorCode code, std::string detail) {
    return to_status({base::Error(code, std::move(detail)), new_request_id()});
}

// One call: answered once, by whichever comes first of its handler, its deadline and its caller's going away. Lives
// until gRPC and the handler are both done with it.
class Call final : public grpc::ServerUnaryReactor, public std::enable_shared_from_this<Call> {
  public:
    // The copy that is worked on is wiped; the one in gRPC's own buffers is freed by gRPC as it is.
    Call(const Request& request, Response& response)
        : request_(base::SecretBytes::copy_of(request.json())), response_(response) {}

    void start(CallPool& pool, const CommandHandler& handler, std::chrono::milliseconds deadline) {
        self_ = shared_from_this();
        deadline_.Set(std::chrono::system_clock::now() + deadline, [call = weak_from_this(), deadline](bool passed) {
            const auto living = passed ? call.lock() : nullptr;
            if (!living) return;
            living->finish(failed(base::ErrorCode::deadline_exceeded,
                                  "no answer within " + std::to_string(deadline.count() / 1000) + " s"));
        });
        if (!pool.submit([call = self_, &handler] { call->run(handler); }))
            finish(failed(base::ErrorCode::overloaded, "the key provider takes no more calls at present"));
    }

    void finish(const grpc::Status& status) {
        if (claim()) Finish(status);
    }

  private:
    void OnCancel() override { finish(grpc::Status::CANCELLED); }

    void OnDone() override {
        deadline_.Cancel();
        const auto last = std::move(self_);
    }

    void run(const CommandHandler& handler) {
        {
            const std::lock_guard guard(mutex_);
            if (finished_) return;  // it waited too long
        }
        const Answer answer = handler(request_.view());
        if (!answer) return finish(to_status(answer.error()));
        if (!claim()) return;  // the response is gone already
        response_.set_json(answer->data(), answer->size());
        Finish(grpc::Status::OK);
    }

    bool claim() {
        const std::lock_guard guard(mutex_);
        return !std::exchange(finished_, true);
    }

    const base::SecretBytes request_;
    Response& response_;
    std::mutex mutex_;
    bool finished_ = false;
    grpc::Alarm deadline_;
    std::shared_ptr<Call> self_;
};

class Service final : public KeyProviderService::CallbackService {
  public:
    Service(const GrpcServiceOptions& options, CommandHandler handler)
        : deadline_(options.call_deadline),
          handler_(std::move(handler)),
          pool_(options.max_running_calls, options.max_waiting_calls) {}

    CallPool& pool() { return pool_; }

  private:
    // The request says by itself which operation it wants, and the handler goes by that.
    grpc::ServerUnaryReactor* WrapKey(grpc::CallbackServerContext*, const Request* request,
                                      Response* response) override {
        return begin(*request, *response);
    }
    grpc::ServerUnaryReactor* UnWrapKey(grpc::CallbackServerContext*, const Request* request,
                                        Response* response) override {
        return begin(*request, *response);
    }

    grpc::ServerUnaryReactor* begin(const Request& request, Response& response) {
        const auto call = std::make_shared<Call>(request, response);
        call->start(pool_, handler_, deadline_);
        return call.get();  // owned by itself until OnDone
    }

    const std::chrono::milliseconds deadline_;
    const CommandHandler handler_;
    CallPool pool_;  // last: its threads use the rest
};

std::shared_ptr<grpc::ServerCredentials> tls_credentials(const ServerTls& tls) {
    grpc::SslServerCredentialsOptions options(tls.client_ca.empty()
                                                  ? GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE
                                                  : GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
    options.pem_key_cert_pairs.push_back({tls.private_key, tls.certificate_chain});
    options.pem_root_certs = tls.client_ca;
    return grpc::SslServerCredentials(options);
}

}  // namespace

struct GrpcService::State {
    std::unique_ptr<Service> service;
    std::unique_ptr<ExternalConnectionAcceptor> plain;
    std::unique_ptr<ExternalConnectionAcceptor> encrypted;
    std::unique_ptr<grpc::Server> server;
};

base::Result<std::unique_ptr<GrpcService>> GrpcService::start(const GrpcServiceOptions& options,
                                                              CommandHandler handler) {
    auto state = std::make_unique<State>();
    state->service = std::make_unique<Service>(options, std::move(handler));

    grpc::EnableDefaultHealthCheckService(true);
    grpc::ServerBuilder builder;
    builder.RegisterService(state->service.get());
    builder.SetMaxReceiveMessageSize(static_cast<int>(options.max_message_bytes + message_overhead));
    builder.SetResourceQuota(grpc::ResourceQuota("keyprovider").Resize(max_buffer_bytes));
    builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, max_streams_of_connection);
    builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_IDLE_MS, connection_idle_ms);
    builder.AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, handshake_timeout_ms);
    auto external = builder.experimental();
    state->plain =
        external.AddExternalConnectionAcceptor(ExternalConnectionType::FROM_FD, grpc::InsecureServerCredentials());
    if (options.tls) {
        state->encrypted =
            external.AddExternalConnectionAcceptor(ExternalConnectionType::FROM_FD, tls_credentials(*options.tls));
    }
    state->server = builder.BuildAndStart();
    if (!state->server) {
        return base::Fail(base::Error(base::ErrorCode::config_invalid, "gRPC cannot use the TLS files of [serve]")
                              .with_remedy("check tls_certificate, tls_key and tls_client_ca"));
    }
    state->server->GetHealthCheckService()->SetServingStatus(KeyProviderService::service_full_name(), true);
    return std::unique_ptr<GrpcService>(new GrpcService(std::move(state)));
}

GrpcService::GrpcService(std::unique_ptr<State> state) : state_(std::move(state)) {}

GrpcService::~GrpcService() {
    drain(std::chrono::steady_clock::now());
    state_->service.reset();
}

void GrpcService::take(base::UniqueFd connection, Transport transport) {
    ExternalConnectionAcceptor::NewConnectionParameters parameters;
    parameters.fd = connection.release();
    const bool encrypt = transport == Transport::tcp && state_->encrypted;
    (encrypt ? state_->encrypted : state_->plain)->HandleNewConnection(&parameters);
}

bool GrpcService::drain(std::chrono::steady_clock::time_point deadline) {
    auto* health = state_->server->GetHealthCheckService();
    health->SetServingStatus(false);
    CallPool& pool = state_->service->pool();
    pool.refuse_more();
    const bool drained = pool.wait_until_idle(deadline);
    // Answers are on their way and watchers of the health service never end by themselves: a moment, then cut.
    state_->server->Shutdown(std::chrono::system_clock::now() + std::chrono::milliseconds(500));
    return drained;
}

}  // namespace keyprovider::serve
