// SPDX-License-Identifier: Apache-2.0
#include "net/http_client.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <mutex>
#include <vector>

#include "base/encoding.h"

namespace net {
namespace {

using base::ErrorCode;
using base::Fail;
using base::Result;

constexpr std::size_t kMaxHeaderBytes = std::size_t{256} << 10;

struct EasyFree {
    void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
using Easy = std::unique_ptr<CURL, EasyFree>;
struct ListFree {
    void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using List = std::unique_ptr<curl_slist, ListFree>;
struct UrlFree {
    void operator()(CURLU* url) const { curl_url_cleanup(url); }
};
using Url = std::unique_ptr<CURLU, UrlFree>;

/// What the callbacks of one transfer collect.
struct Transfer {
    std::size_t limit;
    bool too_large = false;
    std::size_t header_bytes = 0;
    HeaderList headers;
    base::SecretBytes body;
    std::size_t used = 0;

    bool append(const char* data, std::size_t size) {
        if (size > limit - used) {
            too_large = true;
            return false;
        }
        if (used + size > body.size()) {
            base::SecretBytes larger(
                std::min(limit, std::max(body.size() * 2, std::max<std::size_t>(used + size, 4096))));
            std::ranges::copy(body.view().first(used), larger.mutable_view().begin());
            body = std::move(larger);
        }
        std::memcpy(body.mutable_view().data() + used, data, size);
        used += size;
        return true;
    }
};

std::size_t on_body(char* data, std::size_t, std::size_t size, void* user) {
    return static_cast<Transfer*>(user)->append(data, size) ? size : 0;
}

std::size_t on_header(char* data, std::size_t, std::size_t size, void* user) {
    auto& transfer = *static_cast<Transfer*>(user);
    transfer.header_bytes += size;
    if (transfer.header_bytes > kMaxHeaderBytes) {
        transfer.too_large = true;
        return 0;
    }
    std::string_view line(data, size);
    while (line.ends_with('\n') || line.ends_with('\r')) line.remove_suffix(1);
    // An interim response (100 Continue) is followed by another status line: what came before does not count.
    if (line.starts_with("HTTP/")) transfer.headers = {};
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) return size;
    std::string_view value = line.substr(colon + 1);
    while (value.starts_with(' ') || value.starts_with('\t')) value.remove_prefix(1);
    while (value.ends_with(' ') || value.ends_with('\t')) value.remove_suffix(1);
    transfer.headers.add(std::string(line.substr(0, colon)), std::string(value));
    return size;
}

std::string url_part(CURLU* url, CURLUPart part, unsigned flags = 0) {
    char* text = nullptr;
    if (curl_url_get(url, part, &text, flags) != CURLUE_OK) return {};
    std::string out(text);
    curl_free(text);
    return out;
}

/// "https://host:port", for messages; an error where the URL is not one that we send to.
Result<std::string> checked_origin(const std::string& text, bool allow_http) {
    const Url url(curl_url());
    if (text.size() > 8192 || curl_url_set(url.get(), CURLUPART_URL, text.c_str(), 0) != CURLUE_OK) {
        return Fail(ErrorCode::input_invalid, "not a URL");
    }
    const std::string scheme = url_part(url.get(), CURLUPART_SCHEME);
    std::string origin = fmt::format("{}://{}:{}", scheme, url_part(url.get(), CURLUPART_HOST),
                                     url_part(url.get(), CURLUPART_PORT, CURLU_DEFAULT_PORT));
    if (scheme != "https" && !(scheme == "http" && allow_http)) {
        return Fail(ErrorCode::input_invalid, fmt::format("{}: only https is allowed", origin));
    }
    if (!url_part(url.get(), CURLUPART_USER).empty() || !url_part(url.get(), CURLUPART_PASSWORD).empty()) {
        return Fail(ErrorCode::input_invalid, fmt::format("{}: a URL holds no password here", origin));
    }
    return origin;
}

ErrorCode code_of(CURLcode code) {
    switch (code) {
        case CURLE_COULDNT_RESOLVE_HOST:
        case CURLE_COULDNT_RESOLVE_PROXY:
        case CURLE_COULDNT_CONNECT:
            return ErrorCode::net_unreachable;
        case CURLE_OPERATION_TIMEDOUT:
            return ErrorCode::net_timeout;
        case CURLE_PEER_FAILED_VERIFICATION:
        case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
        case CURLE_SSL_ISSUER_ERROR:
            return ErrorCode::tls_untrusted;
        default:
            return ErrorCode::net_failed;
    }
}

class CurlClient final : public HttpClient {
  public:
    explicit CurlClient(HttpClientOptions options) : options_(std::move(options)) {}

