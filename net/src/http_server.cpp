// SPDX-License-Identifier: Apache-2.0
#include "net/http_server.h"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl/ssl_stream.hpp>

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <charconv>
#include <condition_variable>
#include <future>
#include <list>
#include <mutex>
#include <thread>

#include "request_parser.h"

namespace net {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
namespace ssl = boost::asio::ssl;
using asio::ip::tcp;
using base::ErrorCode;
using base::Fail;
using base::Result;
using base::Status;
using boost::system::error_code;

auto into(error_code& ec) {
    return asio::redirect_error(asio::use_awaitable, ec);
}

Result<std::shared_ptr<ssl::context>> tls_context(const TlsIdentity& identity) {
    auto context = std::make_shared<ssl::context>(ssl::context::tls_server);
    SSL_CTX* native = context->native_handle();
    SSL_CTX_set_min_proto_version(native, TLS1_2_VERSION);
    SSL_CTX_set_options(native, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE);
    // Forward secrecy and authenticated encryption only; TLS 1.3 has nothing else.
    if (SSL_CTX_set_cipher_list(native, "ECDHE+AESGCM:ECDHE+CHACHA20") != 1) {
        return Fail(ErrorCode::internal, "no TLS cipher");
    }
    SSL_CTX_set_alpn_select_cb(
        native,
        [](SSL*, const unsigned char** out, unsigned char* out_size, const unsigned char* in, unsigned in_size, void*) {
            static constexpr unsigned char protocols[] = "\x08http/1.1";
            unsigned char* chosen = nullptr;
            if (SSL_select_next_proto(&chosen, out_size, protocols, sizeof(protocols) - 1, in, in_size) !=
                OPENSSL_NPN_NEGOTIATED) {
                return SSL_TLSEXT_ERR_ALERT_FATAL;
            }
            *out = chosen;
            return SSL_TLSEXT_ERR_OK;
        },
        nullptr);
    error_code ec;
    context->use_certificate_chain(asio::buffer(identity.certificate_pem), ec);
    if (ec) return Fail(ErrorCode::config_invalid, "the TLS certificate cannot be read");
    const base::ByteView key = identity.private_key_pem.view();
    context->use_private_key(asio::buffer(key.data(), key.size()), ssl::context::pem, ec);
    if (ec || SSL_CTX_check_private_key(native) != 1) {
        ERR_clear_error();
        return Fail(ErrorCode::config_invalid, "the TLS private key cannot be read or is not the certificate's");
    }
    return context;
}

Result<tcp::endpoint> parse_endpoint(const std::string& text) {
    const std::size_t colon = text.rfind(':');
    const auto bad = [&] {
        return Fail(ErrorCode::config_invalid, fmt::format("\"{}\" is not ADDRESS:PORT, like 127.0.0.1:8080", text));
    };
    if (colon == std::string::npos) return bad();
    std::string host = text.substr(0, colon);
    if (host.starts_with('[') && host.ends_with(']')) {
        host = host.substr(1, host.size() - 2);
    } else if (host.contains(':')) {
        return bad();
    }
    std::uint16_t port = 0;
    const char* end = text.data() + text.size();
    if (std::from_chars(text.data() + colon + 1, end, port) != std::from_chars_result{end, std::errc{}}) return bad();
    error_code ec;
    const auto address = asio::ip::make_address(host, ec);
    if (ec) return bad();
    return tcp::endpoint(address, port);
}

/// One connection as the server's bookkeeping sees it. Touched by the I/O thread only.
struct Connection {
    tcp::socket* socket = nullptr;
    bool busy = false;  // a request has begun
};

class BeastServer final : public HttpServer {
  public:
    BeastServer(HttpServerOptions options, Handler handler)
        : options_(std::move(options)), handler_(std::move(handler)), workers_(options_.threads) {}
    BeastServer(const BeastServer&) = delete;
    BeastServer& operator=(const BeastServer&) = delete;

