// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <string_view>

#include "kbs/config.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto config = kbs::parse_config({reinterpret_cast<const char*>(data), size}, "kbs.toml", "/etc/kbs");
    // What is accepted is complete: serving starts from it without looking again.
    if (config && (config->server.listen.empty() || config->store.path.empty() || config->token.issuer.empty() ||
                   config->server.insecure_http != config->server.certificate.empty()))
        __builtin_trap();
    return 0;
}