    Result<HttpResponse> send(const HttpRequest& request) override {
        TRY_ASSIGN(const std::string origin, checked_origin(request.url, options_.allow_http));
        List fields;
        for (const auto& [name, value] : request.headers) {
            if (!valid_field(name, value)) return Fail(ErrorCode::input_invalid, "a header field that cannot be sent");
            // curl sends a field without value only when it is written with a semicolon.
            append(fields, value.empty() ? name + ";" : fmt::format("{}: {}", name, value));
        }
        append(fields, "Expect:");  // no waiting for 100 Continue

        Easy easy = take();
        CURL* curl = easy.get();
        Transfer transfer{.limit = options_.max_response_bytes, .headers = {}, .body = {}};
        char reason[CURL_ERROR_SIZE] = "";
        configure(curl);
        curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, reason);
        curl_easy_setopt(curl, CURLOPT_URL, request.url.c_str());
        curl_easy_setopt(curl, CURLOPT_HTTPHEADER, fields.get());
        curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
        curl_easy_setopt(curl, CURLOPT_WRITEDATA, &transfer);
        curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
        curl_easy_setopt(curl, CURLOPT_HEADERDATA, &transfer);
        if (request.method == "POST" || request.method == "PUT") {
            curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
            // NOLINTNEXTLINE(bugprone-suspicious-stringview-data-usage): its size is the option before
            curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request.body.text().data());
        }
        curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request.method.c_str());
        if (request.method == "HEAD") curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);

        const CURLcode result = curl_easy_perform(curl);
        long status = 0;
        curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
        if (transfer.too_large) {
            return Fail(ErrorCode::response_too_large,
                        fmt::format("{}: more than {} bytes", origin, options_.max_response_bytes));
        }
        if (result != CURLE_OK) {
            const std::string_view said = reason[0] != '\0' ? reason : curl_easy_strerror(result);
            return Fail(code_of(result), fmt::format("{}: {}", origin, base::printable_line(said, 200)));
        }
        give_back(std::move(easy));
        transfer.body.truncate(transfer.used);
        return HttpResponse{static_cast<int>(status), std::move(transfer.headers), std::move(transfer.body)};
    }

  private:
    static void append(List& list, const std::string& text) {
        curl_slist* longer = curl_slist_append(list.get(), text.c_str());
        if (longer == nullptr) std::abort();
        static_cast<void>(list.release());
        list.reset(longer);
    }

    void configure(CURL* curl) const {
        curl_easy_reset(curl);  // keeps the connection
        curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
        curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, options_.allow_http ? "http,https" : "https");
        curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
        curl_easy_setopt(curl, CURLOPT_NETRC, static_cast<long>(CURL_NETRC_IGNORED));
        curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
        curl_easy_setopt(curl, CURLOPT_USERAGENT, options_.user_agent.c_str());
        curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(options_.connect_timeout.count()));
        curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, static_cast<long>(options_.total_timeout.count()));
        curl_easy_setopt(curl, CURLOPT_PROXY, options_.proxy.c_str());  // "" also shuts out the environment
        curl_easy_setopt(curl, CURLOPT_NOPROXY, options_.no_proxy.c_str());
        curl_easy_setopt(curl, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
        if (!options_.ca_pem.empty()) {
            curl_blob blob{const_cast<char*>(options_.ca_pem.data()), options_.ca_pem.size(), CURL_BLOB_NOCOPY};
            curl_easy_setopt(curl, CURLOPT_CAINFO_BLOB, &blob);
            curl_easy_setopt(curl, CURLOPT_CAPATH, nullptr);  // the given CA alone
        }
        if (!options_.pinned_spki_sha256.empty()) {
            const std::string pin = "sha256//" + options_.pinned_spki_sha256;
            curl_easy_setopt(curl, CURLOPT_PINNEDPUBLICKEY, pin.c_str());
            if (options_.ca_pem.empty()) {
                curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 0L);
                curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 0L);
            }
        }
    }

    /// One handle serves one request at a time and keeps its connection for the next.
    Easy take() {
        {
            const std::lock_guard lock(mutex_);
            if (!idle_.empty()) {
                Easy easy = std::move(idle_.back());
                idle_.pop_back();
                return easy;
            }
        }
        Easy easy(curl_easy_init());
        if (easy == nullptr) std::abort();
        return easy;
    }

    void give_back(Easy easy) {
        constexpr std::size_t kMaxIdle = 16;
        curl_easy_reset(easy.get());  // drops pointers into the finished request
        const std::lock_guard lock(mutex_);
        if (idle_.size() < kMaxIdle) idle_.push_back(std::move(easy));
    }

    HttpClientOptions options_;
    std::mutex mutex_;
    std::vector<Easy> idle_;
};

}  // namespace

Result<std::unique_ptr<HttpClient>> create_http_client(HttpClientOptions options) {
    static std::once_flag once;
    std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
    if (!options.pinned_spki_sha256.empty()) {
        const auto pin = base::base64_decode(options.pinned_spki_sha256);
        if (!pin || pin->size() != 32) return Fail(ErrorCode::config_invalid, "the pin is not the base64 of 32 bytes");
    }
    if (!options.ca_pem.empty() && !options.ca_pem.contains("-----BEGIN CERTIFICATE-----")) {
        return Fail(ErrorCode::config_invalid, "the CA file holds no PEM certificate");
    }
    return std::make_unique<CurlClient>(std::move(options));
}

}  // namespace net
