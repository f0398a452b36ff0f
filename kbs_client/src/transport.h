// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/secret_bytes.h"
#include "net/http_client.h"

namespace kbs_client {

/// What all requests of one call of `Client` share.
struct Operation {
    std::string request_id;
    std::chrono::steady_clock::time_point deadline;
};

/// An exchange whose answer was a success.
struct Answer {
    net::HeaderList headers;
    base::SecretBytes body;
};

/// HTTP exchanges with the broker under one URL.
class Transport {
  public:
    /// `url` without a trailing slash.
    Transport(std::shared_ptr<net::HttpClient> http, std::string url) : http_(std::move(http)), url_(std::move(url)) {}

    /// `path` stands behind "/kbs/v0/". Every status but 2xx is an error, see `Client`.
    base::Result<Answer> exchange(const Operation& operation, std::string_view method, std::string_view path,
                                  net::HeaderList headers, base::SecretBytes body) const;

  private:
    std::shared_ptr<net::HttpClient> http_;
    std::string url_;
};

/// An answer that we cannot use; `what` says of what kind it should have been.
base::Fail unusable_answer(std::string_view what, const base::Error& error);

}  // namespace kbs_client
