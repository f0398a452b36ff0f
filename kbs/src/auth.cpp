// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "answer.h"
#include "base/encoding.h"
#include "endpoints.h"
#include "kbs_protocol/messages.h"
#include "session_cookie.h"

namespace kbs {

using base::ErrorCode;
using base::Fail;
using base::Result;

namespace {

constexpr std::size_t max_body = 64 * 1024;
constexpr std::size_t nonce_size = 32;

/// [kbs-protocol §1.9] with the spellings of before September 2025.
constexpr std::array<std::string_view, 18> tee_names = {
    "az-snp-vtpm", "az-tdx-vtpm", "azsnpvtpm", "aztdxvtpm", "sev",       "sgx",        "snp", "tdx",    "cca",
    "csv",         "se",          "hygondcu",  "nvidia",    "nvidiadpu", "nvidia-dpu", "tpm", "sample", "sampledevice"};

base::Status check_tee(std::string_view tee, const Services& services) {
    if (tee == "tpm" && services.accept_tpm) return {};
    if (std::ranges::find(tee_names, tee) == tee_names.end())
        return Fail(base::Error(ErrorCode::evidence_unsupported,
                                fmt::format("\"{}\" is no name of a TEE", base::printable_line(tee, 40)))
                        .with_remedy("this key broker verifies tpm"));
    return Fail(ErrorCode::evidence_unsupported, std::string(tee));
}

}  // namespace

Result<net::ServerResponse> answer_auth(const Request& request, const Services& services) {
    if (!services.handshakes.allow(request.peer_address(), request.now)) return Fail(ErrorCode::overloaded);
    if (request.http.body.size() > max_body) return Fail(ErrorCode::input_too_large);
    TRY_ASSIGN(const kbs_protocol::Request message, kbs_protocol::parse_request(request.http.body.text()));
    TRY(kbs_protocol::check_version(message));
    TRY(check_tee(message.tee, services));

    std::array<std::uint8_t, nonce_size> nonce;
    services.random(nonce);
    const Challenge challenge{
        .nonce = base::base64_encode(nonce), .tee = message.tee, .expires = request.now + services.session_lifetime};
    TRY_ASSIGN(const std::string blob, services.sealer.seal(challenge));
    net::ServerResponse response =
        json_answer(kbs_protocol::serialize(kbs_protocol::Challenge{.nonce = challenge.nonce, .extra_params = ""}));
    set_session_cookie(response, blob, challenge.expires, services);
    return response;
}

}  // namespace kbs
