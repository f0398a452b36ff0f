// SPDX-License-Identifier: Apache-2.0
#include "base/json.h"

#include <cstdlib>

// Whatever parses must serialize to text that parses to the same value.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    namespace json = base::json;
    const json::Limits limits{.max_bytes = 1 << 20};
    const std::string_view text = base::as_text({data, size});
    const auto value = json::parse(text, limits);
    static_cast<void>(json::parse(text, {.max_bytes = 1 << 20, .duplicates = json::Duplicates::last_wins}));
    if (!value) return 0;
    const auto again = json::parse(json::serialize(*value), {.max_bytes = 1 << 24});
    if (!again || !(*again == *value)) std::abort();
    static_cast<void>(json::canonicalize(*value));
    return 0;
}
