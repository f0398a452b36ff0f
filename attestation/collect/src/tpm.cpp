// SPDX-License-Identifier: Apache-2.0
#include "attestation/collect/tpm.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <tss2/tss2_esys.h>
#include <tss2/tss2_mu.h>
#include <tss2/tss2_rc.h>
#include <tss2/tss2_tctildr.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <thread>

#include "attestation/formats/spki.h"
#include "attestation/formats/tpm.h"
#include "attestation/formats/tpm_evidence.h"
#include "base/fd.h"

namespace attestation::collect {
namespace {

using base::ErrorCode;
using base::Fail;
using base::Result;
using base::Status;
using AkAlgorithm = TpmOptions::AkAlgorithm;

constexpr std::size_t kExtraDataSize = 32;
constexpr std::size_t kReportDataSize = 48;
constexpr TPMA_OBJECT kAkAttributes = TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_SIGN_ENCRYPT | TPMA_OBJECT_FIXEDTPM |
                                      TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_SENSITIVEDATAORIGIN |
                                      TPMA_OBJECT_USERWITHAUTH;

struct EsysFree {
    template <typename T>
    void operator()(T* memory) const {
        Esys_Free(memory);
    }
};
template <typename T>
using Esys = std::unique_ptr<T, EsysFree>;

Fail failed(ErrorCode code, std::string_view what, TSS2_RC rc) {
    return Fail(code, fmt::format("TPM: {}: {} ({:#x})", what, base::printable_line(Tss2_RC_Decode(rc), 160), rc));
}

/// Whether a TPM says "later": it is busy, testing itself, or has lost a race for its slots.
bool should_retry(TSS2_RC rc) {
    if ((rc & TSS2_RC_LAYER_MASK) != 0 && (rc & TSS2_RC_LAYER_MASK) != TSS2_RESMGR_TPM_RC_LAYER) return false;
    const TSS2_RC code = rc & ~TSS2_RC_LAYER_MASK;
    return code == TPM2_RC_RETRY || code == TPM2_RC_YIELDED || code == TPM2_RC_TESTING;
}

template <typename Call>
TSS2_RC with_retries(Call&& call) {
    TSS2_RC rc = TSS2_RC_SUCCESS;
    for (int attempt = 0; attempt < 20; ++attempt) {
        rc = call();
        if (!should_retry(rc)) break;
        std::this_thread::sleep_for(std::chrono::milliseconds(10 * (attempt + 1)));
    }
    return rc;
}

/// An open TPM. Transient objects go with it only where `Transient` flushes them.
class Tpm {
  public:
    static Result<Tpm> open(const TpmOptions& options) {
        Tpm tpm;
        tpm.lock(options.lock_file);
        TSS2_RC rc = TSS2_RC_SUCCESS;
        // A software TPM serves one connection at a time and refuses others for as long; a device does not.
        for (int attempt = 0; attempt < 10; ++attempt) {
            rc = Tss2_TctiLdr_Initialize(options.tcti.c_str(), &tpm.tcti_);
            if (rc == TSS2_RC_SUCCESS) break;
            if (options.tcti.starts_with("device")) break;
            std::this_thread::sleep_for(std::chrono::milliseconds(20));
        }
        if (rc != TSS2_RC_SUCCESS) {
            return failed(ErrorCode::attester_unavailable, "cannot open " + options.tcti, rc);
        }
        rc = Esys_Initialize(&tpm.esys_, tpm.tcti_, nullptr);
        if (rc != TSS2_RC_SUCCESS) return failed(ErrorCode::attester_unavailable, "cannot start " + options.tcti, rc);
        return tpm;
    }
    Tpm(Tpm&& other) noexcept
        : lock_(std::move(other.lock_)),
          tcti_(std::exchange(other.tcti_, nullptr)),
          esys_(std::exchange(other.esys_, nullptr)) {}
    Tpm(const Tpm&) = delete;
    Tpm& operator=(const Tpm&) = delete;
    ~Tpm() {
        if (esys_ != nullptr) Esys_Finalize(&esys_);
        if (tcti_ != nullptr) Tss2_TctiLdr_Finalize(&tcti_);
    }
    [[nodiscard]] ESYS_CONTEXT* esys() const { return esys_; }

  private:
    Tpm() = default;

