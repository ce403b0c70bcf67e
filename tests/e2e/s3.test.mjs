// The S3 API: AWS's own client with its defaults, and what no client does: tampered, replayed, cut and wrong requests.
// Debian's clients: s3_clients.test.mjs; signatures and framing alone: tests/unit/s3.
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { after, describe, test } from "node:test";
import * as sdk from "@aws-sdk/client-s3";
import { Upload } from "@aws-sdk/lib-storage";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";
import { until } from "./atoll.mjs";
import { client as commands } from "./client.mjs";
import { chain, presign, send, serveS3, sha256, sign, stamp } from "./s3.mjs";

const MIB = 1 << 20;
const server = await serveS3({ after });
const keys = await server.keys();
const clientOf = ({ id, secret }) =>
  new sdk.S3Client({
    endpoint: server.s3, region: "auto", forcePathStyle: true, credentials: { accessKeyId: id, secretAccessKey: secret }, maxAttempts: 1,
  });
const client = clientOf(keys);
after(() => client.destroy());
const s3 = (command, input) => client.send(new sdk[`${command}Command`](input));
const fails = (promise, name, status) =>
  assert.rejects(promise, (error) => {
    assert.deepEqual([error.name, error.$metadata?.httpStatusCode], [name, status], String(error));
    return true;
  });
const textOf = async (answer) => answer.Body.transformToString();
const call = (what) => server.call(keys, what);

await s3("CreateBucket", { Bucket: "main" });
const Bucket = "main";
const put = (Key, Body = Key, more = {}) => s3("PutObject", { Bucket, Key, Body, ...more });
const get = (Key, more = {}) => s3("GetObject", { Bucket, Key, ...more });

describe("buckets", () => {
  test("are made, listed, found and deleted, and are those of the REST API", async () => {
    await s3("CreateBucket", { Bucket: "second" });
    await fails(s3("CreateBucket", { Bucket: "second" }), "BucketAlreadyOwnedByYou", 409);
    await fails(s3("CreateBucket", { Bucket: "Not_A_Name" }), "InvalidBucketName", 400);
    const { Buckets, Owner } = await s3("ListBuckets", {});
    assert.deepEqual(Buckets.map((b) => b.Name), ["main", "second"]);
    assert.ok(Math.abs(Buckets[0].CreationDate - Date.now()) < 600000);
    assert.equal(Owner.ID, "default");
    await s3("HeadBucket", { Bucket: "second" });
    assert.equal((await s3("GetBucketLocation", { Bucket })).LocationConstraint, "auto");
    assert.equal((await s3("GetBucketVersioning", { Bucket })).Status, undefined);
    const rest = await server.api("GET", "/accounts/default/r2/buckets/second");
    assert.equal(rest.result.name, "second");
    await s3("PutObject", { Bucket: "second", Key: "a", Body: "a" });
    await fails(s3("DeleteBucket", { Bucket: "second" }), "BucketNotEmpty", 409);
    await s3("DeleteObject", { Bucket: "second", Key: "a" });
    await s3("DeleteBucket", { Bucket: "second" });
    await fails(s3("DeleteBucket", { Bucket: "second" }), "NoSuchBucket", 404);
    await fails(s3("ListObjectsV2", { Bucket: "second" }), "NoSuchBucket", 404);
    const log = await server.api("GET", "/accounts/default/audit_logs?per_page=5");
    assert.deepEqual(log.result.slice(0, 2).map((row) => [row.action.type, row.target, row.actor.id]),
      [["r2.delete", "second", keys.id], ["r2.create", "second", keys.id]], JSON.stringify(log.result));
  });

  test("that the REST API deletes are gone at once, and what it makes is there", async () => {
    await server.api("POST", "/accounts/default/r2/buckets", { name: "by-rest" });
    await s3("PutObject", { Bucket: "by-rest", Key: "k", Body: "v" });
    const got = await server.api("GET", "/accounts/default/r2/buckets/by-rest/objects");
    assert.deepEqual(got.result.map((o) => o.key), ["k"]);
    await s3("DeleteObject", { Bucket: "by-rest", Key: "k" });
    assert.equal((await server.api("DELETE", "/accounts/default/r2/buckets/by-rest")).success, true);
    await fails(s3("PutObject", { Bucket: "by-rest", Key: "k", Body: "v" }), "NoSuchBucket", 404);
  });
});

