// SPDX-License-Identifier: Apache-2.0
#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

#include "base/bytes.h"
#include "base/fd.h"
#include "keyprovider/config.h"

namespace {
// A file in memory: the loader reads files only.
struct MemoryFile {
    base::UniqueFd fd{memfd_create("config", MFD_CLOEXEC)};
    std::string path = "/proc/self/fd/" + std::to_string(fd.get());
};
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const MemoryFile file;
    if (!base::write_all(file.fd.get(), {data, size})) std::abort();
    const auto loaded = keyprovider::load_config(file.path, {});
    if (!loaded) return 0;
    // What explain prints is a configuration of the same meaning.
    const std::string text = keyprovider::explain(*loaded);
    const MemoryFile again;
    if (!base::write_all(again.fd.get(), base::as_bytes(text))) std::abort();
    const auto reloaded = keyprovider::load_config(again.path, {});
    if (!reloaded || reloaded->config.kbs.url != loaded->config.kbs.url) std::abort();
    return 0;
}
