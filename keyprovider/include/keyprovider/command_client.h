// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <expected>
#include <filesystem>
#include <string>

#include "base/bytes.h"
#include "base/fd.h"
#include "base/result.h"
#include "base/secret_bytes.h"

/// The client's side of the protocol that `command_socket.h` describes.
namespace keyprovider {

/// Connects to a service run by this user or by root; to anyone else no request is shown, for it holds keys.
/// Errors: net_unreachable.
base::Result<base::UniqueFd> connect_command_socket(const std::filesystem::path& path);

/// Sends `request` and waits for the answer: its JSON, or the one-line text of the failure (see `Failure::text`).
/// Waits as long as the service keeps the connection open: the caller brings the deadline.
std::expected<base::SecretBytes, std::string> forward_command(const base::UniqueFd& connection, base::ByteView request);

}  // namespace keyprovider
