// SPDX-License-Identifier: Apache-2.0
#include "keyprovider/failure.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>

#include "base/encoding.h"

namespace keyprovider {

namespace {
// skopeo, containerd and the kubelet put their own words before ours, and events are cut at about a kilobyte.
// With the prefix of command mode and the dots of a cut message, a line of this size has 299 bytes.
constexpr std::size_t max_text = 266;
constexpr std::size_t min_message = 100;
}  // namespace

std::string Failure::text() const {
    const std::string remedy = "; hint: " + base::printable_line(error.remedy()) + " (request " + request_id + ")";
    const std::size_t room = remedy.size() < max_text ? max_text - remedy.size() : 0;
    return base::printable_line(error.message(), std::max(room, min_message)) + remedy;
}

std::string new_request_id() {
    // Not from the crypto library: the static front program has none. An id need not be unpredictable, only distinct.
    std::array<std::uint8_t, 8> bytes{};
    if (getentropy(bytes.data(), bytes.size()) != 0) std::abort();  // a kernel without randomness
    return base::hex_encode(bytes);
}

std::string command_error_line(std::string_view text) {
    return "ocicrypt-keyprovider: error: " + base::printable_line(text, 1000) + "\n";
}

std::string verb_error_lines(const base::Error& error) {
    return "ocicrypt-keyprovider: error: " + error.message() +
           "\nocicrypt-keyprovider: hint: " + base::printable_line(error.remedy()) + "\n";
}

}  // namespace keyprovider
