/* s3/sigv4 against the examples of AWS's documentation, and what must not pass. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "s3/sigv4.h"

#define SECRET STR("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
#define EMPTY "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define CREDENTIAL "AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request"
#define TIME "20130524T000000Z"
#define HOST {STR("host"), STR("examplebucket.s3.amazonaws.com")}
#define SIGNED(names, signature)                                                                   \
    {STR("authorization"), STR("AWS4-HMAC-SHA256 Credential=" CREDENTIAL ",SignedHeaders=" names   \
                               ",Signature=" signature)}

enum { NOW = 1369353600 };

struct example {
    const char *method, *target;
    struct http_header headers[10];
};

static const struct example examples[] = {
    {"GET", "/test.txt",
     {HOST, {STR("range"), STR("bytes=0-9")}, {STR("x-amz-content-sha256"), STR(EMPTY)},
      {STR("x-amz-date"), STR(TIME)},
      SIGNED("host;range;x-amz-content-sha256;x-amz-date",
             "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41")}},
    {"PUT", "/test$file.text",
     {HOST, {STR("date"), STR("Fri, 24 May 2013 00:00:00 GMT")},
      {STR("x-amz-content-sha256"),
       STR("44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072")},
      {STR("x-amz-date"), STR(TIME)}, {STR("x-amz-storage-class"), STR("REDUCED_REDUNDANCY")},
      SIGNED("date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class",
             "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd")}},
    {"GET", "/?lifecycle",
     {HOST, {STR("x-amz-content-sha256"), STR(EMPTY)}, {STR("x-amz-date"), STR(TIME)},
      SIGNED("host;x-amz-content-sha256;x-amz-date",
             "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543")}},
    {"GET", "/?prefix=J&max-keys=2",
     {HOST, {STR("x-amz-content-sha256"), STR(EMPTY)}, {STR("x-amz-date"), STR(TIME)},
      SIGNED("host;x-amz-content-sha256;x-amz-date",
             "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7")}},
    {"GET",
     "/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524"
     "%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&"
     "X-Amz-SignedHeaders=host&X-Amz-Signature="
     "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404",
     {HOST}},
    {"PUT", "/examplebucket/chunkObject.txt",
     {{STR("host"), STR("s3.amazonaws.com")}, {STR("content-encoding"), STR("aws-chunked")},
      {STR("content-length"), STR("66824")},
      {STR("x-amz-content-sha256"), STR("STREAMING-AWS4-HMAC-SHA256-PAYLOAD")},
      {STR("x-amz-date"), STR(TIME)}, {STR("x-amz-decoded-content-length"), STR("66560")},
      {STR("x-amz-storage-class"), STR("REDUCED_REDUNDANCY")},
      SIGNED("content-encoding;content-length;host;x-amz-content-sha256;x-amz-date;"
             "x-amz-decoded-content-length;x-amz-storage-class",
             "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9")}},
};

static size_t count_headers(const struct http_header *headers, size_t max)
{
    size_t count = 0;

    while (count < max && headers[count].name.len)
        count++;
    return count;
}

static struct sigv4_request request_of(const struct example *example, struct s3_target *target)
{
    cr_assert_eq(s3_target_parse(target, STR("x"), str_from(example->target), STR_NONE), 0);
    return (struct sigv4_request){.method = str_from(example->method),
                                  .path = target->path,
                                  .params = target->params,
                                  .param_count = target->param_count,
                                  .headers = example->headers,
                                  .header_count = count_headers(example->headers,
                                                                COUNT_OF(example->headers))};
}

static enum sigv4_flaw check(const struct example *example, int64_t now, str secret)
{
    unsigned char key[S3_HASH_BYTES];
    struct s3_target target;
    struct sigv4_request request = request_of(example, &target);
    struct sigv4 sig;
    enum sigv4_flaw flaw = sigv4_read(&request, now, &sig);

    if (flaw == SIGV4_FINE) {
        sigv4_key(&sig, secret, key);
        flaw = sigv4_check(&request, &sig, key);
    }
    s3_target_done(&target);
    return flaw;
}

Test(sigv4, matches_the_published_examples)
{
    for (size_t i = 0; i < COUNT_OF(examples); i++) {
        cr_expect_eq(check(&examples[i], NOW, SECRET), SIGV4_FINE, "row %zu", i);
        cr_expect_eq(check(&examples[i], NOW, STR("other")), SIGV4_WRONG, "row %zu", i);
    }
}

Test(sigv4, covers_method_path_query_and_headers)
{
    for (size_t i = 0; i < COUNT_OF(examples); i++) {
        struct example changed = examples[i];
        char target[1024];

        changed.method = "DELETE";
        cr_expect_eq(check(&changed, NOW, SECRET), SIGV4_WRONG, "row %zu", i);
        changed = examples[i];
        snprintf(target, sizeof target, "%s%ca=b", changed.target,
                 strchr(changed.target, '?') ? '&' : '?');
        changed.target = target;
        cr_expect_eq(check(&changed, NOW, SECRET), SIGV4_WRONG, "row %zu", i);
        changed = examples[i];
        snprintf(target, sizeof target, "/x%s", changed.target);
        changed.target = target;
        cr_expect_eq(check(&changed, NOW, SECRET), SIGV4_WRONG, "row %zu", i);
        changed = examples[i];
        changed.headers[0].value = STR("elsewhere");
        cr_expect_eq(check(&changed, NOW, SECRET), SIGV4_WRONG, "row %zu", i);
    }
}

Test(sigv4, times_have_their_bounds)
{
    const struct example *header = &examples[0], *presigned = &examples[4];

    cr_expect_eq(check(header, NOW + SIGV4_SKEW_S, SECRET), SIGV4_FINE);
    cr_expect_eq(check(header, NOW + SIGV4_SKEW_S + 1, SECRET), SIGV4_SKEWED);
    cr_expect_eq(check(header, NOW - SIGV4_SKEW_S, SECRET), SIGV4_FINE);
    cr_expect_eq(check(header, NOW - SIGV4_SKEW_S - 1, SECRET), SIGV4_SKEWED);
    cr_expect_eq(check(presigned, NOW + 86400, SECRET), SIGV4_FINE);
    cr_expect_eq(check(presigned, NOW + 86401, SECRET), SIGV4_EXPIRED);
    cr_expect_eq(check(presigned, NOW - SIGV4_SKEW_S - 1, SECRET), SIGV4_SKEWED);
}

#define QUERY(credential, time, expires)                                                           \
    "/?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=" credential "&X-Amz-Date=" time \
    "&X-Amz-Expires=" expires "&X-Amz-SignedHeaders=host&X-Amz-Signature=" EMPTY

Test(sigv4, refuses_what_is_not_whole)
{
    static const struct {
        struct example example;
        enum sigv4_flaw flaw;
    } rows[] = {
        {{"GET", "/", {HOST}}, SIGV4_MISSING},
        {{"GET", "/", {HOST, {STR("authorization"), STR("AWS a:b")}}}, SIGV4_OLD},
        {{"GET", "/?AWSAccessKeyId=a&Signature=b", {HOST}}, SIGV4_OLD},
        {{"GET", "/", {HOST, {STR("authorization"), STR("Bearer x")}}}, SIGV4_MALFORMED},
        {{"GET", "/", {HOST, {STR("authorization"), STR("AWS4-HMAC-SHA256 ")}}}, SIGV4_MALFORMED},
        {{"GET", "/", {HOST, SIGNED("host", EMPTY)}}, SIGV4_NO_PAYLOAD},
        {{"GET", "/", {HOST, SIGNED("host;x-amz-content-sha256", EMPTY),
                       {STR("x-amz-content-sha256"), STR(EMPTY)}}},
         SIGV4_NO_TIME},
        {{"GET", "/", {HOST, SIGNED("host;x-amz-content-sha256;x-amz-date", EMPTY),
                       {STR("x-amz-content-sha256"), STR(EMPTY)},
                       {STR("x-amz-date"), STR("20130525T000000Z")}}},
         SIGV4_NO_TIME},
        {{"GET", "/", {HOST, SIGNED("x-amz-content-sha256;x-amz-date", EMPTY),
                       {STR("x-amz-content-sha256"), STR(EMPTY)}, {STR("x-amz-date"), STR(TIME)}}},
         SIGV4_UNSIGNED},
        {{"GET", "/", {HOST, SIGNED("host;x-amz-content-sha256;x-amz-date", EMPTY),
                       {STR("x-amz-content-sha256"), STR(EMPTY)}, {STR("x-amz-date"), STR(TIME)},
                       {STR("x-amz-meta-a"), STR("b")}}},
         SIGV4_UNSIGNED},
        {{"GET", "/", {HOST, SIGNED("host;x-amz-content-sha256;x-amz-date", "short"),
                       {STR("x-amz-content-sha256"), STR(EMPTY)}, {STR("x-amz-date"), STR(TIME)}}},
         SIGV4_MALFORMED},
        {{"GET", QUERY(CREDENTIAL, TIME, "604800"), {HOST}}, SIGV4_WRONG},
        {{"GET", QUERY(CREDENTIAL, TIME, "604801"), {HOST}}, SIGV4_TOO_LONG},
        {{"GET", QUERY(CREDENTIAL, TIME, "-1"), {HOST}}, SIGV4_MALFORMED},
        {{"GET", QUERY(CREDENTIAL, "", "1"), {HOST}}, SIGV4_NO_TIME},
        {{"GET", QUERY("a/20130524/us-east-1/ec2/aws4_request", TIME, "1"), {HOST}},
         SIGV4_MALFORMED},
        {{"GET", QUERY("a/2013/us-east-1/s3/aws4_request", TIME, "1"), {HOST}}, SIGV4_MALFORMED},
        {{"GET", QUERY("a/20130524/us-east-1/s3/aws4_request/x", TIME, "1"), {HOST}},
         SIGV4_MALFORMED},
        {{"GET", "/?X-Amz-Signature=" EMPTY, {HOST}}, SIGV4_MALFORMED},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++)
        cr_expect_eq(check(&rows[i].example, NOW, SECRET), rows[i].flaw, "row %zu", i);
}

/* ---- chunks ---- */

