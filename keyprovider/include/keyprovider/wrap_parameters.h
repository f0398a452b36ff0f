// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "kbs_protocol/resource_id.h"
#include "kbs_protocol/unwrap.h"

namespace keyprovider {

/// What a publisher writes behind `provider:NAME:`.
struct WrapParameters {
    kbs_protocol::ResourceId key_id;
    /// A file of exactly 32 bytes on the machine that answers the request; absolute. Absent: the broker keeps the KEK,
    /// which is made where it does not exist yet.
    std::optional<std::filesystem::path> key_path;
    /// Release policy and usage of a key that is created; absent: as configured.
    std::optional<std::string> policy;
    std::optional<kbs_protocol::KeyUsage> usage;
    /// Whether the broker must hold the key before the packet is handed out; false only beside `key_path`.
    bool register_key = true;
};

/// Reads `name=value` fields joined by "::" (coco-guest.md §1.4): keyid, keypath, algorithm, sample as coco_keyprovider
/// has them, and policy, usage, register of ours. Stricter than coco_keyprovider, which drops what it does not know:
/// unknown names, duplicates, fields without '=' and empty values are errors that name the field. "::" between brackets
/// separates nothing, so that a key id may hold an IPv6 address.
/// At most 4096 bytes. Errors: parameter_unknown (with "did you mean"), parameter_invalid.
base::Result<WrapParameters> parse_wrap_parameters(std::string_view text);

}  // namespace keyprovider