    ~BeastServer() override { drain(std::chrono::milliseconds(0)); }

    Status open() {
        if (options_.threads == 0 || options_.max_connections == 0 || !handler_) {
            return Fail(ErrorCode::config_invalid, "a server needs threads, connections and a handler");
        }
        if (options_.listen.empty()) return Fail(ErrorCode::config_invalid, "no address to listen on");
        if (options_.tls) TRY(reload_tls(*options_.tls));
        for (const std::string& text : options_.listen) {
            TRY_ASSIGN(const tcp::endpoint endpoint, parse_endpoint(text));
            tcp::acceptor acceptor(io_);
            error_code ec;
            acceptor.open(endpoint.protocol(), ec);
            if (!ec) acceptor.set_option(asio::socket_base::reuse_address(true), ec);
            if (!ec && endpoint.address().is_v6()) acceptor.set_option(asio::ip::v6_only(true), ec);
            if (!ec) acceptor.bind(endpoint, ec);
            if (!ec) acceptor.listen(asio::socket_base::max_listen_connections, ec);
            if (ec) return Fail(ErrorCode::net_failed, fmt::format("cannot listen on {}: {}", text, ec.message()));
            ports_.push_back(acceptor.local_endpoint().port());
            acceptors_.push_back(std::move(acceptor));
        }
        for (tcp::acceptor& acceptor : acceptors_) asio::co_spawn(io_, accept(acceptor), asio::detached);
        io_thread_ = std::thread([this] { io_.run(); });
        return {};
    }

    std::vector<std::uint16_t> ports() const override { return ports_; }

    Status reload_tls(const TlsIdentity& identity) override {
        TRY_ASSIGN(auto context, tls_context(identity));
        const std::lock_guard lock(tls_mutex_);
        tls_ = std::move(context);
        return {};
    }

    void drain(std::chrono::milliseconds deadline) override {
        if (!io_thread_.joinable()) return;
        const auto end = std::chrono::steady_clock::now() + deadline;
        asio::post(io_, [this] {
            draining_ = true;
            for (tcp::acceptor& acceptor : acceptors_) close(acceptor);
            room_.cancel();
            for (Connection& connection : connections_) {
                if (!connection.busy && connection.socket != nullptr) close(*connection.socket);
            }
            announce();
        });
        {
            std::unique_lock lock(done_mutex_);
            done_.wait_until(lock, end, [this] { return done_now_; });
        }
        std::promise<void> closed;
        asio::post(io_, [this, &closed] {
            closing_ = true;  // from here on no request is given to the workers: they may be joined
            for (Connection& connection : connections_) {
                if (connection.socket != nullptr) close(*connection.socket);
            }
            closed.set_value();
        });
        closed.get_future().wait();
        // A handler cannot be stopped; its connection is gone, and its end is waited for.
        workers_.join();
        {
            std::unique_lock lock(done_mutex_);
            done_.wait(lock, [this] { return done_now_; });
        }
        io_.stop();
        io_thread_.join();
    }

  private:
    template <typename Closable>
    static void close(Closable& closable) {
        error_code ignored;  // what cannot be closed is closed already
        closable.close(ignored);
    }

    void announce() {
        const std::lock_guard lock(done_mutex_);
        done_now_ = draining_ && connections_.empty();
        if (done_now_) done_.notify_all();
    }

    asio::awaitable<void> accept(tcp::acceptor& acceptor) {
        while (!draining_) {
            error_code ec;
            if (connections_.size() >= options_.max_connections) {
                room_.expires_at(asio::steady_timer::time_point::max());
                co_await room_.async_wait(into(ec));
                continue;
            }
            tcp::socket socket = co_await acceptor.async_accept(into(ec));
            if (draining_) co_return;
            if (ec) {
                // Out of file descriptors, most likely: give the others time to finish.
                asio::steady_timer pause(io_, std::chrono::milliseconds(50));
                co_await pause.async_wait(into(ec));
                continue;
            }
            socket.set_option(tcp::no_delay(true), ec);
            // Counted here, because the coroutine itself starts later.
            const auto connection = connections_.emplace(connections_.end());
            asio::co_spawn(io_, serve(std::move(socket), connection), asio::detached);
        }
    }

