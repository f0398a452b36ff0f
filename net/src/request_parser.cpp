// SPDX-License-Identifier: Apache-2.0
#include "request_parser.h"

#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/vector_body.hpp>

#include <functional>
#include <iterator>
#include <stdexcept>

namespace net {
namespace {

namespace http = boost::beast::http;
using boost::system::error_code;

// Requests carry keys: what held them is wiped.
using Body = http::vector_body<std::uint8_t, base::WipingAllocator<std::uint8_t>>;

/// Of a chunk's size line, or of what follows the last chunk.
constexpr std::size_t kMaxChunkLine = 4096;

bool folded(std::string_view head) {
    return head.contains("\n ") || head.contains("\n\t");
}

}  // namespace

struct RequestParser::Message {
    http::request_parser<Body> parser;
    // Chunk extensions mean nothing to us, and parsers differ on where they end.
    std::function<void(std::uint64_t, std::string_view, error_code&)> on_chunk_header =
        [](std::uint64_t, std::string_view extensions, error_code& ec) {
            if (!extensions.empty()) ec = http::error::bad_chunk_extension;
        };
    ServerRequest request;

    [[nodiscard]] std::ptrdiff_t fields() const { return std::distance(parser.get().begin(), parser.get().end()); }
    std::ptrdiff_t head_fields = 0;

    /// Beast's `put`; true where it went well or needs more. What Beast throws (a field over 64 KiB) is an error too.
    std::size_t put(std::string_view bytes, error_code& ec) {
        try {
            return parser.put(boost::asio::buffer(bytes), ec);
        } catch (const std::length_error&) {
            ec = http::error::header_limit;
            return 0;
        }
    }
};

RequestParser::RequestParser(Limits limits) : limits_(limits) {}
RequestParser::~RequestParser() = default;

RequestParser::State RequestParser::feed(std::string_view bytes) {
    if (state_ == State::refused) return state_;
    pending_ += bytes;
    advance();
    return state_;
}

bool RequestParser::expects_continue() const {
    return message_->request.headers.find("Expect").has_value();
}

bool RequestParser::keep_alive() const {
    return message_->parser.get().keep_alive();
}

ServerRequest RequestParser::take() {
    ServerRequest request = std::move(message_->request);
    request.body = base::SecretBytes::copy_of(base::ByteView(message_->parser.get().body()));
    message_.reset();
    state_ = State::waiting;
    advance();
    return request;
}

void RequestParser::refuse(int status, std::string_view reason) {
    state_ = State::refused;
    status_ = status;
    reason_ = reason;
    pending_.clear();
}

void RequestParser::advance() {
    if ((state_ == State::waiting && !pending_.empty()) || state_ == State::head) read_head();
    if (state_ == State::body) read_body();
}

void RequestParser::read_head() {
    state_ = State::head;
    // A TLS greeting or another protocol would wait for an empty line that never comes.
    if (pending_.front() < 'A' || pending_.front() > 'z') return refuse(400, "not an HTTP request");
    // The whole head is here before Beast sees it, because Beast unfolds folded fields silently.
    const std::size_t end = pending_.find("\r\n\r\n", searched_);
    const std::size_t size = end == std::string_view::npos ? pending_.size() : end + 4;
    if (size > limits_.header_bytes) return refuse(431, "the header is too large");
    if (end == std::string_view::npos) {
        searched_ = size < 3 ? 0 : size - 3;
        return;
    }
    searched_ = 0;
    const std::string_view head(pending_.data(), size);
    if (folded(head)) return refuse(400, "a folded header field");

    message_ = std::make_unique<Message>();
    auto& parser = message_->parser;
    parser.eager(true);
    parser.header_limit(static_cast<std::uint32_t>(limits_.header_bytes));
    parser.body_limit(limits_.body_bytes);
    parser.on_chunk_header(message_->on_chunk_header);
    error_code ec;
    const std::size_t used = message_->put(head, ec);
    if (ec == http::error::body_limit) return refuse(413, "the body is too large");
    if (ec == http::error::header_limit) return refuse(431, "a header field is too large");
    if ((ec && ec != http::error::need_more) || used != size || !parser.is_header_done()) {
        return refuse(400, "not an HTTP request");
    }

    ServerRequest& request = message_->request;
    for (const auto& field : parser.get()) {
        request.headers.add(std::string(field.name_string()), std::string(field.value()));
    }
    message_->head_fields = message_->fields();
    const std::string_view target(parser.get().target());
    if (const char* problem = request_head_problem(parser.get().version(), target, request.headers)) {
        return refuse(400, problem);
    }
    request.method = std::string(parser.get().method_string());
    const std::size_t question = target.find('?');
    request.target_path = target.substr(0, question);
    if (question != std::string_view::npos) request.query = target.substr(question + 1);
    pending_.erase(0, size);
    state_ = State::body;
}

void RequestParser::read_body() {
    auto& parser = message_->parser;
    error_code ec;
    if (!parser.is_done() && !pending_.empty()) {
        const std::size_t used = message_->put(pending_, ec);
        pending_.erase(0, used);
    }
    if (ec == http::error::body_limit) return refuse(413, "the body is too large");
    if (ec && ec != http::error::need_more) return refuse(400, "the body is malformed");
    if (!parser.is_done()) {
        // Data is taken at once; what is left is the beginning of a line between chunks.
        if (pending_.size() > kMaxChunkLine) refuse(400, "the body is malformed");
        return;
    }
    // [RFC9110 §6.5] Beast adds trailer fields to the header; nobody may slip a field past a proxy that way.
    if (message_->fields() != message_->head_fields) return refuse(400, "trailer fields");
    state_ = State::complete;
}

}  // namespace net
