// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

#include "net/http_server.h"

namespace net {

/// The requests of one connection, out of its bytes and without I/O: what the server and its fuzz target share.
/// Never throws because of what is fed; holds at most `header_bytes + body_bytes` and one feed. Not thread-safe.
class RequestParser {
  public:
    struct Limits {
        std::size_t header_bytes;  ///< of a whole head; a single field is limited to 64 KiB by Beast
        std::size_t body_bytes;
    };
    enum class State : std::uint8_t {
        waiting,   ///< nothing of a request has come
        head,      ///< a head has begun
        body,      ///< the head is fine, its body is not complete
        complete,  ///< `take` it
        refused,   ///< for good: what follows on this connection cannot be trusted
    };

    explicit RequestParser(Limits limits);
    RequestParser(const RequestParser&) = delete;
    RequestParser& operator=(const RequestParser&) = delete;
    ~RequestParser();

    State feed(std::string_view bytes);
    [[nodiscard]] State state() const { return state_; }

    /// Whether the client waits for "100 Continue" before it sends the body; while `body`.
    [[nodiscard]] bool expects_continue() const;
    /// Whether the client wants another request on this connection; while `complete`.
    [[nodiscard]] bool keep_alive() const;
    /// The complete request, without its peer. Goes on with what was fed behind it.
    ServerRequest take();

    /// While `refused`.
    [[nodiscard]] int status() const { return status_; }
    [[nodiscard]] std::string_view reason() const { return reason_; }

  private:
    struct Message;

    void advance();
    void read_head();
    void read_body();
    void refuse(int status, std::string_view reason);

    Limits limits_;
    State state_ = State::waiting;
    base::WipingString pending_;
    std::size_t searched_ = 0;  // so that a head that comes byte by byte is not searched anew each time
    std::unique_ptr<Message> message_;
    int status_ = 0;
    std::string_view reason_;
};

}  // namespace net