    asio::awaitable<void> serve(tcp::socket socket, std::list<Connection>::iterator here) {
        error_code ec;
        const tcp::endpoint endpoint = socket.remote_endpoint(ec);
        const std::string peer = ec ? std::string("unknown")
                                    : fmt::format(fmt::runtime(endpoint.address().is_v6() ? "[{}]:{}" : "{}:{}"),
                                                  endpoint.address().to_string(), endpoint.port());
        std::shared_ptr<ssl::context> tls;
        {
            const std::lock_guard lock(tls_mutex_);
            tls = tls_;
        }
        // Whatever way this coroutine ends, the list forgets it.
        const auto forget = [this, here] {
            connections_.erase(here);
            room_.cancel();
            announce();
        };
        if (tls) {
            beast::ssl_stream<beast::tcp_stream> stream(beast::tcp_stream(std::move(socket)), *tls);
            here->socket = &beast::get_lowest_layer(stream).socket();
            beast::get_lowest_layer(stream).expires_after(options_.handshake_timeout);
            co_await stream.async_handshake(ssl::stream_base::server, into(ec));
            if (!ec) {
                co_await talk(stream, *here, peer);
                beast::get_lowest_layer(stream).expires_after(options_.handshake_timeout);
                co_await stream.async_shutdown(into(ec));
            }
            forget();
        } else {
            beast::tcp_stream stream(std::move(socket));
            here->socket = &stream.socket();
            co_await talk(stream, *here, peer);
            stream.socket().shutdown(tcp::socket::shutdown_send, ec);
            forget();
        }
    }

    /// Requests of one connection, one after the other.
    template <typename Stream>
    asio::awaitable<void> talk(Stream& stream, Connection& connection, const std::string& peer) {
        RequestParser parser({options_.header_limit, options_.body_limit});
        bool keep_alive = true;
        for (bool first = true; keep_alive && !draining_; first = false) {
            if (!co_await receive(stream, connection, parser,
                                  first ? options_.header_timeout : options_.idle_timeout)) {
                co_return;
            }
            if (parser.state() == RequestParser::State::refused) {
                co_await refuse(stream, parser.status(), parser.reason());
                co_return;
            }
            keep_alive = parser.keep_alive();
            ServerRequest request = parser.take();
            request.peer = peer;
            // The workers end once every connection has been told so.
            if (closing_) co_return;
            beast::get_lowest_layer(stream).expires_never();
            const ServerResponse response = co_await asio::co_spawn(workers_, answer(request), asio::use_awaitable);
            keep_alive = keep_alive && !draining_;
            if (!co_await write(stream, response, request.method == "HEAD", keep_alive)) co_return;
        }
    }

    /// Reads until a request is complete or refused; false where the connection ended or was too slow.
    template <typename Stream>
    asio::awaitable<bool> receive(Stream& stream, Connection& connection, RequestParser& parser,
                                  std::chrono::milliseconds patience) {
        using State = RequestParser::State;
        auto& lowest = beast::get_lowest_layer(stream);
        base::WipingString bytes(16384, '\0');
        error_code ec;
        bool continued = false;
        for (State seen = State::complete; parser.state() != State::complete && parser.state() != State::refused;) {
            connection.busy = parser.state() != State::waiting;
            if (parser.state() == State::body && !continued && parser.expects_continue()) {
                continued = true;
                lowest.expires_after(options_.write_timeout);
                http::response<http::empty_body> go_on(http::status::continue_, 11);
                co_await http::async_write(stream, go_on, into(ec));
                if (ec) co_return false;
                seen = State::complete;  // the time-out of the body begins now
            }
            // Each phase has one deadline as a whole, however many reads it takes.
            if (parser.state() != seen) {
                seen = parser.state();
                lowest.expires_after(seen == State::waiting ? patience
                                     : seen == State::head  ? options_.header_timeout
                                                            : options_.body_timeout);
            }
            const std::size_t size = co_await stream.async_read_some(asio::buffer(bytes), into(ec));
            if (ec) co_return false;
            parser.feed({bytes.data(), size});
        }
        connection.busy = true;
        co_return true;
    }

