// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "attestation/collect/tpm.h"
#include "base/result.h"
#include "kbs_client/client.h"
#include "keyprovider/config.h"

namespace keyprovider {

/// The TPM as the configuration describes it.
attestation::collect::TpmOptions tpm_options(const Config::Attester& attester);

/// A client of the configured broker. Opens no connection and no device, but reads the files that the configuration
/// names. Errors: kbs_not_configured, file_unreadable, key_file_unreadable, key_file_invalid, config_invalid.
base::Result<std::unique_ptr<kbs_client::Client>> open_client(const Config& config);

}  // namespace keyprovider