describe("objects", () => {
  test("keep their metadata, come whole, in ranges and under conditions", async () => {
    const body = randomBytes(300000), meta = { Metadata: { one: "1", two: "zwei" }, ContentType: "image/png", CacheControl: "max-age=5" };
    const more = { ContentDisposition: "attachment", ContentLanguage: "de", ContentEncoding: "x-own", Expires: new Date(2e12) };
    const { ETag } = await put("whole", body, { ...meta, ...more });
    assert.equal(ETag, `"${createHash("md5").update(body).digest("hex")}"`);
    const got = await get("whole");
    assert.ok(Buffer.from(await got.Body.transformToByteArray()).equals(body));
    const { Metadata, ContentType, CacheControl, ContentDisposition, ContentLanguage, ContentEncoding, ExpiresString } = got;
    assert.deepEqual({ Metadata, ContentType, CacheControl }, meta);
    assert.deepEqual([ContentDisposition, ContentLanguage, ContentEncoding], ["attachment", "de", "x-own"]);
    assert.equal(ExpiresString, new Date(2e12).toUTCString());
    for (const [Range, from, to] of [["bytes=0-9", 0, 10], ["bytes=299990-", 299990, 300000], ["bytes=-5", 299995, 300000], ["bytes=5-9999999", 5, 300000]]) {
      const part = await get("whole", { Range });
      assert.ok(Buffer.from(await part.Body.transformToByteArray()).equals(body.subarray(from, to)), Range);
      assert.equal(part.ContentRange, `bytes ${from}-${to - 1}/300000`);
      assert.equal(part.$metadata.httpStatusCode, 206);
    }
    await fails(get("whole", { Range: "bytes=300000-" }), "InvalidRange", 416);
    const head = await s3("HeadObject", { Bucket, Key: "whole" });
    assert.deepEqual([head.ContentLength, head.ETag, head.Metadata.two], [300000, ETag, "zwei"]);
    await get("whole", { IfMatch: ETag, IfUnmodifiedSince: head.LastModified });
    await fails(get("whole", { IfMatch: '"other"' }), "PreconditionFailed", 412);
    await fails(get("whole", { IfUnmodifiedSince: new Date(0) }), "PreconditionFailed", 412);
    await assert.rejects(get("whole", { IfNoneMatch: ETag }), (error) => error.$metadata.httpStatusCode === 304);
    await assert.rejects(get("whole", { IfModifiedSince: head.LastModified }), (error) => error.$metadata.httpStatusCode === 304);
    const other = await get("whole", { ResponseContentType: "text/x", ResponseCacheControl: "no-store" });
    assert.deepEqual([other.ContentType, other.CacheControl], ["text/x", "no-store"]);
    await fails(get("none"), "NoSuchKey", 404);
    await fails(s3("HeadObject", { Bucket, Key: "none" }), "NotFound", 404);
  });

  test("of no bytes, and metadata beyond ASCII", async () => {
    await put("empty", Buffer.alloc(0));
    assert.equal((await get("empty")).ContentLength, 0);
    await fails(get("empty", { Range: "bytes=0-" }), "InvalidRange", 416);
    const raw = await call({ method: "PUT", path: "/main/latin", headers: { "x-amz-meta-name": "ä" } });
    assert.equal(raw.code, "InvalidArgument", "no UTF-8");
    const utf8 = await call({ method: "PUT", path: "/main/utf8", headers: { "x-amz-meta-name": Buffer.from("ä€").toString("latin1") } });
    assert.equal(utf8.status, 200, utf8.body);
    assert.equal((await get("utf8")).Metadata.name, `=?UTF-8?B?${Buffer.from("ä€").toString("base64")}?=`);
    const big = await call({ method: "PUT", path: "/main/big-meta", headers: { "x-amz-meta-a": "x".repeat(3000) } });
    assert.equal(big.code, "MetadataTooLarge");
  });

  test("are put only when nothing, or the right thing, is there", async () => {
    const first = await put("once", "1", { IfNoneMatch: "*" });
    await fails(put("once", "2", { IfNoneMatch: "*" }), "PreconditionFailed", 412);
    await fails(put("once", "2", { IfMatch: '"0"' }), "PreconditionFailed", 412);
    await put("once", "3", { IfMatch: first.ETag });
    assert.equal(await textOf(await get("once")), "3");
  });

  test("have odd keys", async () => {
    const odd = ["ünï/cödé 😀", "a+b %2B%", "two//slashes/", "dots/../up/./x", "q?a=b&c#d", "<&>\"'", " blank ", "x".repeat(1024), "~!*()'"];
    for (const key of odd) await put(key, `value of ${key}`);
    for (const key of odd) assert.equal(await textOf(await get(key)), `value of ${key}`);
    const listed = [];
    for await (const page of sdk.paginateListObjectsV2({ client, pageSize: 2 }, { Bucket })) listed.push(...page.Contents.map((o) => o.Key));
    for (const key of odd) assert.ok(listed.includes(key), key);
    const raw = await s3("ListObjects", { Bucket, EncodingType: "url", Prefix: "a+b" });
    assert.equal(decodeURIComponent(raw.Contents[0].Key), "a+b %2B%");
    const { Deleted } = await s3("DeleteObjects", { Bucket, Delete: { Objects: odd.map((Key) => ({ Key })) } });
    assert.deepEqual(Deleted.map((d) => d.Key), odd);
    await fails(get(odd[0]), "NoSuchKey", 404);
    assert.equal((await call({ path: `/main/${"y".repeat(1025)}` })).code, "KeyTooLongError");
    assert.equal((await send(server.s3, { path: "/main/%ff" })).code, "InvalidURI");
    assert.equal((await send(server.s3, { path: "/main/%zz" })).code, "InvalidURI");
    assert.equal((await send(server.s3, { path: "/main/a%00b" })).code, "InvalidURI");
  });

  test("are copied, with their metadata or with other", async () => {
    await put("dir/from ä", "copied", { Metadata: { a: "1" }, ContentType: "text/a" });
    const CopySource = `/${Bucket}/${encodeURIComponent("dir/from ä")}`;
    const { CopyObjectResult } = await s3("CopyObject", { Bucket, Key: "to", CopySource });
    assert.equal(CopyObjectResult.ETag, `"${createHash("md5").update("copied").digest("hex")}"`);
    const to = await get("to");
    assert.deepEqual([await textOf(to), to.Metadata, to.ContentType], ["copied", { a: "1" }, "text/a"]);
    await s3("CopyObject", { Bucket, Key: "to", CopySource, MetadataDirective: "REPLACE", Metadata: { b: "2" } });
    assert.deepEqual((await get("to")).Metadata, { b: "2" });
    await fails(s3("CopyObject", { Bucket, Key: "to", CopySource: `${Bucket}/to` }), "InvalidRequest", 400);
    await s3("CopyObject", { Bucket, Key: "to", CopySource: `${Bucket}/to`, MetadataDirective: "REPLACE", Metadata: { c: "3" } });
    assert.deepEqual((await get("to")).Metadata, { c: "3" });
    await fails(s3("CopyObject", { Bucket, Key: "x", CopySource: `${Bucket}/none` }), "NoSuchKey", 404);
    await fails(s3("CopyObject", { Bucket, Key: "x", CopySource: "nowhere/none" }), "NoSuchBucket", 404);
    await fails(s3("CopyObject", { Bucket, Key: "x", CopySource: `${Bucket}/to`, CopySourceIfMatch: '"0"' }), "PreconditionFailed", 412);
  });
});

