// SPDX-License-Identifier: Apache-2.0
#include "deflate.h"

#include <zlib.h>

namespace kbs {

base::Bytes deflate(base::ByteView data) {
    uLongf size = compressBound(data.size());
    base::Bytes out(size);
    // Cannot fail but for memory: the buffer is as large as compressBound() asks for.
    if (compress2(out.data(), &size, data.data(), data.size(), Z_BEST_SPEED) != Z_OK) std::abort();
    out.resize(size);
    return out;
}

base::Result<base::Bytes> inflate(base::ByteView data, std::size_t max_size) {
    base::Bytes out(max_size);
    uLongf size = max_size;
    uLong consumed = data.size();
    if (uncompress2(out.data(), &size, data.data(), &consumed) != Z_OK || consumed != data.size())
        return base::Fail(base::ErrorCode::input_invalid, "not a zlib stream of the expected size");
    out.resize(size);
    return out;
}

}  // namespace kbs
