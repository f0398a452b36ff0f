// SPDX-License-Identifier: Apache-2.0
#include "keyprovider/wrap_parameters.h"

#include <cstdlib>

#include "base/bytes.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto parameters = keyprovider::parse_wrap_parameters(base::as_text({data, size}));
    if (!parameters) return 0;
    // What is promised of all parameters that are accepted.
    const auto key_id = kbs_protocol::ResourceId::parse(parameters->key_id.uri());
    if (!key_id || *key_id != parameters->key_id) std::abort();
    if (parameters->key_path && parameters->key_path->is_relative()) std::abort();
    if (!parameters->register_key && !parameters->key_path) std::abort();
    return 0;
}
