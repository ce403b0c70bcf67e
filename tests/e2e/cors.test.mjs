// CORS of buckets: rules set by the REST API, wrangler, atoll and S3 clients; preflights and answers at the S3 address and
// at published addresses; a page of another origin in a real browser. Which rule fits: tests/unit/bindings/test_r2_cors.c.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createServer } from "node:http";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { promisify } from "node:util";
import * as sdk from "@aws-sdk/client-s3";
import { afterwards, project } from "./atoll.mjs";
import { browser } from "./browser.mjs";
import { client as commands } from "./client.mjs";
import { presign, send, serveS3, sign } from "./s3.mjs";
import { ask } from "./serve.mjs";
import { wrangler } from "./wrangler.mjs";

const server = await serveS3({ after }, { config: "runtimes = 2\n" });
const keys = await server.keys();
const client = new sdk.S3Client({
  endpoint: server.s3, region: "auto", forcePathStyle: true, credentials: { accessKeyId: keys.id, secretAccessKey: keys.secret }, maxAttempts: 1,
});
after(() => client.destroy());
const s3 = (command, input) => client.send(new sdk[`${command}Command`](input));
const { atoll, done, json } = commands(() => server.base);
const R2 = "/accounts/default/r2/buckets";

const APP = "https://app.example";
const RULES = [
  { id: "app", allowed: { origins: [APP], methods: ["GET", "PUT", "HEAD"], headers: ["content-type", "x-amz-*"] }, exposeHeaders: ["etag"], maxAgeSeconds: 600 },
  { allowed: { origins: ["https://*.read.example"], methods: ["GET"] } },
];

async function bucket(name, rules, account = "default") {
  const made = await server.api("POST", `/accounts/${account}/r2/buckets`, { name });
  assert.equal(made.status, 200, JSON.stringify(made));
  if (rules) assert.equal((await server.api("PUT", `/accounts/${account}/r2/buckets/${name}/cors`, { rules })).status, 200);
  return name;
}

const preflight = (path, origin, method, headers) =>
  send(server.s3, {
    method: "OPTIONS", path,
    headers: { ...(origin && { origin }), ...(method && { "access-control-request-method": method }), ...(headers && { "access-control-request-headers": headers }) },
  });
const allowed = ({ headers }) => headers["access-control-allow-origin"];

