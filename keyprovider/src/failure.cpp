// SPDX-License-Identifier: Apache-2.0
#include "keyprovider/failure.h"

#include <algorithm>

namespace keyprovider {

namespace {
// skopeo, containerd and the kubelet put their own words before ours, and events are cut at about a kilobyte.
// With the prefix of command mode and the dots of a cut message, a line of this size has 299 bytes.
constexpr std::size_t max_text = 266;
constexpr std::size_t min_message = 100;
}  // namespace

std::string Failure::text() const {
    std::string remedy = "; hint: " + base::printable_line(error.remedy());
    if (!request_id.empty()) remedy += " (request " + request_id + ")";
    const std::size_t room = remedy.size() < max_text ? max_text - remedy.size() : 0;
    return base::printable_line(error.message(), std::max(room, min_message)) + remedy;
}

std::string command_error_line(std::string_view text) {
    return "ocicrypt-keyprovider: error: " + base::printable_line(text, 1000) + "\n";
}

}  // namespace keyprovider