test("lists: thousands of keys, prefixes, delimiters, both versions, markers", async () => {
  await s3("CreateBucket", { Bucket: "many" });
  const names = Array.from({ length: 1345 }, (_, i) => `${i % 3 ? "a" : "b/c"}/${String(i).padStart(5, "0")}`).sort();
  const left = [...names], one = async () => {
    for (let key = left.pop(); key; key = left.pop()) await s3("PutObject", { Bucket: "many", Key: key, Body: "0" });
  };
  await Promise.all(Array.from({ length: 16 }, one));
  const pages = [];
  for await (const page of sdk.paginateListObjectsV2({ client }, { Bucket: "many" })) pages.push(page);
  assert.deepEqual(pages.map((p) => p.KeyCount), [1000, 345]);
  assert.deepEqual(pages.flatMap((p) => p.Contents.map((o) => o.Key)), names);
  const seen = [];
  for (let Marker = "", page; ; Marker = page.NextMarker) {
    page = await s3("ListObjects", { Bucket: "many", Marker, MaxKeys: 700 });
    seen.push(...page.Contents.map((o) => o.Key));
    if (!page.IsTruncated) break;
  }
  assert.deepEqual(seen, names);
  const groups = [];
  for (let Marker = "", page, turns = 0; turns < 9; Marker = page.NextMarker, turns++) {
    page = await s3("ListObjects", { Bucket: "many", Delimiter: "/", Marker, MaxKeys: 1 });
    groups.push(...(page.CommonPrefixes ?? []).map((p) => p.Prefix));
    if (!page.IsTruncated) break;
  }
  assert.deepEqual(groups, ["a/", "b/"]);
  const inner = await s3("ListObjectsV2", { Bucket: "many", Prefix: "b/", Delimiter: "/", FetchOwner: true });
  assert.deepEqual([inner.CommonPrefixes.map((p) => p.Prefix), inner.KeyCount], [["b/c/"], 1]);
  const from = await s3("ListObjectsV2", { Bucket: "many", StartAfter: names[10], MaxKeys: 2, FetchOwner: true });
  assert.deepEqual(from.Contents.map((o) => [o.Key, o.Owner.ID]), names.slice(11, 13).map((key) => [key, "default"]));
  const none = await s3("ListObjectsV2", { Bucket: "many", MaxKeys: 0 });
  assert.deepEqual([none.KeyCount, none.IsTruncated], [0, false]);
  await fails(s3("ListObjectsV2", { Bucket: "many", ContinuationToken: "rubbish" }), "InvalidArgument", 400);
  await fails(s3("ListObjectsV2", { Bucket: "many", MaxKeys: -1 }), "InvalidArgument", 400);
  for (let at = 0; at < names.length; at += 1000) {
    const Objects = names.slice(at, at + 1000).map((Key) => ({ Key }));
    assert.equal((await s3("DeleteObjects", { Bucket: "many", Delete: { Objects, Quiet: true } })).Deleted, undefined);
  }
  await s3("DeleteBucket", { Bucket: "many" });
});

