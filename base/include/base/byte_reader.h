// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/bytes.h"
#include "base/result.h"

namespace base {

/// A bounds-checked cursor over bytes from outside: the only way binary input is read.
/// Reading past the end is an error of code `code` that names `what`; nothing is consumed then.
class ByteReader {
  public:
    ByteReader(ByteView data, std::string_view what, ErrorCode code = ErrorCode::input_invalid)
        : data_(data), what_(what), code_(code) {}

    Result<std::uint8_t> u8();
    Result<std::uint16_t> be16();
    Result<std::uint32_t> be32();
    Result<std::uint64_t> be64();
    Result<std::uint16_t> le16();
    Result<std::uint32_t> le32();
    Result<std::uint64_t> le64();
    /// Borrowed from the input.
    Result<ByteView> bytes(std::size_t count);
    /// A big-endian 16-bit length followed by that many bytes (TPM2B).
    Result<ByteView> sized_be16();
    template <std::size_t N>
    Result<std::array<std::uint8_t, N>> array() {
        TRY_ASSIGN(const ByteView view, bytes(N));
        std::array<std::uint8_t, N> out;
        for (std::size_t i = 0; i < N; ++i) out[i] = view[i];
        return out;
    }
    ByteView rest();
    /// An error where bytes are left: trailing data is never ignored.
    Status expect_end() const;

    [[nodiscard]] std::size_t remaining() const { return data_.size() - position_; }
    [[nodiscard]] std::size_t position() const { return position_; }

  private:
    template <typename T>
    Result<T> integer(bool big_endian);

    ByteView data_;
    std::size_t position_ = 0;
    std::string_view what_;
    ErrorCode code_;
};

}  // namespace base
