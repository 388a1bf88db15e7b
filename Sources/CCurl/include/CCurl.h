/// HTTP requests by libcurl, which is opened at run time: what needs no network runs without it.

#ifndef KEYFOB_CCURL_H
#define KEYFOB_CCURL_H

#include <stdbool.h>
#include <stddef.h>

#pragma clang assume_nonnull begin

/// What becomes of a request.
typedef enum __attribute__((enum_extensibility(closed))) CurlResult : int {
    /// There is an answer, whatever it says.
    CurlResultAnswered,
    /// libcurl is not installed or does not do what is asked of it.
    CurlResultUnavailable,
    /// There was no conversation: no such host, no connection, no answer in time.
    CurlResultUnreachable,
    /// The other end did not speak TLS.
    CurlResultNotTLS,
    /// The other end could not show that it is the host that was asked for.
    CurlResultUntrusted,
    /// The answer is longer than there is room for. What has been read of it is useless.
    CurlResultTooLong,
} CurlResult;

/// A request. Its strings stay with the caller; copies are wiped.
typedef struct {
    const char *url;
    /// For basic authentication; both or neither.
    const char *_Nullable username;
    const char *_Nullable password;
    /// A bearer token.
    const char *_Nullable bearer;
    /// A form that is posted.
    const unsigned char *_Nullable form;
    size_t form_length;
    const char *user_agent;
    /// A file of certificates in place of the system's file.
    const char *_Nullable certificates;
    /// Whether no proxy is asked, whatever the variables say.
    bool is_direct;
    /// How long it may take in all.
    unsigned seconds;
} CurlRequest;

enum { curl_error_size = 256 };

/// An answer, in memory of the caller.
typedef struct {
    unsigned char *body;
    size_t body_capacity;
    size_t body_length;
    /// The headers WWW-Authenticate and Location, each as a line that ends with a line feed.
    unsigned char *headers;
    size_t headers_capacity;
    size_t headers_length;
    long status;
    /// `curl_error_size` bytes for why there is none, in libcurl's words.
    char *error;
} CurlAnswer;

/// Sends the request and waits for the answer. A redirection is an answer like any other, and is
/// not followed: nothing reaches a host that the caller has not named.
CurlResult curl_ask(const CurlRequest *request, CurlAnswer *answer);

#pragma clang assume_nonnull end

#endif
