// SPDX-License-Identifier: Apache-2.0
#include "base/secret_bytes.h"

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <utility>

namespace base {

void wipe(void* memory, std::size_t size) noexcept {
    if (size != 0) explicit_bzero(memory, size);
}

bool equal_constant_time(ByteView a, ByteView b) {
    if (a.size() != b.size()) return false;
    // volatile keeps the compiler from leaving the loop at the first difference.
    volatile std::uint8_t difference = 0;
    for (std::size_t i = 0; i < a.size(); ++i) difference = static_cast<std::uint8_t>(difference | (a[i] ^ b[i]));
    return difference == 0;
}

SecretBytes::SecretBytes(std::size_t size) : size_(size) {
    if (size == 0) return;
    // Pages of its own: locking, leaving out of core files and wiping on fork are properties of whole pages.
    const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    mapped_ = (size + page - 1) / page * page;
    void* memory = mmap(nullptr, mapped_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    // Like std::bad_alloc without its exception: there is no useful way on without memory for a key.
    if (memory == MAP_FAILED) std::abort();
    // Each may be refused (RLIMIT_MEMLOCK, old kernels); the secret is then as safe as any heap memory.
    static_cast<void>(mlock(memory, mapped_));
    static_cast<void>(madvise(memory, mapped_, MADV_DONTDUMP));
    static_cast<void>(madvise(memory, mapped_, MADV_WIPEONFORK));
    data_ = static_cast<std::uint8_t*>(memory);
}

SecretBytes SecretBytes::copy_of(ByteView bytes) {
    SecretBytes copy(bytes.size());
    if (!bytes.empty()) std::memcpy(copy.data_, bytes.data(), bytes.size());
    return copy;
}

SecretBytes::SecretBytes(SecretBytes&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)),
      size_(std::exchange(other.size_, 0)),
      mapped_(std::exchange(other.mapped_, 0)) {}

SecretBytes& SecretBytes::operator=(SecretBytes&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    std::swap(mapped_, other.mapped_);
    return *this;
}

SecretBytes::~SecretBytes() {
    if (data_ == nullptr) return;
    wipe(data_, mapped_);
    munmap(data_, mapped_);
}

void SecretBytes::truncate(std::size_t size) {
    if (size > size_) std::abort();
    wipe(data_ + size, size_ - size);
    size_ = size;
}

void forbid_core_files() noexcept {
    prctl(PR_SET_DUMPABLE, 0);
    const rlimit none{0, 0};
    setrlimit(RLIMIT_CORE, &none);
}

}  // namespace base