describe("rules", { concurrency: 3 }, () => {
  test("by the REST API: kept as they are, told, taken away; what is wrong is said", async () => {
    await bucket("by-rest");
    const path = `${R2}/by-rest/cors`;
    const none = await server.api("GET", path);
    assert.deepEqual([none.status, none.errors[0].code], [404, 10059]);
    const set = await server.api("PUT", path, { rules: RULES });
    assert.deepEqual([set.status, set.result], [200, {}]);
    assert.deepEqual((await server.api("GET", path)).result, { rules: RULES });
    for (const [body, words] of [
      [{}, /"rules" is to be an array/],
      [{ rules: [{ AllowedOrigins: ["*"] }] }, /rules\[0\]: "allowed" is to be an object/],
      [{ rules: [RULES[1], { allowed: { origins: ["https://a.example/"], methods: ["GET"] } }] }, /rules\[1\]: "origins".*without a path/],
      [{ rules: [{ allowed: { origins: ["*"], methods: ["PATCH"] } }] }, /GET, PUT, POST, DELETE or HEAD/],
    ]) {
      const wrong = await server.api("PUT", path, body);
      assert.deepEqual([wrong.status, wrong.errors[0].code], [400, 10040], JSON.stringify(wrong));
      assert.match(wrong.errors[0].message, words);
    }
    assert.deepEqual((await server.api("GET", path)).result, { rules: RULES }, "what is refused changes nothing");
    assert.equal((await server.api("PATCH", `${R2}/by-rest`, undefined, { headers: { "cf-r2-storage-class": "InfrequentAccess" } })).status, 200);
    assert.deepEqual((await server.api("GET", path)).result, { rules: RULES }, "nor does what else is set");
    assert.equal((await server.api("DELETE", path)).status, 200);
    assert.equal((await server.api("GET", path)).status, 404);
    assert.equal((await server.api("PUT", `${R2}/not-there/cors`, { rules: RULES })).status, 404);
    const { token } = await server.keys({ scopes: ["storage:read"] });
    assert.equal((await server.api("PUT", path, { rules: RULES }, { token })).status, 403);
    const log = await server.api("GET", "/accounts/default/audit_logs?per_page=100");
    const of = (action) => log.result.find((row) => row.action.type === action && row.target === "by-rest");
    assert.ok(of("r2.cors.set") && of("r2.cors.delete"));
  });

  test("by wrangler", async (t) => {
    await bucket("by-wrangler");
    const directory = project(t, { "wrangler.jsonc": JSON.stringify({ name: "w" }), "cors.json": JSON.stringify({ rules: RULES }) });
    const run = (...args) => wrangler(server, directory, ["r2", "bucket", "cors", ...args]);
    assert.match(await run("set", "by-wrangler", "--file", "cors.json", "--force"), /Set CORS configuration/);
    const list = await run("list", "by-wrangler");
    for (const words of [/allowed_origins:\s+https:\/\/app\.example/, /exposed_headers:\s+etag/, /max_age_seconds:\s+600/, /\*\.read\.example/])
      assert.match(list, words);
    await run("delete", "by-wrangler", "--force");
    const none = await wrangler(server, directory, ["r2", "bucket", "cors", "list", "by-wrangler"], { status: 1, all: true });
    assert.match(none, /The CORS configuration does not exist.*10059/);
  });

  test("by atoll", async (t) => {
    await bucket("by-atoll");
    const run = (...args) => done(t, ["r2", "bucket", "cors", ...args]);
    const options = ["--origin", APP, "--origin=http://localhost:3000", "--method", "GET,PUT", "--allow-header", "*", "--expose-header", "etag", "--max-age", "60"];
    assert.match((await run("set", "by-atoll", ...options)).stdout, /set the CORS rules of by-atoll/);
    assert.deepEqual(await json(t, ["r2", "bucket", "cors", "list", "by-atoll"]), [
      { allowed: { origins: [APP, "http://localhost:3000"], methods: ["GET", "PUT"], headers: ["*"] }, exposeHeaders: ["etag"], maxAgeSeconds: 60 },
    ]);
    assert.match((await run("list", "by-atoll")).stdout, /https:\/\/app\.example, http:\/\/localhost:3000 +GET, PUT +\* +etag +60 s/);
    const cwd = project(t, { "cors.json": JSON.stringify({ rules: RULES }), "broken.json": '{"rules": [}' });
    await done(t, ["r2", "bucket", "cors", "set", "by-atoll", "--file", "cors.json"], { cwd });
    assert.deepEqual((await server.api("GET", `${R2}/by-atoll/cors`)).result.rules, RULES);
    for (const [args, words] of [
      [["set", "by-atoll"], /either --file FILE or --origin/],
      [["set", "by-atoll", "--origin", "https://a/", "--method", "GET"], /"origins" is to be/],
      [["set", "by-atoll", "--file", "broken.json"], /broken\.json:1:1\d/],
      [["set", "by-atoll", "--origin", "*", "--max-age", "90000"], /max-age/],
    ]) {
      const wrong = await atoll(t, ["r2", "bucket", "cors", ...args], { cwd });
      assert.equal(wrong.status, 2, args.join(" "));
      assert.match(wrong.stderr, words);
    }
    assert.equal((await atoll(t, ["r2", "bucket", "cors", "delete", "by-atoll"])).status, 2, "nobody is there to ask");
    await run("delete", "by-atoll", "--yes");
    assert.equal((await atoll(t, ["r2", "bucket", "cors", "list", "by-atoll"])).status, 4);
  });

  test("by S3: AWS's client, awscli, XML that is none", async () => {
    const Bucket = await bucket("by-s3");
    const none = { name: "NoSuchCORSConfiguration" };
    await assert.rejects(s3("GetBucketCors", { Bucket }), none);
    const CORSRules = [
      { ID: "a & b", AllowedOrigins: [APP, "https://b.example"], AllowedMethods: ["GET", "PUT"], AllowedHeaders: ["*"], ExposeHeaders: ["ETag", "x-amz-id-2"], MaxAgeSeconds: 5 },
      { AllowedOrigins: ["*"], AllowedMethods: ["HEAD"] },
    ];
    await s3("PutBucketCors", { Bucket, CORSConfiguration: { CORSRules } });
    assert.deepEqual((await s3("GetBucketCors", { Bucket })).CORSRules, CORSRules);
    assert.deepEqual((await server.api("GET", `${R2}/by-s3/cors`)).result.rules, [
      { id: "a & b", allowed: { origins: [APP, "https://b.example"], methods: ["GET", "PUT"], headers: ["*"] }, exposeHeaders: ["ETag", "x-amz-id-2"], maxAgeSeconds: 5 },
      { allowed: { origins: ["*"], methods: ["HEAD"] } },
    ]);
    await s3("DeleteBucketCors", { Bucket });
    await assert.rejects(s3("GetBucketCors", { Bucket }), none);
    await assert.rejects(s3("PutBucketCors", { Bucket: "not-there", CORSConfiguration: { CORSRules } }), { name: "NoSuchBucket" });

    const home = project({ after }), run = promisify(execFile);
    const env = { PATH: "/usr/bin:/bin", HOME: home, AWS_ACCESS_KEY_ID: keys.id, AWS_SECRET_ACCESS_KEY: keys.secret, AWS_DEFAULT_REGION: "auto", AWS_EC2_METADATA_DISABLED: "true" };
    const aws = async (...args) => (await run("aws", ["--endpoint-url", server.s3, "--output", "json", "s3api", ...args, "--bucket", Bucket], { cwd: home, env, timeout: 60000 })).stdout;
    writeFileSync(join(home, "cors.json"), JSON.stringify({ CORSRules }));
    await aws("put-bucket-cors", "--cors-configuration", "file://cors.json");
    assert.deepEqual(JSON.parse(await aws("get-bucket-cors")), { CORSRules });
    await aws("delete-bucket-cors");

    const wrong = async (body, code, words = /./) => {
      const answer = await server.call(keys, { method: "PUT", path: "/by-s3", query: { cors: "" }, body });
      assert.equal(answer.code, code, body);
      assert.match(answer.body, words);
    };
    const rule = (inside) => `<CORSConfiguration><CORSRule>${inside}</CORSRule></CORSConfiguration>`;
    await wrong("", "MalformedXML");
    await wrong("<CORSConfiguration/>", "MalformedXML");
    await wrong("<CORSConfiguration><CORSRule>", "MalformedXML");
    await wrong(rule("<AllowedOrigin>*</AllowedOrigin><AllowedMethod>GET</AllowedMethod><MaxAgeSeconds>x</MaxAgeSeconds>"), "MalformedXML");
    await wrong(rule(""), "InvalidRequest", /origins/);
    await wrong(rule("<AllowedOrigin>*</AllowedOrigin><AllowedMethod>PATCH</AllowedMethod>"), "InvalidRequest", /methods/);
    await wrong(`<CORSConfiguration>${"<CORSRule><AllowedOrigin>*</AllowedOrigin><AllowedMethod>GET</AllowedMethod></CORSRule>".repeat(101)}</CORSConfiguration>`, "InvalidRequest", /100 rules/);
    const reads = await server.keys({ scopes: ["storage:read"] });
    const body = rule("<AllowedOrigin>*</AllowedOrigin><AllowedMethod>GET</AllowedMethod>");
    assert.equal((await server.call(reads, { method: "PUT", path: "/by-s3", query: { cors: "" }, body })).code, "AccessDenied");
    assert.equal((await server.call(reads, { method: "DELETE", path: "/by-s3", query: { cors: "" } })).code, "AccessDenied");
  });
});

