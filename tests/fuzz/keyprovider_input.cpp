// SPDX-License-Identifier: Apache-2.0
#include <cstdlib>
#include <string>
#include <variant>

#include "ocicrypt/keyprovider_protocol.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto request = ocicrypt::parse_keyprovider_request({data, size});
    if (!request) return 0;
    // What is promised of every request that is accepted.
    if (const auto* wrap = std::get_if<ocicrypt::KeyWrapRequest>(&*request)) {
        if (wrap->layer_options.empty() || wrap->layer_options.size() > ocicrypt::max_layer_options) std::abort();
        if (!ocicrypt::check_layer_options(wrap->layer_options.view())) std::abort();
        // An answer of ours is read back as the same bytes when it stands where a request has them.
        const std::string again =
            "{\"op\":\"keywrap\",\"keywrapparams\"" +
            std::string(ocicrypt::serialize_keyunwrap_answer(wrap->layer_options.view())).substr(19);
        const auto reread = ocicrypt::parse_keyprovider_request(base::as_bytes(again));
        if (!reread || std::get<ocicrypt::KeyWrapRequest>(*reread).layer_options != wrap->layer_options) std::abort();
    } else {
        const auto& annotation = std::get<ocicrypt::KeyUnwrapRequest>(*request).annotation;
        if (annotation.empty() || annotation.size() > ocicrypt::max_annotation) std::abort();
    }
    return 0;
}
