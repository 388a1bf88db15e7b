#include "CCurl.h"

#include <dlfcn.h>
#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>

#define LIBRARY_FUNCTIONS(use)                                                                    \
    use(curl_easy_cleanup)                                                                        \
    use(curl_easy_getinfo)                                                                        \
    use(curl_easy_init)                                                                           \
    use(curl_easy_perform)                                                                        \
    use(curl_easy_setopt)                                                                         \
    use(curl_easy_strerror)                                                                       \
    use(curl_slist_append)                                                                        \
    use(curl_slist_free_all)                                                                      \
    use(curl_global_init_mem)

// libcurl's functions, typed by its own headers. open_once fills the table; everything else only
// reads it.
static struct {
#define LIBRARY_MEMBER(name) __typeof__(name) *name;
    LIBRARY_FUNCTIONS(LIBRARY_MEMBER)
#undef LIBRARY_MEMBER
} library;

_Static_assert(curl_error_size >= CURL_ERROR_SIZE, "a reason fits");

static const char *failure;

// Memory that libcurl frees is wiped first: libcurl copies passwords and tokens, and does not wipe
// them.
static void wipe_and_free(void *memory) {
    if (memory != NULL) explicit_bzero(memory, malloc_usable_size(memory));
    free(memory);
}

static void *reallocate(void *memory, size_t size) {
    void *larger = malloc(size);
    if (larger == NULL || memory == NULL) return larger;
    const size_t old = malloc_usable_size(memory);
    memcpy(larger, memory, old < size ? old : size);
    wipe_and_free(memory);
    return larger;
}