test("at the S3 address: what a browser asks before", async () => {
  await bucket("asked", RULES);
  await bucket("silent");
  const fine = await preflight("/asked/k", APP, "PUT", "content-type,x-amz-date");
  assert.equal(fine.status, 200);
  assert.deepEqual(
    ["allow-origin", "allow-methods", "allow-headers", "expose-headers", "max-age"].map((name) => fine.headers[`access-control-${name}`]),
    [APP, "GET, PUT, HEAD", "content-type,x-amz-date", "etag", "600"],
  );
  assert.equal(fine.headers.vary, "Origin, Access-Control-Request-Method, Access-Control-Request-Headers");
  assert.equal(allowed(await preflight("/asked", "https://x.read.example", "GET")), "https://x.read.example");
  for (const [path, origin, method, headers, status, code] of [
    ["/asked/k", "https://other.example", "GET", undefined, 403, "AccessForbidden"],
    ["/asked/k", APP, "DELETE", undefined, 403, "AccessForbidden"],
    ["/asked/k", APP, "PUT", "x-other", 403, "AccessForbidden"],
    ["/silent/k", APP, "GET", undefined, 403, "AccessForbidden"],
    ["/not-there/k", APP, "GET", undefined, 403, "AccessForbidden"],
    ["/", APP, "GET", undefined, 403, "AccessForbidden"],
    ["/asked/k", undefined, "GET", undefined, 400, "BadRequest"],
    ["/asked/k", APP, undefined, undefined, 400, "BadRequest"],
  ]) {
    const answer = await preflight(path, origin, method, headers);
    assert.deepEqual([answer.status, answer.code, allowed(answer)], [status, code, undefined], `${path} ${origin} ${method}`);
  }
});