describe("uploads in parts", () => {
  test("lib-storage puts a stream, and the object is whole", async () => {
    const body = randomBytes(11 * MIB);
    const upload = new Upload({ client, params: { Bucket, Key: "streamed", Body: Readable.from([body.subarray(0, 7 * MIB), body.subarray(7 * MIB)]) } });
    const done = await upload.done();
    assert.match(done.ETag, /-3"$/);
    const got = Buffer.from(await (await get("streamed")).Body.transformToByteArray());
    assert.ok(got.equals(body));
    const part = await get("streamed", { Range: `bytes=${5 * MIB - 3}-${5 * MIB + 2}` });
    assert.ok(Buffer.from(await part.Body.transformToByteArray()).equals(body.subarray(5 * MIB - 3, 5 * MIB + 3)));
  });

  test("step by step: parts listed, copied, completed; wrong ones refused; given up", async () => {
    const { UploadId } = await s3("CreateMultipartUpload", { Bucket, Key: "steps", Metadata: { a: "b" }, ContentType: "text/s" });
    const part = (PartNumber, Body, more = {}) => s3("UploadPart", { Bucket, Key: "steps", UploadId, PartNumber, Body, ...more });
    const one = await part(1, randomBytes(5 * MIB)), two = await part(2, "tail");
    const copied = await s3("UploadPartCopy", { Bucket, Key: "steps", UploadId, PartNumber: 3, CopySource: `${Bucket}/streamed`, CopySourceRange: "bytes=1-4" });
    const listed = await s3("ListParts", { Bucket, Key: "steps", UploadId, MaxParts: 2 });
    assert.deepEqual([listed.Parts.map((p) => [p.PartNumber, p.Size, p.ETag]), listed.IsTruncated, listed.NextPartNumberMarker],
      [[[1, 5 * MIB, one.ETag], [2, 4, two.ETag]], true, "2"]);
    const uploads = await s3("ListMultipartUploads", { Bucket, Prefix: "ste" });
    assert.deepEqual(uploads.Uploads.map((u) => [u.Key, u.UploadId]), [["steps", UploadId]]);
    const complete = (...Parts) => s3("CompleteMultipartUpload", { Bucket, Key: "steps", UploadId, MultipartUpload: { Parts } });
    const [first, second, third] = [{ PartNumber: 1, ETag: one.ETag }, { PartNumber: 2, ETag: two.ETag }, { PartNumber: 3, ETag: copied.CopyPartResult.ETag }];
    await fails(complete(first, second, third), "EntityTooSmall", 400);
    await fails(complete(second, first), "InvalidPartOrder", 400);
    await fails(complete(first, { PartNumber: 2, ETag: '"0"' }), "InvalidPart", 400);
    await fails(complete(first, { PartNumber: 9, ETag: one.ETag }), "InvalidPart", 400);
    await complete(first, third);
    const head = await s3("HeadObject", { Bucket, Key: "steps" });
    assert.deepEqual([head.ContentLength, head.Metadata, head.ContentType], [5 * MIB + 4, { a: "b" }, "text/s"]);
    await fails(part(4, "late"), "NoSuchUpload", 404);
    await fails(s3("ListParts", { Bucket, Key: "steps", UploadId }), "NoSuchUpload", 404);
    await fails(s3("UploadPart", { Bucket, Key: "steps", UploadId, PartNumber: 10001, Body: "0" }), "InvalidArgument", 400);
    const given = await s3("CreateMultipartUpload", { Bucket, Key: "given-up" });
    await s3("AbortMultipartUpload", { Bucket, Key: "given-up", UploadId: given.UploadId });
    await fails(s3("AbortMultipartUpload", { Bucket, Key: "given-up", UploadId: given.UploadId }), "NoSuchUpload", 404);
  });
});

test("a part of an object is read by its number", async () => {
  const { UploadId } = await s3("CreateMultipartUpload", { Bucket, Key: "numbered" });
  const bodies = [randomBytes(5 * MIB), randomBytes(6 * MIB + 1), Buffer.from("last")], Parts = [];
  for (const [i, Body] of bodies.entries()) {
    const PartNumber = 10 * (i + 1);
    Parts.push({ PartNumber, ETag: (await s3("UploadPart", { Bucket, Key: "numbered", UploadId, PartNumber, Body })).ETag });
  }
  await s3("CompleteMultipartUpload", { Bucket, Key: "numbered", UploadId, MultipartUpload: { Parts } });
  await put("plain", "all of it");
  await put("nothing", Buffer.alloc(0));
  const size = bodies.reduce((sum, body) => sum + body.length, 0);
  let at = 0;
  for (const [i, body] of bodies.entries()) {
    const what = { PartNumber: i + 1 }, range = `bytes ${at}-${at + body.length - 1}/${size}`;
    const got = await get("numbered", what), head = await s3("HeadObject", { Bucket, Key: "numbered", ...what });
    assert.ok(Buffer.from(await got.Body.transformToByteArray()).equals(body), `part ${i + 1}`);
    for (const answer of [got, head])
      assert.deepEqual([answer.$metadata.httpStatusCode, answer.ContentRange, answer.PartsCount, answer.ContentLength], [206, range, 3, body.length]);
    at += body.length;
  }
  assert.equal((await get("numbered")).PartsCount, undefined, "only who asks for a part is told");
  const plain = await get("plain", { PartNumber: 1 });
  assert.deepEqual([await textOf(plain), plain.ContentRange, plain.PartsCount], ["all of it", "bytes 0-8/9", undefined]);
  const nothing = await get("nothing", { PartNumber: 1 });
  assert.deepEqual([await textOf(nothing), nothing.ContentRange], ["", undefined]);
  await fails(get("numbered", { PartNumber: 4 }), "InvalidPartNumber", 416);
  await fails(get("plain", { PartNumber: 2 }), "InvalidPartNumber", 416);
  await assert.rejects(s3("HeadObject", { Bucket, Key: "plain", PartNumber: 2 }), (error) => error.$metadata.httpStatusCode === 416);
  await fails(get("numbered", { PartNumber: 1, Range: "bytes=0-1" }), "InvalidRequest", 400);
  await fails(get("numbered", { PartNumber: 1, IfMatch: '"other"' }), "PreconditionFailed", 412);
  await fails(get("none", { PartNumber: 1 }), "NoSuchKey", 404);
  for (const partNumber of ["", "0", "10001", "-1", "x"])
    assert.equal((await call({ path: "/main/plain", query: { partNumber } })).code, "InvalidArgument", partNumber);
});

describe("checksums", () => {
  test("of each kind are verified, and told", async () => {
    for (const ChecksumAlgorithm of ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"]) {
      const answer = await put(`sum-${ChecksumAlgorithm}`, "123456789", { ChecksumAlgorithm });
      assert.ok(answer[`Checksum${ChecksumAlgorithm}`], ChecksumAlgorithm);
      assert.equal(await textOf(await get(`sum-${ChecksumAlgorithm}`, { ChecksumMode: "ENABLED" })), "123456789");
    }
    const wrong = { crc32: "AAAAAA==", crc32c: "AAAAAA==", crc64nvme: "AAAAAAAAAAA=", sha1: "A".repeat(27) + "=", sha256: "A".repeat(43) + "=" };
    for (const [name, value] of Object.entries(wrong)) {
      const answer = await call({ method: "PUT", path: "/main/wrong", body: "123456789", headers: { [`x-amz-checksum-${name}`]: value } });
      assert.deepEqual([answer.status, answer.code], [400, "BadDigest"], name);
    }
    const right = { crc32: "y/Q5Jg==", crc32c: "4waSgw==", crc64nvme: "rosUhgp5mIg=" };
    for (const [name, value] of Object.entries(right)) {
      const answer = await call({ method: "PUT", path: "/main/right", body: "123456789", headers: { [`x-amz-checksum-${name}`]: value } });
      assert.deepEqual([answer.status, answer.headers[`x-amz-checksum-${name}`]], [200, value], answer.body);
    }
    const md5 = (text) => createHash("md5").update(text).digest("base64");
    assert.equal((await call({ method: "PUT", path: "/main/md5", body: "a", headers: { "content-md5": md5("a") } })).status, 200);
    assert.equal((await call({ method: "PUT", path: "/main/wrong", body: "a", headers: { "content-md5": md5("b") } })).code, "BadDigest");
    assert.equal((await call({ method: "PUT", path: "/main/wrong", body: "a", headers: { "content-md5": "rubbish" } })).code, "InvalidDigest");
    await fails(get("wrong"), "NoSuchKey", 404);
  });

  test("a stream of unknown length goes with a trailer", async () => {
    const answer = await new Upload({ client, params: { Bucket, Key: "trailer", Body: Readable.from(["a", "bc"]) } }).done();
    assert.ok(answer.ChecksumCRC32 || answer.ETag);
    assert.equal(await textOf(await get("trailer")), "abc");
  });
});

/** A body in signed chunks, and the request for it. */
function chunked(path, pieces, { trailer, spoil = (text) => text, lie } = {}) {
  const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
  const hash = trailer ? "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER" : "STREAMING-AWS4-HMAC-SHA256-PAYLOAD";
  const headers = { "x-amz-decoded-content-length": String(lie ?? length), "content-encoding": "aws-chunked", ...(trailer && { "x-amz-trailer": trailer.split(":")[0] }) };
  const signed = sign(keys, server.s3, { method: "PUT", path, headers, hash }), link = chain(signed);
  let body = [...pieces, ""].map((piece) => `${piece.length.toString(16)};chunk-signature=${link.chunk(piece)}\r\n${piece}${piece && "\r\n"}`).join("");
  if (trailer) body += `${trailer}\r\nx-amz-trailer-signature:${link.trailer(`${trailer}\n`)}\r\n`;
  return send(server.s3, signed, spoil(`${body}\r\n`));
}

describe("bodies that are signed in chunks", () => {
  const pieces = ["a".repeat(70000), "b".repeat(3), "c".repeat(8192)];
  test("are stored when every signature holds", async () => {
    assert.equal((await chunked("/main/chunks", pieces)).status, 200);
    const got = await get("chunks");
    assert.deepEqual([await textOf(got), got.ContentEncoding], [pieces.join(""), undefined]);
    const trailer = `x-amz-checksum-sha256:${createHash("sha256").update(pieces.join("")).digest("base64")}`;
    const answer = await chunked("/main/chunks-2", pieces, { trailer });
    assert.equal(answer.status, 200, answer.body);
    assert.equal(await textOf(await get("chunks-2")), pieces.join(""));
  });

  test("are not, when one byte, one signature, the trailer or the end is wrong", async () => {
    const trailer = `x-amz-checksum-sha256:${createHash("sha256").update("x").digest("base64")}`;
    const rows = [
      [{ spoil: (text) => text.replace("aaa", "aab") }, "SignatureDoesNotMatch"],
      [{ spoil: (text) => text.replace(/(chunk-signature=.)./g, "$1x") }, "SignatureDoesNotMatch"],
      [{ spoil: (text) => text.replace(/;chunk-signature=\w+/g, "") }, "SignatureDoesNotMatch"],
      [{ spoil: (text) => text.slice(0, -90) }, "IncompleteBody"],
      [{ spoil: (text) => `zz${text}` }, "IncompleteBody"],
      [{ lie: 12 }, "IncompleteBody"],
      [{ trailer }, "BadDigest"],
      [{ trailer, spoil: (text) => text.replace(/trailer-signature:../, "trailer-signature:00") }, "SignatureDoesNotMatch"],
      [{ trailer, spoil: (text) => text.replace(/x-amz-trailer-signature.*\r\n/, "") }, "SignatureDoesNotMatch"],
    ];
    for (const [how, code] of rows) assert.equal((await chunked("/main/spoiled", pieces, how)).code, code, JSON.stringify([code, String(how.spoil)]));
    await fails(get("spoiled"), "NoSuchKey", 404);
  });
});

describe("who may do what", () => {
  test("wrong secrets, unknown keys, revoked and expired tokens", async () => {
    assert.equal((await server.call({ ...keys, secret: sha256("wrong") }, { path: "/main" })).code, "SignatureDoesNotMatch");
    assert.equal((await server.call({ ...keys, id: "00000000-0000-4000-8000-000000000000" }, { path: "/main" })).code, "InvalidAccessKeyId");
    assert.equal((await server.call({ ...keys, id: "x" }, { path: "/main" })).code, "InvalidAccessKeyId");
    const other = await server.keys();
    for (let i = 0; i < 3; i++) assert.equal((await server.call(other, { path: "/main" })).status, 200);
    assert.equal((await server.api("DELETE", `/accounts/default/tokens/${other.id}`)).success, true);
    assert.equal((await server.call(other, { path: "/main" })).code, "InvalidAccessKeyId");
    const short = await server.keys({ expires_on: new Date(Date.now() + 1500).toISOString() });
    assert.equal((await server.call(short, { path: "/main" })).status, 200);
    await until(async () => (await server.call(short, { path: "/main" })).code === "InvalidAccessKeyId", "the token to expire");
  });

  test("scopes, and accounts", async () => {
    const reader = await server.keys({ scopes: ["storage:read"] }), stranger = await server.keys({ scopes: ["worker:write"] });
    assert.equal((await server.call(reader, { path: "/main" })).status, 200);
    for (const what of [{ method: "PUT", path: "/main/ro" }, { method: "PUT", path: "/ro-bucket" }, { method: "DELETE", path: "/main" }, { method: "POST", path: "/main", query: { delete: "" } }])
      assert.equal((await server.call(reader, what)).code, "AccessDenied", JSON.stringify(what));
    assert.equal((await server.call(stranger, { path: "/" })).code, "AccessDenied");
    assert.equal((await server.api("POST", "/accounts", { id: "elsewhere", name: "Elsewhere" })).success, true);
    const foreign = await server.keys({ account: "elsewhere" });
    assert.equal((await server.call(foreign, { path: "/main" })).code, "NoSuchBucket");
    assert.equal((await server.call(foreign, { method: "PUT", path: "/main" })).status, 200, "names are an account's own");
    assert.equal((await server.call(foreign, { path: "/main/whole" })).code, "NoSuchKey");
    assert.equal((await server.call(foreign, { method: "PUT", path: "/main/x", headers: { "x-amz-copy-source": "/main/whole" } })).code, "NoSuchKey");
  });

  test("nothing signed, version 2, tampered requests", async () => {
    assert.deepEqual((({ status, code }) => [status, code])(await send(server.s3, { path: "/main/whole" })), [403, "AccessDenied"]);
    assert.equal((await send(server.s3, { path: "/main/a?AWSAccessKeyId=a&Expires=1&Signature=b" })).code, "InvalidRequest");
    assert.equal((await send(server.s3, { path: "/main", headers: { authorization: "AWS a:b" } })).code, "InvalidRequest");
    assert.equal((await send(server.s3, { path: "/main", headers: { authorization: "AWS4-HMAC-SHA256 rubbish" } })).code, "AuthorizationHeaderMalformed");
    const good = sign(keys, server.s3, { path: "/main/whole" });
    assert.equal((await send(server.s3, good)).status, 200);
    assert.equal((await send(server.s3, { ...good, path: "/main/steps" })).code, "SignatureDoesNotMatch");
    assert.equal((await send(server.s3, { ...good, method: "DELETE" })).code, "SignatureDoesNotMatch");
    assert.equal((await send(server.s3, { ...good, path: `${good.path}?versions` })).code, "SignatureDoesNotMatch");
    assert.equal((await send(server.s3, { ...good, headers: { ...good.headers, "x-amz-meta-a": "b" } })).code, "AccessDenied");
    const partly = sign(keys, server.s3, { path: "/main/whole", names: ["x-amz-content-sha256", "x-amz-date"] });
    assert.equal((await send(server.s3, partly)).code, "AccessDenied", "the host is not signed");
    const body = sign(keys, server.s3, { method: "PUT", path: "/main/tampered", body: "the body" });
    assert.equal((await send(server.s3, body, "the bodY")).code, "XAmzContentSHA256Mismatch");
    assert.equal((await send(server.s3, sign(keys, server.s3, { method: "PUT", path: "/main/tampered", hash: "rubbish" }))).code, "InvalidArgument");
    await fails(get("tampered"), "NoSuchKey", 404);
  });

  test("atoll r2 credentials prints keys that work", async (t) => {
    const { atoll, json } = commands(() => server.base);
    const own = await json(t, ["r2", "credentials", "--json"]);
    assert.deepEqual([own.endpoint, own.region], [server.s3, "auto"]);
    const keysOf = (made) => ({ id: made.access_key_id, secret: made.secret_access_key });
    assert.equal((await server.call(keysOf(own), { path: "/main" })).status, 200);
    const reader = keysOf(await json(t, ["r2", "credentials", "--create", "reader", "--read-only", "--json"]));
    assert.equal((await server.call(reader, { path: "/main" })).status, 200);
    assert.equal((await server.call(reader, { method: "PUT", path: "/main/a" })).code, "AccessDenied");
    const shown = await atoll(t, ["r2", "credentials"]);
    assert.match(shown.stdout, new RegExp(`^\\[atoll\\]\naws_access_key_id = ${own.access_key_id}\naws_secret_access_key = \\w{64}\nregion = auto\nendpoint_url = http`));
    assert.equal((await atoll(t, ["r2", "credentials", "--read-only"])).status, 2);
  });

  test("times: skewed, replayed", async () => {
    const at = (minutes) => server.call(keys, { path: "/main", time: stamp(Date.now() + minutes * 60000) });
    assert.equal((await at(-14)).status, 200);
    assert.equal((await at(14)).status, 200);
    assert.equal((await at(-16)).code, "RequestTimeTooSkewed");
    assert.equal((await at(16)).code, "RequestTimeTooSkewed");
  });

  test("presigned URLs: get, put, expired, too long, tampered", async () => {
    const url = await getSignedUrl(client, new sdk.GetObjectCommand({ Bucket, Key: "whole" }), { expiresIn: 60 });
    const answer = await fetch(url);
    assert.deepEqual([answer.status, (await answer.arrayBuffer()).byteLength], [200, 300000]);
    const putUrl = await getSignedUrl(client, new sdk.PutObjectCommand({ Bucket, Key: "by url ä" }), { expiresIn: 60 });
    const sent = await fetch(putUrl, { method: "PUT", body: "by url" });
    assert.equal(sent.status, 200, await sent.text());
    assert.equal(await textOf(await get("by url ä")), "by url");
    const path = (more) => presign(keys, server.s3, { path: "/main/whole", ...more });
    assert.equal((await send(server.s3, { path: path({}) })).status, 200);
    assert.equal((await send(server.s3, { path: path({ time: stamp(Date.now() - 120000) }) })).body.match(/<Message>(.*?)</)[1], "Request has expired");
    assert.equal((await send(server.s3, { path: path({ time: stamp(Date.now() - 3600000), expires: 7200 }) })).status, 200, "older than a header may be");
    assert.equal((await send(server.s3, { path: path({ expires: 604801 }) })).code, "AuthorizationQueryParametersError");
    assert.equal((await send(server.s3, { path: path({}).replace("Expires=60", "Expires=600") })).code, "SignatureDoesNotMatch");
    assert.equal((await send(server.s3, { path: path({}).replace("/main/whole", "/main/steps") })).code, "SignatureDoesNotMatch");
    assert.equal((await send(server.s3, { method: "PUT", path: path({}) })).code, "SignatureDoesNotMatch");
  });
});

describe("the protocol", () => {
  test("buckets as hosts", async () => {
    const answer = await server.call(keys, { path: "/whole", host: "main.s3.localhost:1" });
    assert.deepEqual([answer.status, answer.bytes.length], [200, 300000]);
    assert.match((await server.call(keys, { path: "/", host: "main.s3.localhost" })).body, /<Name>main<\/Name>/);
    assert.match((await server.call(keys, { path: "/", host: "s3.localhost" })).body, /ListAllMyBucketsResult/);
  });

  test("what is not implemented is told by name", async () => {
    for (const [method, path, query, words] of [
      ["PUT", "/main", { acl: "" }, /PUT with &quot;acl&quot;/], ["PUT", "/main", { policy: "" }, /policy/], ["PUT", "/main", { versioning: "" }, /versioning/],
      ["PUT", "/main/a", { cors: "" }, /cors/], ["PUT", "/main/a", { tagging: "" }, /tagging/], ["GET", "/main", { versions: "" }, /versions/],
      ["DELETE", "/main", { lifecycle: "" }, /lifecycle/], ["DELETE", "/main/whole", { versionId: "1" }, /versionId/], ["DELETE", "/main/whole", { partNumber: "1" }, /partNumber/],
    ]) {
      const answer = await call({ method, path, query });
      assert.deepEqual([answer.status, answer.code], [501, "NotImplemented"], `${method} ${JSON.stringify(query)}: ${answer.body}`);
      assert.match(answer.body, words);
    }
    assert.equal((await call({ path: "/main", query: { cors: "" } })).code, "NoSuchCORSConfiguration");
    assert.equal((await call({ path: "/main", query: { policy: "" } })).code, "NoSuchBucketPolicy");
    assert.equal((await call({ method: "PUT", path: "/main/a", headers: { "x-amz-server-side-encryption-customer-algorithm": "AES256" } })).code, "NotImplemented");
    assert.equal((await call({ method: "PATCH", path: "/main/a" })).code, "MethodNotAllowed");
    assert.match((await call({ path: "/main/none" })).headers["x-amz-request-id"], /^[0-9A-F]{16}$/);
    await get("whole");
  });

  test("XML that is none, or too much", async () => {
    const post = (body, query = { delete: "" }, path = "/main") => call({ method: "POST", path, query, body });
    const bomb = `<!DOCTYPE d [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]><Delete><Object><Key>&b;</Key></Object></Delete>`;
    const outside = `<!DOCTYPE d [<!ENTITY a SYSTEM "file:///etc/passwd">]><Delete><Object><Key>&a;</Key></Object></Delete>`;
    const deep = "<a>".repeat(100) + "</a>".repeat(100);
    const many = `<Delete>${"<Object><Key>k</Key></Object>".repeat(1001)}</Delete>`;
    for (const body of ["", "rubbish", "<Delete>", "<Delete/>", bomb, outside, deep, many, "<Delete><Object><Key></Key></Object></Delete>"])
      assert.equal((await post(body)).code, "MalformedXML", body.slice(0, 60));
    assert.equal((await post("x".repeat(4 * MIB + 1))).code, "EntityTooLarge");
    assert.equal((await post("<CompleteMultipartUpload/>", { uploadId: "x" }, "/main/a")).code, "MalformedXML");
    const part = "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>a</ETag></Part></CompleteMultipartUpload>";
    assert.equal((await post(part, { uploadId: "x" }, "/main/a")).code, "NoSuchUpload");
    const odd = await post("<Delete><Object><Key>&lt;a&gt;&#228;</Key></Object></Delete>");
    assert.match(odd.body, /<Deleted><Key>&lt;a&gt;ä<\/Key><\/Deleted>/);
  });

  test("too long a length is refused before a byte is read", async () => {
    const signed = sign(keys, server.s3, { method: "PUT", path: "/main/huge", hash: "UNSIGNED-PAYLOAD", headers: { "content-length": String(5 * 1024 * MIB + 1) } });
    const answer = await send(server.s3, signed, (async function* () {})()).catch((error) => ({ code: error.code }));
    assert.ok(["EntityTooLarge", "ERR_HTTP_CONTENT_LENGTH_MISMATCH", "ECONNRESET"].includes(answer.code), answer.code);
    await fails(get("huge"), "NoSuchKey", 404);
  });
});

const rssOf = (pid) => Number(readFileSync(`/proc/${pid}/status`, "utf8").match(/VmRSS:\s+(\d+)/)[1]) * 1024;
const filesIn = (directory) => readdirSync(directory, { recursive: true, withFileTypes: true }).filter((e) => e.isFile()).length;

test("256 MiB go in, are copied and come out with flat memory", async () => {
  const pid = server.s3Pid(), piece = Buffer.alloc(MIB, "x"), pieces = 256, before = rssOf(pid);
  let most = 0;
  const watch = setInterval(() => (most = Math.max(most, rssOf(pid))), 20);
  try {
    const headers = { "content-length": String(pieces * MIB) };
    const signed = sign(keys, server.s3, { method: "PUT", path: "/main/large", hash: "UNSIGNED-PAYLOAD", headers });
    const sent = await send(server.s3, signed, (async function* () { for (let i = 0; i < pieces; i++) yield piece; })());
    assert.equal(sent.status, 200, sent.body);
    await s3("CopyObject", { Bucket, Key: "large-copy", CopySource: `${Bucket}/large` });
    const got = await get("large-copy");
    let bytes = 0;
    for await (const chunk of got.Body) bytes += chunk.length;
    assert.equal(bytes, pieces * MIB);
  } finally {
    clearInterval(watch);
  }
  if (!process.env.ATOLL_FLAVOUR) assert.ok(most - before < 48 * MIB, `${before} before, ${most} at most`);
  await s3("DeleteObjects", { Bucket, Delete: { Objects: [{ Key: "large" }, { Key: "large-copy" }] } });
});

test("a process that dies in the middle of an upload leaves nothing, and the next one goes on", async () => {
  const pid = server.s3Pid(), data = join(server.data, "storage");
  const signed = sign(keys, server.s3, { method: "PUT", path: "/main/cut", hash: "UNSIGNED-PAYLOAD", headers: { "content-length": String(64 * MIB) } });
  const before = filesIn(data);
  const cut = send(server.s3, signed, (async function* () {
    yield Buffer.alloc(8 * MIB);
    await until(() => filesIn(data) > before, "a file of the upload");
    process.kill(pid, "SIGKILL");
    yield Buffer.alloc(8 * MIB);
    await new Promise(() => {});
  })());
  await assert.rejects(cut);
  await server.line("s3.died");
  await until(() => server.s3Pid() !== pid, "the next process");
  await fails(get("cut"), "NoSuchKey", 404);
  await put("cut", "again");
  assert.equal(await textOf(await get("cut")), "again");
});

test("a client that goes in the middle of an upload leaves nothing", async () => {
  const data = join(server.data, "storage"), before = filesIn(data);
  const signed = sign(keys, server.s3, { method: "PUT", path: "/main/left", hash: "UNSIGNED-PAYLOAD", headers: { "content-length": String(64 * MIB) } });
  await assert.rejects(send(server.s3, signed, (async function* () {
    yield Buffer.alloc(8 * MIB);
    await until(() => filesIn(data) > before, "a file of the upload");
    throw new Error("the client goes");
  })()));
  await until(() => filesIn(data) <= before, "the file to go");
  await fails(get("left"), "NoSuchKey", 404);
});

test("SIGTERM finishes what runs", async () => {
  const own = { cleanup: [], after: (f) => own.cleanup.push(f) };
  const other = await serveS3(own), key = await other.keys();
  try {
    assert.equal((await other.call(key, { method: "PUT", path: "/end" })).status, 200);
    const signed = sign(key, other.s3, { method: "PUT", path: "/end/slow", hash: "UNSIGNED-PAYLOAD", headers: { "content-length": String(2 * MIB + 1) } });
    const before = filesIn(join(other.data, "storage"));
    const sent = send(other.s3, signed, (async function* () {
      yield Buffer.alloc(2 * MIB);
      await until(() => filesIn(join(other.data, "storage")) > before, "a file of the upload");
      other.child.kill("SIGTERM");
      await other.line("server.stopping");
      yield Buffer.from("b");
    })());
    assert.equal((await sent).status, 200);
    assert.equal((await other.closed).status, 0);
  } finally {
    for (const end of own.cleanup) await end();
  }
});

test("SIGUSR2: the next binary takes the socket, an upload that runs is finished by the old process", async () => {
  const own = { cleanup: [], after: (f) => own.cleanup.push(f) };
  const other = await serveS3(own), key = await other.keys();
  try {
    assert.equal((await other.call(key, { method: "PUT", path: "/end" })).status, 200);
    const headers = { "content-length": String(2 * MIB + 1) }, before = filesIn(join(other.data, "storage")), old = other.s3Pid();
    const signed = sign(key, other.s3, { method: "PUT", path: "/end/slow", hash: "UNSIGNED-PAYLOAD", headers });
    const sent = send(other.s3, signed, (async function* () {
      yield Buffer.alloc(2 * MIB);
      await until(() => filesIn(join(other.data, "storage")) > before, "a file of the upload");
      other.child.kill("SIGUSR2");
      await until(() => other.s3Pid() !== old, "the next process");
      assert.equal((await other.call(key, { path: "/end" })).status, 200);
      yield Buffer.from("b");
    })());
    assert.equal((await sent).status, 200);
    assert.equal((await other.call(key, { path: "/end/slow" })).bytes.length, 2 * MIB + 1);
  } finally {
    for (const end of own.cleanup) await end();
  }
});
