// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace base {

/// Where in the life of a request something went wrong.
enum class Stage : std::uint8_t {
    config,
    input,
    connect,
    protocol,
    evidence,
    verify,
    appraise,
    key,
    unwrap,
    store,
    internal
};

/// The closed registry of errors. Each has a stable kebab-case name, a stage, a cause and a remedy (`describe`).
/// Names are interface: users script on them. Add at the end of a group; never rename.
#define BASE_ERROR_CODES(X)                                                                                            \
    X(usage, "usage", config, "the command line is not understood", "see --help")                                      \
    X(config_unreadable, "config-unreadable", config, "the configuration file cannot be read",                         \
      "check the path and its permissions; `config explain` shows which file is used")                                 \
    X(config_invalid, "config-invalid", config, "the configuration is not valid",                                      \
      "correct the line named in the message")                                                                         \
    X(file_unreadable, "file-unreadable", config, "a file cannot be read", "check the path and its permissions")       \
    X(file_unwritable, "file-unwritable", config, "a file cannot be written",                                          \
      "check the path, its permissions and free space")                                                                \
    X(key_file_unreadable, "key-file-unreadable", config, "a key file cannot be read",                                 \
      "check the path and its permissions; the path is resolved on the machine that runs the keyprovider")             \
    X(key_file_invalid, "key-file-invalid", config, "a key file does not hold a usable key",                           \
      "a KEK file holds exactly 32 raw bytes: head -c 32 /dev/urandom > kek")                                          \
    X(kbs_not_configured, "kbs-not-configured", config, "no key broker is configured",                                 \
      "set [kbs] url in the configuration or KEYPROVIDER_KBS_URL")                                                     \
    X(input_invalid, "input-invalid", input, "the input is malformed", "check what the caller sent")                   \
    X(input_too_large, "input-too-large", input, "the input exceeds its size limit", "send less")                      \
    X(json_invalid, "json-invalid", input, "the JSON text is malformed", "check what the caller sent")                 \
    X(encoding_invalid, "encoding-invalid", input, "base64 or hex text is malformed", "check what the caller sent")    \
    X(parameter_invalid, "parameter-invalid", input, "a parameter of the recipient is not valid",                      \
      "write provider:NAME:keyid=kbs:///REPOSITORY/TYPE/TAG")                                                          \
    X(parameter_unknown, "parameter-unknown", input, "a parameter of the recipient is unknown",                        \
      "see the section on parameters in ocicrypt-keyprovider(1)")                                                      \
    X(packet_invalid, "packet-invalid", input, "the annotation packet is malformed",                                   \
      "the image was changed on its way or was not encrypted for this provider; encrypt it again")                     \
    X(packet_foreign, "packet-foreign", input, "the annotation packet belongs to another key provider",                \
      "decrypt with the provider that wrote it")                                                                       \
    X(packet_unauthenticated, "packet-unauthenticated", input,                                                         \
      "the annotation packet has no authentication (A256CTR)",                                                         \
      "re-encrypt with A256GCM, or accept the risk with --allow-legacy-unauthenticated")                               \
    X(net_unreachable, "net-unreachable", connect, "the server cannot be reached",                                     \
      "check that it runs, its address, and the network between")                                                      \
    X(net_timeout, "net-timeout", connect, "the server did not answer in time",                                        \
      "check its load and logs, or raise the time-out")                                                                \
    X(tls_untrusted, "tls-untrusted", connect, "the server's certificate is not trusted",                              \
      "set ca_file to the CA of this server, or spki_sha256 to its pinned key")                                        \
    X(net_failed, "net-failed", connect, "the connection failed", "try again; check the server's log")                 \
    X(response_too_large, "response-too-large", connect, "the server's answer exceeds its size limit",                 \
      "check that the address belongs to the intended server")                                                         \
    X(kbs_unreachable, "kbs-unreachable", connect, "the key broker cannot be reached",                                 \
      "check that ocicrypt-kbs runs and that [kbs] url is right")                                                      \
    X(kbs_timeout, "kbs-timeout", connect, "the key broker did not answer in time",                                    \
      "check the broker's load and log, or raise [kbs] timeout_seconds")                                               \
    X(kbs_untrusted, "kbs-untrusted", connect, "the key broker's certificate is not trusted",                          \
      "set [kbs] ca_file to the CA that `ocicrypt-kbs init` wrote (ca.pem), or spki_sha256 to its pinned key")         \
    X(kbs_protocol, "kbs-protocol", protocol, "the key broker answered in a way this version does not understand",     \
      "check that the URL belongs to a KBS and that its version speaks protocol 0.4.0")                                \
    X(kbs_refused, "kbs-refused", protocol, "the key broker refused the request", "see the broker's log")              \
    X(kbs_version, "kbs-version", protocol, "client and key broker speak different protocol versions",                 \
      "upgrade the older of the two; this version speaks 0.4.0")                                                       \
    X(session_missing, "session-missing", protocol, "the request carries no attested session", "attest first")         \
    X(session_expired, "session-expired", protocol, "the session has expired",                                         \
      "attest again; check the clocks of both machines")                                                               \
    X(session_invalid, "session-invalid", protocol, "the session was not issued by this key broker",                   \
      "attest again; replicas must share one sealing key")                                                             \
    X(nonce_mismatch, "nonce-mismatch", protocol, "the evidence answers another challenge", "attest again")            \
    X(nonce_replayed, "nonce-replayed", protocol, "the challenge has already been answered once", "attest again")      \
    X(admin_refused, "admin-refused", protocol, "the administrator's token is not accepted",                           \
      "check [publish] key_file and role, and that the broker lists its public key under [[admin]]")                   \
    X(path_unknown, "path-unknown", protocol, "the key broker has no such path", "check the URL")                      \
    X(overloaded, "overloaded", protocol, "the server is overloaded", "try again later")                               \
    X(deadline_exceeded, "deadline-exceeded", protocol, "the operation took longer than its deadline",                 \
      "check the key broker and the TPM, or raise [command] deadline_seconds")                                         \
    X(attester_unavailable, "attester-unavailable", evidence, "this machine offers no hardware to attest with",        \
      "check [attester]; for a TPM, that the device exists and may be opened")                                         \
    X(evidence_failed, "evidence-failed", evidence, "the hardware did not produce evidence",                           \
      "check the device and its driver")                                                                               \
    X(evidence_invalid, "evidence-invalid", verify, "the evidence is malformed", "check the attester's version")       \
    X(evidence_refused, "evidence-refused", verify, "the evidence does not verify",                                    \
      "see the findings in the broker's log")                                                                          \
    X(evidence_stale, "evidence-stale", verify, "the evidence is not bound to this challenge and key", "attest again") \
    X(evidence_unsupported, "evidence-unsupported", verify, "the key broker does not accept this kind of evidence",    \
      "enable it under [attestation] of the broker")                                                                   \
    X(ak_not_enrolled, "ak-not-enrolled", verify, "the TPM's attestation key is not enrolled in the key broker",       \
      "on the node: ocicrypt-keyprovider tpm ak --pem; on the broker: ocicrypt-kbs ak enroll NAME FILE")               \
    X(policy_missing, "policy-missing", appraise, "the key has no release policy",                                     \
      "attach one: ocicrypt-kbs policy set, key create --policy")                                                      \
    X(policy_denied, "policy-denied", appraise, "the release policy of the key does not hold for this node",           \
      "compare with ocicrypt-kbs policy test; the broker's log names every condition")                                 \
    X(policy_invalid, "policy-invalid", appraise, "the release policy is not valid",                                   \
      "correct the place named in the message")                                                                        \
    X(key_not_found, "key-not-found", key, "the key broker has no such key",                                           \
      "check the key id; ocicrypt-kbs key list shows what exists")                                                     \
    X(key_not_exportable, "key-not-exportable", key, "the key may be used only inside the key broker",                 \
      "unwrap through the broker, or create the key with --usage exportable")                                          \
    X(key_exists, "key-exists", key, "a different key of this name exists already",                                    \
      "choose another key id, or delete the old key first")                                                            \
    X(key_invalid, "key-invalid", key, "the key is not a 32-byte KEK", "create a key of 32 bytes")                     \
    X(registration_refused, "registration-refused", key, "the key broker did not accept the new key",                  \
      "nothing was encrypted; see the broker's answer in the message")                                                 \
    X(readback_mismatch, "readback-mismatch", key, "the key broker does not hold the key that was registered",         \
      "nothing was encrypted; check that no other publisher uses this key id")                                         \
    X(crypto_input_invalid, "crypto-input-invalid", input, "a key or a cryptographic parameter is malformed",          \
      "check the key")                                                                                                 \
    X(signature_invalid, "signature-invalid", verify, "a signature does not verify",                                   \
      "check where the data comes from")                                                                               \
    X(certificate_invalid, "certificate-invalid", verify, "a certificate does not verify",                             \
      "check the chain, its dates and the clock")                                                                      \
    X(token_invalid, "token-invalid", protocol, "the token is not valid", "attest again")                              \
    X(decryption_failed, "decryption-failed", unwrap, "the data cannot be decrypted",                                  \
      "the packet was changed, or was wrapped under another key of this name")                                         \
    X(store_failed, "store-failed", store, "the key store failed",                                                     \
      "see the broker's log; check disk space and permissions")                                                        \
    X(store_locked, "store-locked", store, "the key store cannot be opened with this master key",                      \
      "check [store] master_key")                                                                                      \
    X(internal, "internal", internal, "something that should be impossible happened",                                  \
      "please report this with the request id")