static void begin(struct sigv4_chain *chain, const char *seed)
{
    const struct sigv4 sig = {.scope = STR("20130524/us-east-1/s3/aws4_request"),
                              .region = STR("us-east-1"),
                              .time = STR(TIME),
                              .signature = str_from(seed)};
    unsigned char key[S3_HASH_BYTES];

    sigv4_key(&sig, SECRET, key);
    sigv4_chain_init(chain, &sig, key);
}

static bool check_chunk(struct sigv4_chain *chain, size_t len, const char *signature)
{
    static char bytes[65536];
    unsigned char hash[S3_HASH_BYTES];

    memset(bytes, 'a', sizeof bytes);
    s3_hash_sha256((str){bytes, len}, hash);
    return sigv4_chain_check(chain, hash, str_from(signature));
}

Test(sigv4, chunks_match_the_published_example)
{
    struct sigv4_chain chain;

    begin(&chain, "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9");
    cr_expect(check_chunk(&chain, 65536,
                          "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648"));
    cr_expect(check_chunk(&chain, 1024,
                          "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497"));
    cr_expect(
        check_chunk(&chain, 0, "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9"));
}

Test(sigv4, trailers_match_the_published_example)
{
    struct sigv4_chain chain;

    begin(&chain, "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e");
    cr_expect(check_chunk(&chain, 65536,
                          "b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2"));
    cr_expect(check_chunk(&chain, 1024,
                          "1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7"));
    cr_expect(
        check_chunk(&chain, 0, "2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992"));
    cr_expect(sigv4_chain_check_trailer(
        &chain, STR("x-amz-checksum-crc32c:sOO8/Q==\n"),
        STR("d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435")));
}

Test(sigv4, a_chunk_out_of_order_does_not_match)
{
    struct sigv4_chain chain;

    begin(&chain, "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9");
    cr_expect_not(check_chunk(&chain, 1024,
                              "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497"));
    cr_expect_not(check_chunk(&chain, 0, ""));
}

Test(sigv4, reads_times)
{
    int64_t at;

    cr_expect(sigv4_time(STR(TIME), &at));
    cr_expect_eq(at, NOW);
    cr_expect_not(sigv4_time(STR("20130524T000000"), &at));
    cr_expect_not(sigv4_time(STR("2013-524T000000Z"), &at));
    cr_expect_not(sigv4_time(STR("20130524 000000Z"), &at));
    cr_expect_not(sigv4_time(STR_NONE, &at));
}
