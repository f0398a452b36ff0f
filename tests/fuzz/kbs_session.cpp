// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "kbs/session.h"

namespace {

const kbs::Sealer& sealer() {
    static const kbs::Sealer made = *kbs::Sealer::create(
        base::Bytes(32, 1), [](std::span<std::uint8_t> out) { std::ranges::fill(out, std::uint8_t{2}); });
    return made;
}

}  // namespace

/// A blob from outside, and a good blob with a piece of it replaced: neither may open.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text{reinterpret_cast<const char*>(data), size};
    const base::TimePoint now{std::chrono::seconds(1'800'000'000)};
    const std::string good = *sealer().seal(kbs::Challenge{"nonce", "tpm", now + std::chrono::seconds(1)});
    if (text != good && (sealer().open_challenge(text, now) || sealer().open_session(text, now))) __builtin_trap();
    if (size < 2) return 0;
    std::string changed = good;
    const std::size_t place = data[0] % good.size();
    changed.replace(place, std::min(size - 1, good.size() - place), text.substr(1));
    if (changed != good && sealer().open_challenge(changed, now)) __builtin_trap();
    return 0;
}
