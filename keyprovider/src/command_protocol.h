// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <expected>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/secret_bytes.h"

/// The process side of ocicrypt's command protocol (ocicrypt.md §4.9), shared by the static front and the command
/// program: nothing on stdout but one whole answer, or nothing there and one line on stderr.
namespace keyprovider {

/// First of all in `main`: no core files, SIGPIPE ignored, and descriptors 0 to 2 in use, so that no file of ours can
/// become the caller's stdout.
void prepare_process();

/// Ends the process with the one line of deadline-exceeded and exit status 1 when `limit` has passed, whatever hangs:
/// stdin, a TPM, a broker, or the reader of stdout. ocicrypt itself sets no time limit. Arming again starts anew.
/// Process-wide, for it is SIGALRM.
void arm_deadline(std::chrono::seconds limit, std::string_view request_id);
void disarm_deadline();

/// All of stdin. Errors: input_too_large, input_invalid.
base::Result<base::SecretBytes> read_request();

/// Writes the answer to stdout, or the text of the failure to stderr; returns the exit status. Never writes both lines
/// of a failure and of the deadline.
int finish_command(const std::expected<std::string_view, std::string>& answer);

}  // namespace keyprovider