    /// Without the lock the TPM's own queue decides, which a resource manager makes safe and a bare device does not.
    void lock(const std::filesystem::path& path) {
        if (path.empty()) return;
        base::UniqueFd file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
        if (!file.valid()) return;
        int held = -1;
        do {
            held = flock(file.get(), LOCK_EX);
        } while (held != 0 && errno == EINTR);  // a signal must not cost the lock
        if (held == 0) lock_ = std::move(file);
    }

    base::UniqueFd lock_;
    TSS2_TCTI_CONTEXT* tcti_ = nullptr;
    ESYS_CONTEXT* esys_ = nullptr;
};

/// A handle of ESYS: flushed from the TPM where it is transient, else only forgotten.
class Handle {
  public:
    Handle(const Tpm& tpm, ESYS_TR handle, bool transient)
        : esys_(tpm.esys()), handle_(handle), transient_(transient) {}
    Handle(Handle&& other) noexcept
        : esys_(other.esys_), handle_(std::exchange(other.handle_, ESYS_TR_NONE)), transient_(other.transient_) {}
    Handle(const Handle&) = delete;
    Handle& operator=(const Handle&) = delete;
    ~Handle() {
        if (handle_ == ESYS_TR_NONE) return;
        if (transient_) {
            Esys_FlushContext(esys_, handle_);
        } else {
            Esys_TR_Close(esys_, &handle_);
        }
    }
    [[nodiscard]] ESYS_TR get() const { return handle_; }