test("at the S3 address: answers, also those that refuse", async () => {
  await bucket("answers", RULES);
  const headers = { origin: APP };
  const put = await server.call(keys, { method: "PUT", path: "/answers/k", headers, body: "value" });
  assert.deepEqual([put.status, allowed(put), put.headers["access-control-expose-headers"], put.headers.vary], [200, APP, "etag", "Origin"]);
  const got = await server.call(keys, { path: "/answers/k", headers });
  assert.deepEqual([got.body, allowed(got)], ["value", APP]);
  assert.equal(allowed(await server.call(keys, { method: "HEAD", path: "/answers/k", headers })), APP);
  const missing = await server.call(keys, { path: "/answers/none", headers });
  assert.deepEqual([missing.code, allowed(missing)], ["NoSuchKey", APP]);
  const removed = await server.call(keys, { method: "DELETE", path: "/answers/k", headers });
  assert.deepEqual([removed.status, allowed(removed)], [204, undefined], "no rule has DELETE: the page does not see the answer");
  const other = await server.call(keys, { path: "/answers/none", headers: { origin: "https://other.example" } });
  assert.deepEqual([allowed(other), other.headers.vary], [undefined, "Origin"]);
  const without = await server.call(keys, { path: "/answers/none" });
  assert.deepEqual([allowed(without), without.headers.vary], [undefined, "Origin"], "a cache must not give it to a page");
  const tampered = sign(keys, server.s3, { path: "/answers/k", headers });
  tampered.headers.authorization = tampered.headers.authorization.replace(/.$/, (c) => (c === "0" ? "1" : "0"));
  const refused = await send(server.s3, tampered);
  assert.deepEqual([refused.code, allowed(refused)], ["SignatureDoesNotMatch", APP]);
  const late = await send(server.s3, { path: presign(keys, server.s3, { path: "/answers/k", expires: 1, time: "20200101T000000Z" }), headers });
  assert.deepEqual([late.status, allowed(late)], [403, APP]);

  await server.api("DELETE", `${R2}/answers/cors`);
  const after = await server.call(keys, { path: "/answers/none", headers });
  assert.deepEqual([allowed(after), after.headers.vary], [undefined, undefined], "rules that are gone are gone at once");
});

test("a bucket of the same name in another account: each key has its own rules", async () => {
  await server.api("POST", "/accounts", { id: "second", name: "second" });
  await bucket("shared", [{ allowed: { origins: ["https://one.example"], methods: ["GET"] } }]);
  await bucket("shared", [{ allowed: { origins: ["https://two.example"], methods: ["GET"] } }], "second");
  const theirs = await server.keys({ account: "second" });
  for (const [own, account, origin, expected] of [
    [keys, "first", "https://one.example", "https://one.example"],
    [keys, "first", "https://two.example", undefined],
    [theirs, "second", "https://two.example", "https://two.example"],
    [theirs, "second", "https://one.example", undefined],
  ]) {
    const answer = await server.call(own, { path: "/shared/none", headers: { origin } });
    assert.deepEqual([answer.code, allowed(answer)], ["NoSuchKey", expected], `${account} ${origin}`);
    const asked = await preflight(presign(own, server.s3, { path: "/shared/none" }), origin, "GET");
    assert.equal(allowed(asked), expected, `a presigned URL of the ${account} account names its key`);
  }
  for (const origin of ["https://one.example", "https://two.example"])
    assert.equal(allowed(await preflight("/shared/none", origin, "GET")), origin, "nothing says whose is meant");
  assert.equal(allowed(await preflight("/shared/none", "https://three.example", "GET")), undefined);
});