static void open_once(void) {
    // libcurl writes the keys of encrypted connections into the file that this variable names.
    unsetenv("SSLKEYLOGFILE");
    void *handle = dlopen("libcurl.so.4", RTLD_LAZY | RTLD_LOCAL);
    if (handle == NULL) handle = dlopen("libcurl-gnutls.so.4", RTLD_LAZY | RTLD_LOCAL);
    if (handle == NULL) {
        failure = "libcurl is not installed";
        return;
    }
#define LIBRARY_FILL(function)                                                                    \
    library.function = (__typeof__(library.function))dlsym(handle, #function);                    \
    if (library.function == NULL) {                                                               \
        failure = "libcurl is too old: it has no " #function;                                     \
        return;                                                                                   \
    }
    LIBRARY_FUNCTIONS(LIBRARY_FILL)
#undef LIBRARY_FILL
    if (library.curl_global_init_mem(CURL_GLOBAL_DEFAULT, malloc, wipe_and_free, reallocate, strdup,
                                     calloc) != CURLE_OK)
        failure = "libcurl cannot be used";
}

static size_t receive_body(char *bytes, size_t size, size_t count, void *context) {
    CurlAnswer *answer = context;
    const size_t length = size * count;
    if (length > answer->body_capacity - answer->body_length) return 0;
    memcpy(answer->body + answer->body_length, bytes, length);
    answer->body_length += length;
    return length;
}

static bool begins(const char *bytes, size_t length, const char *name) {
    return length >= strlen(name) && strncasecmp(bytes, name, strlen(name)) == 0;
}

static size_t receive_header(char *bytes, size_t size, size_t count, void *context) {
    CurlAnswer *answer = context;
    const size_t length = size * count;
    // Another answer begins; the previous one was a proxy's, or an interim one.
    if (begins(bytes, length, "HTTP/")) answer->headers_length = 0;
    if (!begins(bytes, length, "www-authenticate:") && !begins(bytes, length, "location:"))
        return length;
    size_t kept = length;
    while (kept > 0 && (bytes[kept - 1] == '\n' || bytes[kept - 1] == '\r')) kept--;
    if (kept + 1 > answer->headers_capacity - answer->headers_length) return 0;
    memcpy(answer->headers + answer->headers_length, bytes, kept);
    answer->headers_length += kept;
    answer->headers[answer->headers_length++] = '\n';
    return length;
}

// An option that libcurl does not have, or was built without, must not be ignored.
#define SET(option, value)                                                                        \
    if (library.curl_easy_setopt(handle, option, value) != CURLE_OK) return false

static bool prepare(CURL *handle, const CurlRequest *request, struct curl_slist *headers,
                    CurlAnswer *answer) {
    SET(CURLOPT_ERRORBUFFER, answer->error);
    SET(CURLOPT_URL, request->url);
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_TIMEOUT, (long)request->seconds);
    SET(CURLOPT_CONNECTTIMEOUT, (long)request->seconds);
    SET(CURLOPT_FOLLOWLOCATION, 0L);
    SET(CURLOPT_SSL_VERIFYPEER, request->is_unverified ? 0L : 1L);
    SET(CURLOPT_SSL_VERIFYHOST, request->is_unverified ? 0L : 2L);
    if (request->client_certificate != NULL) {
        SET(CURLOPT_SSLCERT, request->client_certificate);
        SET(CURLOPT_SSLKEY, request->client_key);
    }
    // With HTTP/2, another library keeps the data that is sent, and does not wipe it.
    SET(CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
    SET(CURLOPT_USERAGENT, request->user_agent);
    SET(CURLOPT_WRITEFUNCTION, receive_body);
    SET(CURLOPT_WRITEDATA, answer);
    SET(CURLOPT_HEADERFUNCTION, receive_header);
    SET(CURLOPT_HEADERDATA, answer);
    // The headers of a proxy's own answer do not belong to the host's answer.
    SET(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    if (request->is_direct) SET(CURLOPT_PROXY, "");
    if (request->certificates != NULL) SET(CURLOPT_CAINFO, request->certificates);
    if (request->username != NULL) {
        SET(CURLOPT_HTTPAUTH, CURLAUTH_BASIC);
        SET(CURLOPT_USERNAME, request->username);
        SET(CURLOPT_PASSWORD, request->password);
    }
    if (request->bearer != NULL) {
        SET(CURLOPT_HTTPAUTH, CURLAUTH_BEARER);
        SET(CURLOPT_XOAUTH2_BEARER, request->bearer);
    }
    if (headers != NULL) SET(CURLOPT_HTTPHEADER, headers);
    if (request->form != NULL) {
        SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->form_length);
        SET(CURLOPT_POSTFIELDS, request->form);
    }
    return true;
}

static CurlResult result_of(CURLcode code) {
    switch (code) {
        case CURLE_OK:
            return CurlResultAnswered;
        case CURLE_SSL_CONNECT_ERROR:
            return CurlResultNotTLS;
        case CURLE_PEER_FAILED_VERIFICATION:
        case CURLE_SSL_CACERT_BADFILE:
        case CURLE_SSL_ISSUER_ERROR:
            return CurlResultUntrusted;
        case CURLE_WRITE_ERROR:
            return CurlResultTooLong;
        default:
            return CurlResultUnreachable;
    }
}

static void explain(CurlAnswer *answer, const char *text) {
    if (answer->error[0] == '\0') strncpy(answer->error, text, curl_error_size - 1);
}

CurlResult curl_ask(const CurlRequest *request, CurlAnswer *answer) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, open_once);
    answer->body_length = answer->headers_length = 0;
    answer->status = 0;
    memset(answer->error, 0, curl_error_size);
    if (failure != NULL) {
        explain(answer, failure);
        return CurlResultUnavailable;
    }
    CURL *handle = library.curl_easy_init();
    struct curl_slist *headers =
        request->header != NULL ? library.curl_slist_append(NULL, request->header) : NULL;
    if (headers != NULL && request->second_header != NULL &&
        library.curl_slist_append(headers, request->second_header) == NULL) {
        library.curl_slist_free_all(headers);
        headers = NULL;
    }
    CurlResult result = CurlResultUnavailable;
    if (handle != NULL && (headers != NULL) == (request->header != NULL) &&
        prepare(handle, request, headers, answer)) {
        const CURLcode code = library.curl_easy_perform(handle);
        library.curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &answer->status);
        explain(answer, library.curl_easy_strerror(code));
        result = result_of(code);
    }
    explain(answer, "libcurl cannot do what is asked of it");
    if (handle != NULL) library.curl_easy_cleanup(handle);
    library.curl_slist_free_all(headers);
    return result;
}
