// SPDX-License-Identifier: Apache-2.0
#include "base/toml.h"

#include "base/bytes.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    auto file = base::TomlFile::parse(base::as_text({data, size}), "fuzz");
    if (!file) return 0;
    static_cast<void>(file->root().string("name"));
    static_cast<void>(file->root().strings("list"));
    if (auto table = file->root().table("kbs")) static_cast<void>(table->integer("timeout", 0, 9));
    static_cast<void>(file->root().tables("admin"));
    static_cast<void>(file->finish());
    return 0;
}
