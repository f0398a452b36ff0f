// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <span>

namespace kbs {

/// Fills a span with random bytes. An argument wherever the broker needs randomness, so that tests can fix it;
/// programs pass `crypto::fill_random`. Must be callable from several threads at once.
using Random = std::function<void(std::span<std::uint8_t>)>;

}  // namespace kbs
