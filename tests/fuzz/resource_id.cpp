// SPDX-License-Identifier: Apache-2.0
#include "kbs_protocol/resource_id.h"

#include <cstdint>
#include <cstdlib>

#include "base/bytes.h"

// Whatever is a key id has one uri, which reads as the same key id.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using kbs_protocol::ResourceId;
    const std::string_view text = base::as_text({data, size});
    static_cast<void>(ResourceId::from_path(text));
    const auto id = ResourceId::parse(text);
    if (!id) return 0;
    const auto again = ResourceId::parse(id->uri());
    const auto path = ResourceId::from_path(id->path());
    if (!again || !path || !(*again == *id) || !(*path == *id)) std::abort();
    return 0;
}