  private:
    ESYS_CONTEXT* esys_;
    ESYS_TR handle_;
    bool transient_;
};

TPM2B_PUBLIC key_template(AkAlgorithm algorithm, TPMA_OBJECT attributes, bool signing) {
    TPM2B_PUBLIC out{};
    TPMT_PUBLIC& area = out.publicArea;
    area.nameAlg = TPM2_ALG_SHA256;
    area.objectAttributes = attributes;
    const TPMT_SYM_DEF_OBJECT aes{.algorithm = TPM2_ALG_AES, .keyBits = {.aes = 128}, .mode = {.aes = TPM2_ALG_CFB}};
    const TPMT_SYM_DEF_OBJECT none{.algorithm = TPM2_ALG_NULL, .keyBits = {}, .mode = {}};
    if (algorithm == AkAlgorithm::rsa2048) {
        area.type = TPM2_ALG_RSA;
        area.parameters.rsaDetail.symmetric = signing ? none : aes;
        area.parameters.rsaDetail.scheme.scheme = signing ? TPM2_ALG_RSASSA : TPM2_ALG_NULL;
        area.parameters.rsaDetail.scheme.details.rsassa.hashAlg = TPM2_ALG_SHA256;
        area.parameters.rsaDetail.keyBits = 2048;
    } else {
        area.type = TPM2_ALG_ECC;
        area.parameters.eccDetail.symmetric = signing ? none : aes;
        area.parameters.eccDetail.scheme.scheme = signing ? TPM2_ALG_ECDSA : TPM2_ALG_NULL;
        area.parameters.eccDetail.scheme.details.ecdsa.hashAlg = TPM2_ALG_SHA256;
        area.parameters.eccDetail.curveID = TPM2_ECC_NIST_P256;
        area.parameters.eccDetail.kdf.scheme = TPM2_ALG_NULL;
    }
    return out;
}

/// Whether a key can do nothing but sign what the TPM itself has made, and cannot leave it.
Status check_ak(const TPMT_PUBLIC& area, std::uint32_t handle) {
    const auto wrong = [&](std::string_view why) {
        return Fail(ErrorCode::evidence_failed,
                    fmt::format("TPM: the object at {:#x} is no attestation key of ours: {}", handle, why));
    };
    constexpr TPMA_OBJECT needed = TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_SIGN_ENCRYPT | TPMA_OBJECT_FIXEDTPM |
                                   TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_SENSITIVEDATAORIGIN;
    if ((area.objectAttributes & needed) != needed || (area.objectAttributes & TPMA_OBJECT_DECRYPT) != 0) {
        return wrong("it is not a restricted signing key that stays in the TPM");
    }
    if (area.type == TPM2_ALG_RSA) {
        const auto& rsa = area.parameters.rsaDetail;
        if (rsa.keyBits < 2048) return wrong("its RSA key is too short");
        if (rsa.scheme.scheme != TPM2_ALG_RSASSA && rsa.scheme.scheme != TPM2_ALG_RSAPSS) return wrong("its scheme");
        if (rsa.scheme.details.rsassa.hashAlg != TPM2_ALG_SHA256) return wrong("its hash is not SHA-256");
        return {};
    }
    if (area.type == TPM2_ALG_ECC) {
        const auto& ecc = area.parameters.eccDetail;
        if (ecc.curveID != TPM2_ECC_NIST_P256) return wrong("its curve is not P-256");
        if (ecc.scheme.scheme != TPM2_ALG_ECDSA || ecc.scheme.details.ecdsa.hashAlg != TPM2_ALG_SHA256) {
            return wrong("its scheme is not ECDSA with SHA-256");
        }
        return {};
    }
    return wrong("neither RSA nor ECC");
}

base::Bytes spki_of(const TPMT_PUBLIC& area) {
    if (area.type == TPM2_ALG_RSA) {
        const auto& n = area.unique.rsa;
        const std::uint32_t exponent = area.parameters.rsaDetail.exponent;
        return formats::rsa_spki({n.buffer, n.size}, exponent == 0 ? 65537 : exponent);
    }
    const auto& point = area.unique.ecc;
    return formats::p256_spki({point.x.buffer, point.x.size}, {point.y.buffer, point.y.size});
}

struct AttestationKey {
    Handle handle;
    base::Bytes spki;
};

Result<AttestationKey> usable_ak(const Tpm& tpm, Handle handle, std::uint32_t tpm_handle) {
    TPM2B_PUBLIC* raw = nullptr;
    const TSS2_RC rc = with_retries([&] {
        return Esys_ReadPublic(tpm.esys(), handle.get(), ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &raw, nullptr,
                               nullptr);
    });
    if (rc != TSS2_RC_SUCCESS) return failed(ErrorCode::evidence_failed, "cannot read the attestation key", rc);
    const Esys<TPM2B_PUBLIC> area(raw);
    TRY(check_ak(area->publicArea, tpm_handle));
    base::Bytes spki = spki_of(area->publicArea);
    return AttestationKey{std::move(handle), std::move(spki)};
}

Result<bool> handle_in_use(const Tpm& tpm, std::uint32_t handle) {
    TPMI_YES_NO more = TPM2_NO;
    TPMS_CAPABILITY_DATA* raw = nullptr;
    const TSS2_RC rc = with_retries([&] {
        return Esys_GetCapability(tpm.esys(), ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, TPM2_CAP_HANDLES, handle, 1,
                                  &more, &raw);
    });
    if (rc != TSS2_RC_SUCCESS) return failed(ErrorCode::attester_unavailable, "cannot list its handles", rc);
    const Esys<TPMS_CAPABILITY_DATA> data(raw);
    return data->data.handles.count > 0 && data->data.handles.handle[0] == handle;
}

Result<AttestationKey> existing_ak(const Tpm& tpm, std::uint32_t tpm_handle) {
    ESYS_TR handle = ESYS_TR_NONE;
    const TSS2_RC rc = with_retries([&] {
        return Esys_TR_FromTPMPublic(tpm.esys(), tpm_handle, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &handle);
    });
    if (rc != TSS2_RC_SUCCESS) return failed(ErrorCode::evidence_failed, "cannot open the attestation key", rc);
    return usable_ak(tpm, Handle(tpm, handle, false), tpm_handle);
}

/// A primary under the endorsement hierarchy, and below it the key, which is then made persistent.
Result<AttestationKey> create_ak(const Tpm& tpm, const TpmOptions& options) {
    constexpr TPMA_OBJECT parent_attributes = TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_DECRYPT | TPMA_OBJECT_FIXEDTPM |
                                              TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_SENSITIVEDATAORIGIN |
                                              TPMA_OBJECT_USERWITHAUTH;
    const TPM2B_SENSITIVE_CREATE no_secret{};
    const TPM2B_DATA no_data{};
    const TPML_PCR_SELECTION no_pcrs{};
    // The parent is ECC in any case: it is made anew for this once, and an RSA primary takes a TPM many seconds.
    const TPM2B_PUBLIC parent_template = key_template(AkAlgorithm::ecc_p256, parent_attributes, false);
    ESYS_TR parent_handle = ESYS_TR_NONE;
    TSS2_RC rc = with_retries([&] {
        return Esys_CreatePrimary(tpm.esys(), ESYS_TR_RH_ENDORSEMENT, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE,
                                  &no_secret, &parent_template, &no_data, &no_pcrs, &parent_handle, nullptr, nullptr,
                                  nullptr, nullptr);
    });
    if (rc != TSS2_RC_SUCCESS) return failed(ErrorCode::evidence_failed, "cannot make a primary key", rc);
    const Handle parent(tpm, parent_handle, true);

    const TPM2B_PUBLIC ak_template = key_template(options.ak_algorithm, kAkAttributes, true);
    TPM2B_PRIVATE* raw_private = nullptr;
    TPM2B_PUBLIC* raw_public = nullptr;
    rc = with_retries([&] {
        return Esys_Create(tpm.esys(), parent.get(), ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &no_secret,
                           &ak_template, &no_data, &no_pcrs, &raw_private, &raw_public, nullptr, nullptr, nullptr);
    });
    if (rc != TSS2_RC_SUCCESS) return failed(ErrorCode::evidence_failed, "cannot make the attestation key", rc);
    const Esys<TPM2B_PRIVATE> private_part(raw_private);
    const Esys<TPM2B_PUBLIC> public_part(raw_public);
    ESYS_TR loaded_handle = ESYS_TR_NONE;
    rc = with_retries([&] {
        return Esys_Load(tpm.esys(), parent.get(), ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, private_part.get(),
                         public_part.get(), &loaded_handle);
    });
    if (rc != TSS2_RC_SUCCESS) return failed(ErrorCode::evidence_failed, "cannot load the attestation key", rc);
    const Handle loaded(tpm, loaded_handle, true);
    ESYS_TR kept = ESYS_TR_NONE;
    rc = with_retries([&] {
        return Esys_EvictControl(tpm.esys(), ESYS_TR_RH_OWNER, loaded.get(), ESYS_TR_PASSWORD, ESYS_TR_NONE,
                                 ESYS_TR_NONE, options.ak_handle, &kept);
    });
    // Another process made one meanwhile (they have no lock in common): that one stays.
    if (rc == TPM2_RC_NV_DEFINED) return existing_ak(tpm, options.ak_handle);
    if (rc != TSS2_RC_SUCCESS) return failed(ErrorCode::evidence_failed, "cannot keep the attestation key", rc);
    return usable_ak(tpm, Handle(tpm, kept, false), options.ak_handle);
}

Result<AttestationKey> attestation_key(const Tpm& tpm, const TpmOptions& options) {
    TRY_ASSIGN(const bool there, handle_in_use(tpm, options.ak_handle));
    return there ? existing_ak(tpm, options.ak_handle) : create_ak(tpm, options);
}

TPML_PCR_SELECTION sha256_pcrs(std::array<std::uint8_t, 3> bitmap) {
    TPML_PCR_SELECTION selection{};
    selection.count = 1;
    selection.pcrSelections[0].hash = TPM2_ALG_SHA256;
    selection.pcrSelections[0].sizeofSelect = 3;
    std::ranges::copy(bitmap, selection.pcrSelections[0].pcrSelect);
    return selection;
}

struct PcrRead {
    std::vector<formats::PcrValue> values;
    std::uint32_t counter = 0;  // the TPM's count of PCR updates
};

/// A TPM gives eight values at a time, so all 24 take several reads; a counter tells whether they belong together.
Result<PcrRead> read_pcrs(const Tpm& tpm) {
    PcrRead out;
    for (std::size_t first = 0; first < formats::tpm_pcr_count; first += 8) {
        std::array<std::uint8_t, 3> bitmap{};
        bitmap.at(first / 8) = 0xff;
        const TPML_PCR_SELECTION wanted = sha256_pcrs(bitmap);
        TPML_DIGEST* raw = nullptr;
        std::uint32_t counter = 0;
        const TSS2_RC rc = with_retries([&] {
            return Esys_PCR_Read(tpm.esys(), ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &wanted, &counter, nullptr,
                                 &raw);
        });
        if (rc != TSS2_RC_SUCCESS) return failed(ErrorCode::evidence_failed, "cannot read its PCRs", rc);
        const Esys<TPML_DIGEST> digests(raw);
        if (digests->count != 8)
            return Fail(ErrorCode::evidence_failed, "TPM: it has no complete SHA-256 bank of PCRs");
        for (std::uint32_t i = 0; i < digests->count; ++i) {
            formats::PcrValue value{};
            if (digests->digests[i].size != value.size())
                return Fail(ErrorCode::evidence_failed, "TPM: a PCR of another size");
            std::copy_n(digests->digests[i].buffer, value.size(), value.begin());
            out.values.push_back(value);
        }
        if (first == 0) out.counter = counter;
        if (counter != out.counter) return PcrRead{};  // changed in between: the caller reads again
    }
    return out;
}

Result<formats::TpmEvidence> quote(const Tpm& tpm, const AttestationKey& key, base::ByteView extra_data) {
    TPM2B_DATA qualifying{};
    qualifying.size = static_cast<std::uint16_t>(extra_data.size());
    std::ranges::copy(extra_data, qualifying.buffer);
    const TPML_PCR_SELECTION selection = sha256_pcrs({0xff, 0xff, 0xff});
    const TPMT_SIG_SCHEME key_scheme{.scheme = TPM2_ALG_NULL, .details = {}};
    // PCR 10 grows while the machine runs (IMA), so a quote and the values beside it may miss each other.
    for (int attempt = 0; attempt < 10; ++attempt) {
        TRY_ASSIGN(const PcrRead before, read_pcrs(tpm));
        TPM2B_ATTEST* raw_message = nullptr;
        TPMT_SIGNATURE* raw_signature = nullptr;
        const TSS2_RC rc = with_retries([&] {
            return Esys_Quote(tpm.esys(), key.handle.get(), ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &qualifying,
                              &key_scheme, &selection, &raw_message, &raw_signature);
        });
        if (rc != TSS2_RC_SUCCESS) return failed(ErrorCode::evidence_failed, "cannot quote", rc);
        const Esys<TPM2B_ATTEST> message(raw_message);
        const Esys<TPMT_SIGNATURE> signature(raw_signature);
        TRY_ASSIGN(const PcrRead after, read_pcrs(tpm));
        if (before.values.size() != formats::tpm_pcr_count || before.values != after.values) continue;
        base::Bytes marshalled(sizeof(TPMT_SIGNATURE));
        std::size_t size = 0;
        const TSS2_RC marshal =
            Tss2_MU_TPMT_SIGNATURE_Marshal(signature.get(), marshalled.data(), marshalled.size(), &size);
        if (marshal != TSS2_RC_SUCCESS)
            return failed(ErrorCode::evidence_failed, "cannot write the signature", marshal);
        marshalled.resize(size);
        return formats::TpmEvidence{
            key.spki,
            base::Bytes(message->attestationData, message->attestationData + message->size),
            std::move(marshalled),
            after.values,
        };
    }
    return Fail(ErrorCode::evidence_failed, "TPM: its PCRs change faster than they can be read");
}

Status check_options(const TpmOptions& options) {
    if (options.ak_handle < TPM2_PERSISTENT_FIRST || options.ak_handle > TPM2_PERSISTENT_LAST) {
        return Fail(ErrorCode::config_invalid, fmt::format("{:#x} is not a persistent TPM handle", options.ak_handle));
    }
    return {};
}

class TpmAttester final : public Attester {
  public:
    explicit TpmAttester(TpmOptions options) : options_(std::move(options)) {}

    std::string_view tee() const override { return "tpm"; }

    Result<base::json::Value> collect(base::ByteView report_data) override {
        if (report_data.size() != kReportDataSize) {
            return Fail(ErrorCode::evidence_failed, "the report data is not a digest of 48 bytes");
        }
        TRY_ASSIGN(const Tpm tpm, Tpm::open(options_));
        TRY_ASSIGN(const AttestationKey key, attestation_key(tpm, options_));
        TRY_ASSIGN(const formats::TpmEvidence evidence, quote(tpm, key, report_data.first(kExtraDataSize)));
        return formats::serialize_tpm_evidence(evidence);
    }

  private:
    TpmOptions options_;
};

}  // namespace

Result<std::unique_ptr<Attester>> open_tpm_attester(TpmOptions options) {
    TRY(check_options(options));
    return std::make_unique<TpmAttester>(std::move(options));
}

Result<base::Bytes> tpm_ak_public(const TpmOptions& options) {
    TRY(check_options(options));
    TRY_ASSIGN(const Tpm tpm, Tpm::open(options));
    TRY_ASSIGN(const AttestationKey key, attestation_key(tpm, options));
    return key.spki;
}

}  // namespace attestation::collect