enum class ErrorCode : std::uint8_t {
#define X(id, name, stage, cause, remedy) id,
    BASE_ERROR_CODES(X)
#undef X
};

/// What the registry knows of a code.
struct ErrorDescription {
    ErrorCode code;
    std::string_view name;  ///< stable, kebab-case
    Stage stage;
    std::string_view cause;   ///< a clause, lower case, no full stop
    std::string_view remedy;  ///< what the reader does next
};

const ErrorDescription& describe(ErrorCode code);
std::span<const ErrorDescription> all_errors();
std::optional<ErrorCode> error_code_from_name(std::string_view name);
std::string_view stage_name(Stage stage);

/// An error: it could not be done. `detail` adds what the registry cannot know (which file, which host, which member);
/// it never holds secrets, tokens or evidence, and it is one line.
class Error {
  public:
    explicit Error(ErrorCode code, std::string detail = {}) : code_(code), detail_(std::move(detail)) {}

    [[nodiscard]] ErrorCode code() const { return code_; }
    [[nodiscard]] std::string_view name() const { return describe(code_).name; }
    [[nodiscard]] const std::string& detail() const { return detail_; }
    [[nodiscard]] std::string_view remedy() const {
        return remedy_.empty() ? describe(code_).remedy : std::string_view(remedy_);
    }
    /// Replaces the registry's remedy, for example by the one a server sent.
    Error& with_remedy(std::string remedy) & {
        remedy_ = std::move(remedy);
        return *this;
    }
    Error&& with_remedy(std::string remedy) && {
        remedy_ = std::move(remedy);
        return std::move(*this);
    }
    /// The same error under another code, where a caller knows better what it means (net-timeout -> kbs-timeout).
    [[nodiscard]] Error as(ErrorCode code) const { return Error(code, detail_); }
    /// The same error, its detail preceded by "context: ".
    [[nodiscard]] Error within(std::string_view context) const;

    /// "<code>: <detail, or the cause where there is none>", control characters replaced: one printable line.
    [[nodiscard]] std::string message() const;

  private:
    ErrorCode code_;
    std::string detail_;
    std::string remedy_;
};

/// `text` with control characters and invalid UTF-8 replaced by '?', cut to `limit` bytes: fit for one line of a log.
std::string printable_line(std::string_view text, std::size_t limit = 400);

/// The candidate nearest to `word` (edit distance at most 3 and less than its length), for "did you mean".
std::optional<std::string_view> nearest(std::string_view word, std::span<const std::string_view> candidates);

}  // namespace base