    asio::awaitable<ServerResponse> answer(const ServerRequest& request) {
        try {
            ServerResponse response = handler_(request);
            if (sendable(response)) co_return response;
        } catch (...) {  // NOLINT(bugprone-empty-catch): what follows is the answer
            // Nothing of the exception may reach the client; the handler is the one to log.
        }
        co_return plain(500, "internal error");
    }

    /// Whether the answer can be put on the wire as it is: Beast throws on some of what is left out here.
    static bool sendable(const ServerResponse& response) {
        if (response.status < 200 || response.status > 599 || response.headers.count("Transfer-Encoding") != 0)
            return false;
        return std::ranges::all_of(response.headers, [](const HeaderList::Field& field) {
            return valid_field(field.first, field.second) && field.first.size() + field.second.size() < 32768;
        });
    }

    static ServerResponse plain(int status, std::string_view reason) {
        ServerResponse response;
        response.status = status;
        response.headers.add("Content-Type", "text/plain; charset=utf-8");
        response.body = base::SecretBytes::copy_of(fmt::format("{}\n", reason));
        return response;
    }

    /// Answers what will not be read to its end, and lets the answer arrive before the connection is reset.
    template <typename Stream>
    asio::awaitable<void> refuse(Stream& stream, int status, std::string_view reason) {
        if (!co_await write(stream, plain(status, reason), false, false)) co_return;
        error_code ec;
        auto& lowest = beast::get_lowest_layer(stream);
        lowest.socket().shutdown(tcp::socket::shutdown_send, ec);
        lowest.expires_after(std::chrono::seconds(1));
        char discarded[4096];
        for (int i = 0; i < 64 && !ec; ++i) co_await lowest.async_read_some(asio::buffer(discarded), into(ec));
    }

    template <typename Stream>
    asio::awaitable<bool> write(Stream& stream, const ServerResponse& response, bool head_only, bool keep_alive) {
        const base::ByteView body = response.body.view();
        http::response<http::span_body<const std::uint8_t>> message;
        message.version(11);
        message.result(static_cast<unsigned>(response.status));
        for (const auto& [name, value] : response.headers) message.insert(name, value);
        message.keep_alive(keep_alive);
        message.content_length(body.size());
        if (!head_only) message.body() = beast::span<const std::uint8_t>(body.data(), body.size());
        error_code ec;
        beast::get_lowest_layer(stream).expires_after(options_.write_timeout);
        co_await http::async_write(stream, message, into(ec));
        co_return !ec;
    }

    HttpServerOptions options_;
    Handler handler_;
    asio::io_context io_{1};
    // Draining posts to a thread that may have nothing else left to do.
    asio::executor_work_guard<asio::io_context::executor_type> until_stopped_{io_.get_executor()};
    asio::thread_pool workers_;
    std::vector<tcp::acceptor> acceptors_;
    std::vector<std::uint16_t> ports_;
    std::thread io_thread_;

    std::mutex tls_mutex_;
    std::shared_ptr<ssl::context> tls_;

    // Of the I/O thread alone.
    bool draining_ = false;
    bool closing_ = false;
    std::list<Connection> connections_;
    asio::steady_timer room_{io_};

    std::mutex done_mutex_;
    std::condition_variable done_;
    bool done_now_ = false;
};

}  // namespace

Result<std::unique_ptr<HttpServer>> HttpServer::start(HttpServerOptions options, Handler handler) {
    auto server = std::make_unique<BeastServer>(std::move(options), std::move(handler));
    TRY(server->open());
    return server;
}

}  // namespace net
