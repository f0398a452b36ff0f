// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/bytes.h"
#include "base/result.h"

namespace kbs {

/// zlib format. For data that does not mix secrets with text an attacker chooses: the length tells about the content.
base::Bytes deflate(base::ByteView data);
/// For data that has been authenticated. Errors: input_invalid, also where it would grow beyond `max_size`.
base::Result<base::Bytes> inflate(base::ByteView data, std::size_t max_size);

}  // namespace kbs
