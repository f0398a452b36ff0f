// SPDX-License-Identifier: Apache-2.0
// The server's own parser over bytes of one connection: cut in two places or not, the same requests come out.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "request_parser.h"

namespace {

using State = net::RequestParser::State;

void drain(net::RequestParser& parser, std::string& seen) {
    while (parser.state() == State::complete) {
        const net::ServerRequest request = parser.take();
        if (!request.target_path.starts_with('/') || request.target_path.contains('?')) std::abort();
        if (request.body.size() > 512) std::abort();
        for (const auto& [name, value] : request.headers) {
            if (value.contains('\n') || value.contains('\r') || value.contains('\0')) std::abort();
        }
        seen += request.method + " " + request.target_path + "?" + request.query + "\n";
        seen += request.body.text();
        seen += "\n";
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const net::RequestParser::Limits limits{.header_bytes = 1024, .body_bytes = 512};

    net::RequestParser whole(limits);
    std::string seen_whole;
    whole.feed(text);
    drain(whole, seen_whole);

    net::RequestParser cut(limits);
    std::string seen_cut;
    std::size_t at = 0;
    for (const std::size_t end : {size / 3, size * 2 / 3, size}) {
        cut.feed(text.substr(at, end - at));
        drain(cut, seen_cut);
        at = end;
    }
    if (seen_whole != seen_cut) std::abort();
    return 0;
}
