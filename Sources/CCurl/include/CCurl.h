/// HTTP requests by libcurl, which is opened at run time: a program that needs no network runs
/// without it.

#ifndef KEYFOB_CCURL_H
#define KEYFOB_CCURL_H

#include <stdbool.h>
#include <stddef.h>

#pragma clang assume_nonnull begin

/// The result of a request.
typedef enum __attribute__((enum_extensibility(closed))) CurlResult : int {
    /// There is an answer, whatever its status.
    CurlResultAnswered,
    /// libcurl is not installed, or cannot do what the request needs.
    CurlResultUnavailable,
    /// There was no answer: no such host, no connection, or no answer in time.
    CurlResultUnreachable,
    /// The other end did not speak TLS.
    CurlResultNotTLS,
    /// The other end could not prove that it is the host of the URL.
    CurlResultUntrusted,
    /// The answer is longer than its memory. The part that has been read is useless.
    CurlResultTooLong,
} CurlResult;

/// A request. Its strings belong to the caller; copies are wiped.
typedef struct {
    const char *url;
    /// The user name and password of basic authentication; both or neither.
    const char *_Nullable username;
    const char *_Nullable password;
    /// The bearer token.
    const char *_Nullable bearer;
    /// Whole headers, for a kind of authentication that libcurl does not know.
    const char *_Nullable header;
    const char *_Nullable second_header;
    /// The form that is posted.
    const unsigned char *_Nullable form;
    size_t form_length;
    const char *user_agent;
    /// A file of certificates that replaces the system's file.
    const char *_Nullable certificates;
    /// The files of a client certificate and its key; both or neither.
    const char *_Nullable client_certificate;
    const char *_Nullable client_key;
    /// True if the host's certificate is not verified.
    bool is_unverified;
    /// True if no proxy is used, whatever the variables say.
    bool is_direct;
    /// The longest time that the request may take in all.
    unsigned seconds;
} CurlRequest;

enum { curl_error_size = 256 };

/// An answer, in memory that the caller provides.
typedef struct {
    unsigned char *body;
    size_t body_capacity;
    size_t body_length;
    /// The headers WWW-Authenticate and Location, each as a line that ends with a line feed.
    unsigned char *headers;
    size_t headers_capacity;
    size_t headers_length;
    long status;
    /// `curl_error_size` bytes for the reason why there is no answer, in libcurl's words.
    char *error;
} CurlAnswer;

/// Sends the request and waits for the answer. A redirection is an answer like any other, and is
/// not followed: nothing is sent to a host that the caller has not named.
CurlResult curl_ask(const CurlRequest *request, CurlAnswer *answer);

#pragma clang assume_nonnull end

#endif
