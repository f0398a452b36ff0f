// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "kbs/random.h"

namespace kbs {

struct InitOptions {
    std::string listen = "127.0.0.1:8080";
    /// DNS names and IP addresses of the server certificate, beside localhost and the address listened on.
    std::vector<std::string> names;
};

/// Makes everything a broker needs in `directory` (created with mode 0700; what exists is never overwritten), every
/// file with mode 0600: ca.pem ca.key server.pem server.key admin.key admin.pub publisher.key publisher.pub token.key
/// token.pem sealing.key master.key kbs.sqlite and, last, kbs.toml. All keys are fresh. A failure leaves none of them
/// behind. Errors: file_unwritable, parameter_invalid (a name), store_failed.
base::Status init(const std::filesystem::path& directory, const InitOptions& options, base::TimePoint now,
                  const Random& random);

}  // namespace kbs
