// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace kbs {

/// From the project() line of meson.build.
constexpr std::string_view version = KBS_VERSION;

}  // namespace kbs
