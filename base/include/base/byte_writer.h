// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "base/bytes.h"

namespace base {

/// Appends integers of explicit byte order and byte strings; the counterpart of `ByteReader` for public data.
class ByteWriter {
  public:
    void u8(std::uint8_t value) { out_.push_back(value); }
    void be16(std::uint16_t value) { big_endian(value, 2); }
    void be32(std::uint32_t value) { big_endian(value, 4); }
    void be64(std::uint64_t value) { big_endian(value, 8); }
    void le16(std::uint16_t value) { little_endian(value, 2); }
    void le32(std::uint32_t value) { little_endian(value, 4); }
    void le64(std::uint64_t value) { little_endian(value, 8); }
    void bytes(ByteView bytes) { out_.insert(out_.end(), bytes.begin(), bytes.end()); }
    /// `bytes` must be shorter than 65536.
    void sized_be16(ByteView view) {
        be16(static_cast<std::uint16_t>(view.size()));
        bytes(view);
    }
    [[nodiscard]] const Bytes& view() const { return out_; }
    Bytes take() && { return std::move(out_); }

  private:
    void big_endian(std::uint64_t value, int size) {
        for (int i = size - 1; i >= 0; --i) out_.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
    }
    void little_endian(std::uint64_t value, int size) {
        for (int i = 0; i < size; ++i) out_.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
    }
    Bytes out_;
};

}  // namespace base
