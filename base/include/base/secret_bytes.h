// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace base {

/// Overwrites memory in a way the compiler keeps.
void wipe(void* memory, std::size_t size) noexcept;

/// Allocator that wipes what it frees. For containers that hold secrets in passing (JSON text, PEM text).
/// A std::string keeps fewer than 16 bytes inside itself and outside this allocator: never rely on it for short
/// secrets.
template <typename T>
struct WipingAllocator {
    using value_type = T;
    WipingAllocator() = default;
    template <typename U>
    WipingAllocator(const WipingAllocator<U>&) noexcept {}
    T* allocate(std::size_t count) { return std::allocator<T>{}.allocate(count); }
    void deallocate(T* memory, std::size_t count) noexcept {
        wipe(memory, count * sizeof(T));
        std::allocator<T>{}.deallocate(memory, count);
    }
    friend bool operator==(const WipingAllocator&, const WipingAllocator&) { return true; }
};

/// Text that wipes its heap memory, for building messages that carry secrets.
using WipingString = std::basic_string<char, std::char_traits<char>, WipingAllocator<char>>;

/// Bytes of a key or another secret.
///
/// Guarantees: the memory is locked against swapping where the process may lock, left out of core files and of forked
/// children, and wiped when freed. It cannot be copied by accident, printed or formatted; `==` takes constant time.
/// Does not guarantee: protection from code in this process that reads `view()`.
class SecretBytes {
  public:
    SecretBytes() = default;
    /// `size` zero bytes.
    explicit SecretBytes(std::size_t size);
    static SecretBytes copy_of(ByteView bytes);
    static SecretBytes copy_of(std::string_view text) { return copy_of(as_bytes(text)); }

    SecretBytes(SecretBytes&& other) noexcept;
    SecretBytes& operator=(SecretBytes&& other) noexcept;
    SecretBytes(const SecretBytes&) = delete;
    SecretBytes& operator=(const SecretBytes&) = delete;
    ~SecretBytes();

    [[nodiscard]] SecretBytes clone() const { return copy_of(view()); }
    [[nodiscard]] ByteView view() const { return {data_, size_}; }
    [[nodiscard]] std::span<std::uint8_t> mutable_view() { return {data_, size_}; }
    /// The bytes as text; as borrowed and as secret as `view()`.
    [[nodiscard]] std::string_view text() const { return as_text(view()); }
    [[nodiscard]] std::size_t size() const { return size_; }
    [[nodiscard]] bool empty() const { return size_ == 0; }
    /// Keeps the first `size` bytes and wipes the rest. `size` must not exceed `size()`.
    void truncate(std::size_t size);

    friend bool operator==(const SecretBytes& a, const SecretBytes& b) {
        return equal_constant_time(a.view(), b.view());
    }

  private:
    std::uint8_t* data_ = nullptr;
    std::size_t size_ = 0;
    std::size_t mapped_ = 0;
};

/// Keeps secrets of this process out of core files and away from ptrace by the same user. Call first in `main`.
void forbid_core_files() noexcept;

}  // namespace base
