// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/secret_bytes.h"

namespace keyprovider {

/// Why a request failed, and the id under which this program's and the broker's log know it.
///
/// What the user of skopeo, containerd or the kubelet learns is one line inside their own message: it must stand alone.
struct Failure {
    base::Error error;
    std::string request_id;

    /// "<code>: <what>; hint: <remedy> (request <id>)": one printable line, at most 300 bytes wherever the remedy
    /// leaves room to name the cause.
    [[nodiscard]] std::string text() const;
};

/// A fresh id: sixteen hex digits.
std::string new_request_id();

/// The JSON to return to the caller, or why there is none.
using Answer = std::expected<base::WipingString, Failure>;

/// The line of the command protocol, with its newline: "ocicrypt-keyprovider: error: <text>\n".
std::string command_error_line(std::string_view text);

/// What a verb says to the person at the terminal: an error line and a hint line.
std::string verb_error_lines(const base::Error& error);

}  // namespace keyprovider
