/* What went wrong with an outbound request, in our words: who was asked, and what happened.
 *
 * libcurl's verdict is only the beginning: a callback of ours may have stopped the transfer, an
 * address may have been refused by the outbound rules, or the system may say more. */
#include <stdio.h>

#include "http/client_private.h"

/* "host:port" of the request, for messages. */
static void target_of(const struct client_request *request, char *out, size_t size)
{
    CURLU *url = curl_url();
    const char *text = NULL;
    char *host = NULL;
    char *port = NULL;

    curl_easy_getinfo(request->easy, CURLINFO_EFFECTIVE_URL, &text);
    if (url && text && !curl_url_set(url, CURLUPART_URL, text, 0)) {
        curl_url_get(url, CURLUPART_HOST, &host, 0);
        curl_url_get(url, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT);
    }
    snprintf(out, size, "%s:%s", host ? host : "", port ? port : "");
    curl_free(host);
    curl_free(port);
    curl_url_cleanup(url);
}

static int explain_timeout(struct client_request *request, char *text, size_t size)
{
    curl_off_t ready_us = 0;
    char target[300];

    target_of(request, target, sizeof target);
    curl_easy_getinfo(request->easy, CURLINFO_PRETRANSFER_TIME_T, &ready_us);
    if (ready_us == 0)
        snprintf(text, size, "connect ETIMEDOUT %s", target);
    else
        snprintf(text, size, "%s sent nothing for %d s", target, request->idle_timeout_s);
    return ERR_TIMEOUT;
}

static int explain_connect(struct client_request *request, char *text, size_t size)
{
    long errno_of_connect = 0;
    char target[300];

    target_of(request, target, sizeof target);
    curl_easy_getinfo(request->easy, CURLINFO_OS_ERRNO, &errno_of_connect);
    if (request->refused[0])
        snprintf(text, size, "connect to %s: %s", target, request->refused);
    else if (errno_of_connect)
        snprintf(text, size, "connect %s %s", uv_err_name((int)-errno_of_connect), target);
    else
        snprintf(text, size, "connect %s: %s", target, request->error);
    return ERR_NETWORK;
}

int client_error_explain(struct client_request *request, CURLcode result, char *text, size_t size)
{
    char target[300];

    if (request->limit_code) {
        snprintf(text, size, "%s", request->limit_text);
        return request->limit_code;
    }
    switch (result) {
    case CURLE_COULDNT_RESOLVE_HOST:
        target_of(request, target, sizeof target);
        snprintf(text, size, "getaddrinfo ENOTFOUND %s", target);
        return ERR_NETWORK;
    case CURLE_COULDNT_CONNECT:
        return explain_connect(request, text, size);
    case CURLE_OPERATION_TIMEDOUT:
        return explain_timeout(request, text, size);
    default:
        snprintf(text, size, "%s", request->error[0] ? request->error : curl_easy_strerror(result));
        return ERR_NETWORK;
    }
}