test("at published addresses", async () => {
  await bucket("shown", RULES);
  await s3("PutObject", { Bucket: "shown", Key: "a.txt", Body: "text" });
  for (const [host, more] of [["shown.example.com", {}], ["own.example.com", { headers: { "Access-Control-Allow-Origin": "*" } }]])
    assert.equal((await server.api("POST", `${R2}/shown/domains/custom`, { domain: host, enabled: true, ...more })).status, 200);
  const get = (path, headers = {}, method = "GET", host = "shown.example.com") => ask(server.port, host, path, { method, headers });

  for (const path of ["/a.txt", "/a.txt", "/none"]) {
    const answer = await get(path, { origin: APP });
    assert.deepEqual([allowed(answer), answer.headers["access-control-expose-headers"], answer.headers.vary], [APP, "etag", "Origin"], path);
    const other = await get(path, { origin: "https://other.example" });
    assert.deepEqual([allowed(other), other.headers.vary], [undefined, "Origin"]);
    assert.equal((await get(path)).headers.vary, "Origin");
  }
  const { etag } = (await get("/a.txt")).headers;
  const same = await get("/a.txt", { origin: APP, "if-none-match": etag });
  assert.deepEqual([same.status, allowed(same)], [304, APP]);
  const ask1 = { origin: APP, "access-control-request-method": "GET", "access-control-request-headers": "x-amz-meta" };
  const fine = await get("/a.txt", ask1, "OPTIONS");
  assert.deepEqual([fine.status, allowed(fine), fine.headers["access-control-allow-headers"]], [204, APP, "x-amz-meta"]);
  const not = await get("/a.txt", { ...ask1, origin: "https://other.example" }, "OPTIONS");
  assert.deepEqual([not.status, allowed(not)], [403, undefined]);
  const post = await get("/a.txt", {}, "POST");
  assert.deepEqual([post.status, post.headers.allow], [405, "GET, HEAD, OPTIONS"]);

  const own = await get("/a.txt", { origin: APP }, "GET", "own.example.com");
  assert.equal(allowed(own), "*", "a header of the host's own stands in the place of the rules");
  assert.equal((await get("/a.txt", ask1, "OPTIONS", "own.example.com")).status, 405);

  const everywhere = () => Promise.all(Array.from({ length: 12 }, () => get("/a.txt", { origin: "https://new.example" })));
  await server.api("PUT", `${R2}/shown/cors`, { rules: [{ allowed: { origins: ["*"], methods: ["GET"] } }] });
  for (const answer of await everywhere()) assert.equal(allowed(answer), "*", "every process has them when it is answered");
  const AllowedOrigins = ["https://new.example"], AllowedMethods = ["GET"];
  await s3("PutBucketCors", { Bucket: "shown", CORSConfiguration: { CORSRules: [{ AllowedOrigins, AllowedMethods }] } });
  for (const answer of await everywhere()) assert.equal(allowed(answer), "https://new.example", "also those of an S3 client");
  await server.api("DELETE", `${R2}/shown/cors`);
  for (const answer of await everywhere()) assert.deepEqual([allowed(answer), answer.headers.vary], [undefined, undefined]);
  assert.equal((await get("/a.txt", ask1, "OPTIONS")).status, 405);
});

test("a page of another origin puts and gets by presigned URLs, in a browser", async (t) => {
  const pages = createServer((request, response) => response.setHeader("content-type", "text/html").end("<body>page</body>"));
  await new Promise((resolve) => pages.listen(0, "127.0.0.1", resolve));
  afterwards(t, () => pages.close());
  const origin = `http://127.0.0.1:${pages.address().port}`;
  await bucket("browsed", [{ allowed: { origins: [origin], methods: ["GET", "PUT"], headers: ["content-type"] }, exposeHeaders: ["etag"] }]);
  const page = await (await browser(t)).page();
  await page.open(origin);
  await page.shows("page");
  const run = async (source) => {
    const { result, exceptionDetails } = await page.call("Runtime.evaluate", { expression: `(async () => ${source})()`, awaitPromise: true, returnByValue: true });
    return exceptionDetails ? exceptionDetails.exception.description.split("\n")[0] : result.value;
  };
  const url = (method, path, more = {}) => JSON.stringify(server.s3 + presign(keys, server.s3, { method, path, ...more }));
  const put = await run(`{
    const answer = await fetch(${url("PUT", "/browsed/from page")}, { method: "PUT", headers: { "content-type": "text/x-page" }, body: "by a page" });
    return [answer.status, answer.headers.get("etag")];
  }`);
  assert.equal(put[0], 200);
  assert.match(put[1], /^"[0-9a-f]{32}"$/, "it may be read");
  const got = await run(`{
    const answer = await fetch(${url("GET", "/browsed/from page")});
    return [answer.status, await answer.text(), answer.headers.get("content-type"), answer.headers.get("x-amz-request-id")];
  }`);
  assert.deepEqual(got, [200, "by a page", "text/x-page", null]);
  assert.deepEqual(await run(`{ return (await fetch(${url("GET", "/browsed/none")})).status; }`), 404, "a failure can be read, too");
  assert.match(await run(`{ return fetch(${url("DELETE", "/browsed/from page")}, { method: "DELETE" }); }`), /TypeError: Failed to fetch/);
  assert.equal((await server.call(keys, { path: "/browsed/from page" })).body, "by a page", "what was not allowed was not sent");
  await server.api("DELETE", `${R2}/browsed/cors`);
  assert.match(await run(`{ return fetch(${url("GET", "/browsed/from page", { query: { again: 1 } })}); }`), /TypeError: Failed to fetch/);
});
