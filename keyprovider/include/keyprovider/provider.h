// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "keyprovider/config.h"
#include "keyprovider/failure.h"

namespace keyprovider {

class Broker;

/// The key provider itself, without a transport: command mode, the command socket and the gRPC service all hand their
/// requests to it. Thread-safe; attests once and shares the session between all requests.
///
/// A wrap returns its packet only after the broker has shown that it holds the key; an unwrap returns the layer options
/// byte for byte as they were wrapped. Nothing of a request is ever logged.
class Provider {
  public:
    /// `broker` is null where none is configured: requests that need one then fail with kbs_not_configured.
    Provider(Config config, std::unique_ptr<Broker> broker);
    Provider(const Provider&) = delete;
    Provider& operator=(const Provider&) = delete;
    ~Provider();

    /// Answers one request of ocicrypt's key provider protocol (`ocicrypt/keyprovider_protocol.h`).
    [[nodiscard]] Answer handle(base::ByteView request, std::string request_id = new_request_id()) const;

  private:
    Config config_;
    std::unique_ptr<Broker> broker_;
};

/// A provider that talks to the broker of the configuration. Opens no connection and no TPM yet, but reads the files
/// that the configuration names, so that a service refuses to start with a wrong one.
base::Result<std::unique_ptr<Provider>> open_provider(const Config& config);

}  // namespace keyprovider
