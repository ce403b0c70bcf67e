// Static assets: uploaded by wrangler, by atoll deploy and by hand; served without a script; in dev.
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { readdirSync, rmSync, symlinkSync } from "node:fs";
import { createServer, request } from "node:http";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { brotliDecompressSync, gunzipSync } from "node:zlib";
import { afterwards, dev, project, root, until, write } from "./atoll.mjs";
import { client } from "./client.mjs";
import { serve, TOKEN } from "./serve.mjs";
import { wrangler } from "./wrangler.mjs";

const cleanups = [];
let server;
before(async () => (server = await serve({ after: (task) => cleanups.push(task) })));
after(async () => {
  for (const task of cleanups) await task();
});

const LONG = "All of this is text that a coding makes smaller. ".repeat(100);
const SITE = {
  "public/index.html": "<h1>index</h1>\n",
  "public/about.html": "<h1>about</h1>\n",
  "public/docs/index.html": "<h1>docs</h1>\n",
  "public/404.html": "<h1>nothing here</h1>\n",
  "public/long.txt": LONG,
  "public/a b+é.txt": "odd\n",
  "public/empty.css": "",
  "public/.assetsignore": "*.secret\n/private/\n",
  "public/key.secret": "no\n",
  "public/private/x.txt": "no\n",
  "public/_headers": "/docs/*\n  X-Splat: :splat\n  X-Two: a\n/docs/\n  X-Two: b\n/about\n  ! ETag\n  Cache-Control: no-store\n",
  "public/_redirects": "/old /about\n/user/:id /docs/?id=:id 301\n/mirror/* /:splat 200\nhttps /x\n".replace("https /x\n", ""),
};
const toml = (name, assets, rest = "") =>
  `name = "${name}"\ncompatibility_date = "2026-01-01"\n${rest}\n[assets]\ndirectory = "public"\n${assets}\n`;

const ASSET_WORKER = `export default {
  async fetch(request, env) {
    const { pathname } = new URL(request.url);
    if (pathname === "/api/size") {
      const answer = await env.ASSETS.fetch(new URL("/long.txt", request.url));
      return Response.json({ status: answer.status, type: answer.headers.get("content-type"), length: (await answer.text()).length });
    }
    if (pathname.startsWith("/api/pass/")) return env.ASSETS.fetch(new Request(request.url.replace("/api/pass", ""), request));
    return new Response("script " + pathname);
  },
};\n`;

/** What people see of a site, checked through `get(path, init)`. */
async function looksRight(get) {
  const page = await get("/");
  assert.deepEqual([page.status, page.body, page.headers["content-type"]], [200, "<h1>index</h1>\n", "text/html; charset=utf-8"]);
  assert.equal(page.headers["cache-control"], "public, max-age=0, must-revalidate");
  assert.equal((await get("/", { headers: { "if-none-match": page.headers.etag } })).status, 304);
  assert.equal((await get("/", { headers: { "if-none-match": `W/${page.headers.etag}` } })).status, 304);
  assert.equal((await get("/", { headers: { "if-none-match": '"other"' } })).status, 200);
  for (const [path, location] of [["/index.html", "/"], ["/about.html", "/about"], ["/docs", "/docs/"], ["/docs?q=1", "/docs/?q=1"], ["//about.html", "/about"]]) {
    const answer = await get(path);
    assert.deepEqual([path, answer.status, answer.headers.location], [path, 307, location]);
  }
  const missing = await get("/no/such");
  assert.deepEqual([missing.status, missing.body], [404, "<h1>nothing here</h1>\n"]);
  const head = await get("/long.txt", { method: "HEAD" });
  assert.deepEqual([head.status, head.body, head.headers["content-length"]], [200, "", String(LONG.length)]);
  const post = await get("/long.txt", { method: "POST" });
  assert.deepEqual([post.status, post.headers.allow], [405, "GET, HEAD"]);
  assert.equal((await get("/a%20b%2B%C3%A9.txt")).body, "odd\n");
  assert.deepEqual([(await get("/empty.css")).status, (await get("/empty.css")).body], [200, ""]);
  for (const path of ["/key.secret", "/private/x.txt", "/_headers", "/_redirects", "/.assetsignore"])
    assert.equal((await get(path)).status, 404, path);
  const docs = await get("/docs/");
  assert.equal(docs.headers["x-two"], "a, b");
  assert.equal((await get("/docs/zz")).headers["x-splat"], "zz");
  const about = await get("/about");
  assert.deepEqual([about.headers.etag, about.headers["cache-control"]], [undefined, "no-store"]);
  const old = await get("/old?a=1");
  assert.deepEqual([old.status, old.headers.location], [302, "/about?a=1"]);
  const user = await get("/user/7");
  assert.deepEqual([user.status, user.headers.location], [301, "/docs/?id=7"]);
  assert.deepEqual([(await get("/mirror/about")).status, (await get("/mirror/about")).body], [200, about.body]);
}

/** Ranges and codings, which are of a file's bytes. */
async function partsAreRight(get) {
  const part = await get("/long.txt", { headers: { range: "bytes=4-9" } });
  assert.deepEqual([part.status, part.body, part.headers["content-range"]], [206, LONG.slice(4, 10), `bytes 4-9/${LONG.length}`]);
  assert.equal((await get("/long.txt", { headers: { range: "bytes=-5" } })).body, LONG.slice(-5));
  const beyond = await get("/long.txt", { headers: { range: `bytes=${LONG.length}-` } });
  assert.deepEqual([beyond.status, beyond.headers["content-range"]], [416, `bytes */${LONG.length}`]);
  assert.equal((await get("/long.txt", { headers: { range: "bytes=0-1,4-5" } })).status, 200);
  assert.equal((await get("/long.txt", { headers: { range: "bytes=0-1", "if-range": '"other"' } })).status, 200);
  assert.equal((await get("/long.txt", { headers: { range: "bytes=0-1", "if-range": part.headers.etag } })).status, 206);
}

/** One request whose body stays bytes. */
const raw = (port, host, path, headers = {}) =>
  new Promise((resolve, reject) => {
    request({ host: "127.0.0.1", port, path, headers: { host, ...headers } }, async (answer) => {
      const parts = [];
      for await (const part of answer) parts.push(part);
      resolve({ status: answer.statusCode, headers: answer.headers, body: Buffer.concat(parts) });
    })
      .on("error", reject)
      .end();
  });

async function codingsAreRight(port, host) {
  const etags = new Set();
  for (const [accepted, coding, decode] of [
    ["gzip, deflate, br, zstd", "br", brotliDecompressSync],
    ["gzip", "gzip", gunzipSync],
    ["br;q=0.1, gzip;q=0.9", "gzip", gunzipSync],
    ["br;q=0, gzip;q=0", undefined, (bytes) => bytes],
    ["identity", undefined, (bytes) => bytes],
  ]) {
    const answer = await raw(port, host, "/long.txt", { "accept-encoding": accepted });
    assert.deepEqual([accepted, answer.headers["content-encoding"]], [accepted, coding]);
    assert.equal(decode(answer.body).toString(), LONG);
    assert.equal(answer.headers.vary, "Accept-Encoding");
    etags.add(answer.headers.etag);
    const again = await raw(port, host, "/long.txt", { "accept-encoding": accepted, "if-none-match": answer.headers.etag });
    assert.equal(again.status, 304);
  }
  assert.equal(etags.size, 3, "each coding has its own ETag");
  assert.equal((await raw(port, host, "/long.txt", { "accept-encoding": "zstd" })).headers["content-encoding"], "zstd");
}

/** What a worker has used, once it has had so many requests. */
const used = (name, requests) =>
  until(async () => {
    const { result } = await server.api("GET", `/accounts/default/workers/scripts/${name}/usage`);
    const row = result?.rows.at(-1);
    return row?.requests >= requests && row;
  }, `${requests} requests of ${name} in its usage`);

// ---- wrangler ----

test("wrangler deploys a site without a script, and sends only what changed", async (t) => {
  const directory = project(t, { ...SITE, "wrangler.toml": toml("site", 'not_found_handling = "404-page"') });
  const first = await wrangler(server, directory, ["deploy"], { all: true });
  assert.match(first, /Uploaded 7 of 7 assets|Success! Uploaded 7 files/);
  const get = (path, init) => server.ask("site", path, init);
  await looksRight(get);
  await partsAreRight(get);
  await codingsAreRight(server.port, "site.localhost");
  assert.equal((await used("site", 20)).cold_starts, 0, "no script was loaded");
  write(directory, "public/about.html", "<h1>about us</h1>\n");
  const second = await wrangler(server, directory, ["deploy"], { all: true });
  assert.match(second, /Uploaded 1 file|1 of 1/);
  assert.equal((await get("/about")).body, "<h1>about us</h1>\n");
  const third = await wrangler(server, directory, ["deploy"], { all: true });
  assert.match(third, /No updated asset files to upload/);
});

test("wrangler sends large files one by one, and they are streamed", async (t) => {
  const large = randomBytes(12 << 20);
  const directory = project(t, { "public/large.bin": large, "public/index.html": "small\n", "wrangler.toml": toml("large", "") });
  await wrangler(server, directory, ["deploy"]);
  const whole = await raw(server.port, "large.localhost", "/large.bin");
  assert.equal(createHash("sha256").update(whole.body).digest("hex"), createHash("sha256").update(large).digest("hex"));
  assert.equal(whole.headers["content-length"], String(large.length));
  const part = await raw(server.port, "large.localhost", "/large.bin", { range: "bytes=10000000-10000099" });
  assert.deepEqual([part.status, part.body], [206, large.subarray(10000000, 10000100)]);
});

test("a worker with a script and files: files first, then the script; env.ASSETS", async (t) => {
  const directory = project(t, {
    ...SITE,
    "index.js": ASSET_WORKER,
    "wrangler.toml": toml("both", 'binding = "ASSETS"\nnot_found_handling = "single-page-application"', 'main = "index.js"'),
  });
  await wrangler(server, directory, ["deploy"]);
  const get = (path, init) => server.ask("both", path, init);
  assert.equal((await get("/about")).headers["content-type"], "text/html; charset=utf-8");
  assert.equal((await used("both", 1)).cold_starts, 0, "a file loads no script");
  assert.equal((await get("/other")).body, "script /other");
  const navigated = await get("/other", { headers: { "sec-fetch-mode": "navigate" } });
  assert.equal(navigated.body, "<h1>index</h1>\n", "a browser's navigation gets the application");
  const size = await get("/api/size");
  const { status, type, length } = JSON.parse(size.body);
  assert.deepEqual([status, /^text\/plain/.test(type), length], [200, true, LONG.length]);
  const passed = await get("/api/pass/long.txt", { headers: { range: "bytes=0-3" } });
  assert.deepEqual([passed.status, passed.body], [206, "All "]);
  assert.equal((await get("/api/pass/nothing")).body, "<h1>index</h1>\n");
  assert.equal((await get("/api/pass/about.html")).status, 307);
});

test("run_worker_first: for all, and by patterns", async (t) => {
  const directory = project(t, { ...SITE, "index.js": ASSET_WORKER, "wrangler.toml": toml("first", 'binding = "ASSETS"\nrun_worker_first = true', 'main = "index.js"') });
  await wrangler(server, directory, ["deploy"]);
  assert.equal((await server.ask("first", "/about")).body, "script /about");
  write(directory, "wrangler.toml", toml("first", 'binding = "ASSETS"\nrun_worker_first = ["/docs/*", "!/docs/x*"]\nnot_found_handling = "404-page"', 'main = "index.js"'));
  await wrangler(server, directory, ["deploy"]);
  assert.equal((await server.ask("first", "/docs/")).body, "script /docs/");
  assert.equal((await server.ask("first", "/docs/xyz")).status, 404);
  assert.equal((await server.ask("first", "/about")).body, "<h1>about</h1>\n");
  assert.equal((await server.ask("first", "/else")).body, "<h1>nothing here</h1>\n");
});

// ---- the API by hand ----

const hashOf = (text) => createHash("sha256").update(text).digest("hex").slice(0, 32);

/** Uploads files (path to text) for a worker and gives the token of their version. */
async function upload(name, files, { account = "default" } = {}) {
  const manifest = Object.fromEntries(Object.entries(files).map(([path, text]) => [path, { hash: hashOf(text), size: Buffer.byteLength(text) }]));
  const session = await server.api("POST", `/accounts/${account}/workers/scripts/${name}/assets-upload-session`, { manifest });
  assert.equal(session.success, true, JSON.stringify(session.errors));
  let { jwt } = session.result;
  for (const bucket of session.result.buckets) {
    const body = new FormData();
    for (const hash of bucket) {
      const [path, text] = Object.entries(files).find(([, it]) => hashOf(it) === hash);
      body.set(hash, new Blob([Buffer.from(text).toString("base64")], { type: path.endsWith(".html") ? "text/html" : "text/plain" }), hash);
    }
    const sent = await server.api("POST", `/accounts/${account}/workers/assets/upload?base64=true`, body, { token: session.result.jwt });
    assert.equal(sent.success, true, JSON.stringify(sent.errors));
    jwt = sent.result.jwt ?? jwt;
  }
  return { jwt, buckets: session.result.buckets };
}

const publish = (name, assets, more = {}, account = "default") => {
  const body = new FormData();
  body.set("metadata", JSON.stringify({ assets, compatibility_date: "2026-01-01", ...more }));
  return server.api("PUT", `/accounts/${account}/workers/scripts/${name}`, body);
};

test("what is wrong with an upload is said", async () => {
  const path = "/accounts/default/workers/scripts/wrong/assets-upload-session";
  const bad = async (manifest, words) => {
    const answer = await server.api("POST", path, { manifest });
    assert.equal(answer.status, 400);
    assert.match(answer.errors[0].message, words);
  };
  await bad([], /object of paths/);
  await bad({ "x.html": { hash: "ab", size: 1 } }, /begins with/);
  await bad({ "/x.html": { hash: "../x", size: 1 } }, /letters and digits/);
  await bad({ "/x.html": { hash: "ab", size: 26 << 20 } }, /more than 25 MiB/);
  await bad(Object.fromEntries(Array.from({ length: 20_001 }, (_, i) => [`/${i}`, { hash: "ab", size: 1 }])), /more than 20000 files/);
  const { result } = await server.api("POST", path, { manifest: { "/x.html": { hash: "ab", size: 3 } } });
  assert.deepEqual(result.buckets, [["ab"]]);
  assert.equal(result.jwt.split(".").length, 3);
  const send = (hash, text, token = result.jwt) =>
    server.api("POST", "/accounts/default/workers/assets/upload/" + hash, text, { token });
  assert.equal((await send("ab", 1, "a.b.c")).status, 401);
  assert.equal((await send("cd", 1)).status, 400, "a hash that is not of the manifest");
  assert.match((await send("ab", 12345)).errors[0].message, /not what the manifest says/);
  assert.match((await publish("wrong", { jwt: result.jwt })).errors[0].message, /not all uploaded|wrong/);
  const { jwt } = await upload("wrong", { "/index.html": "one" });
  assert.match((await publish("other", { jwt })).errors[0].message, /another worker/);
  const rules = await publish("wrong", { jwt, config: { _redirects: "/* /index.html 200\nnonsense\n" } });
  assert.deepEqual([rules.status, rules.errors[0].code], [400, 100324]);
  assert.match(rules.errors[0].message, /line 1: it would lead to itself\nline 2:/);
  assert.match((await publish("wrong", { jwt, config: { html_handling: "x" } })).errors[0].message, /auto-trailing-slash/);
  assert.equal((await publish("wrong", { jwt })).success, true);
});

// ---- hostile uploads ----

const sessionOf = async (name, manifest, account = "default") => {
  const { result, errors } = await server.api("POST", `/accounts/${account}/workers/scripts/${name}/assets-upload-session`, { manifest });
  assert.ok(result, JSON.stringify(errors));
  return result;
};
const sendOne = (hash, text, token, account = "default") =>
  fetch(`${server.base}/accounts/${account}/workers/assets/upload/${hash}`, { method: "POST", body: text, headers: { authorization: `Bearer ${token}` } })
    .then(async (answer) => ({ status: answer.status, ...(await answer.json()) }));
const base64url = (value) => Buffer.from(typeof value === "string" ? value : JSON.stringify(value)).toString("base64url");

test("tokens that were cut, changed, made up, or are of something else", async () => {
  const { jwt } = await sessionOf("tokens", { "/a.txt": { hash: "aa", size: 3 }, "/b.txt": { hash: "bb", size: 3 } });
  const [head, payload, signature] = jwt.split(".");
  const said = JSON.parse(Buffer.from(payload, "base64url"));
  const forged = [
    "", ".", "..", "...", "a.b", "a.b.c", `${head}.${payload}`, `${head}.${payload}.`, `${head}..${signature}`, `.${payload}.${signature}`,
    `${base64url({ alg: "none" })}.${payload}.`, `${base64url({ alg: "none" })}.${payload}.${signature}`,
    ...[{ done: true }, { exp: 4e9 }, { exp: "x" }, { sid: "00000000-0000-0000-0000-000000000000" }, { sid: "x".repeat(500) }, { sid: 5 }]
      .map((change) => `${head}.${base64url({ ...said, ...change })}.${signature}`),
    `${head}.${base64url("[]")}.${signature}`, `${head}.${base64url("null")}.${signature}`, `${head}.!!!!.${signature}`,
    `${head}.${payload}.${signature.replace(/.$/, (last) => (last === "A" ? "B" : "A"))}`, `${head}.${payload}.${signature}x`,
    `${head}.${payload}.${signature}.${signature}`, "x".repeat(7000), ...[1, 5, 20, 60].map((cut) => jwt.slice(0, -cut)), jwt.slice(1),
  ];
  for (const token of forged) assert.equal((await sendOne("aa", "one", token)).status, 401, token);
  for (const token of forged) assert.equal((await publish("tokens", { jwt: token })).success, false, token);
  assert.equal((await sendOne("aa", "one", "the-token-of-the-tests")).status, 401, "the API's own token");
  await server.api("POST", "/accounts", { id: "stranger", name: "stranger" });
  assert.equal((await sendOne("aa", "one", jwt, "stranger")).status, 401, "another account's address");
  assert.equal((await server.api("GET", "/accounts/default/workers/scripts", undefined, { token: jwt })).success, false, "it opens nothing else");
  assert.equal((await sendOne("aa", "one", jwt)).success, true);
  const { result } = await sendOne("bb", "two", jwt);
  assert.match((await publish("tokens", { jwt: result.jwt }, {}, "stranger")).errors[0].message, /another worker/);
  assert.equal((await publish("tokens", { jwt: result.jwt })).success, true);
});

test("a session that is completed twice, by two at once, and one that is over", async () => {
  const { jwt } = await sessionOf("twice", { "/a.txt": { hash: "twice", size: 3 } });
  const [one, two] = await Promise.all([sendOne("twice", "one", jwt), sendOne("twice", "one", jwt)]);
  assert.deepEqual([one.success, two.success], [true, true]);
  const made = await Promise.all([one, two, one].map(({ result }) => publish("twice", { jwt: result.jwt })));
  assert.deepEqual(made.map(({ success }) => success), [true, true, true], JSON.stringify(made.map(({ errors }) => errors)));
  assert.equal((await server.ask("twice", "/a.txt")).body, "one");
  for (let i = 0; i < 100; i++) await sessionOf("other", { "/a.txt": { hash: "twice", size: 3 } });
  assert.equal((await sendOne("twice", "one", jwt)).status, 401, "100 sessions later");
  assert.match((await publish("twice", { jwt: one.result.jwt })).errors[0].message, /over|again/);
});

test("bodies that are not what the manifest says", async () => {
  const { jwt } = await sessionOf("bodies", { "/a.txt": { hash: "body", size: 5 }, "/e.txt": { hash: "none", size: 0 } });
  for (const text of ["", "four", "sixsix", "x".repeat(100_000)])
    assert.match((await sendOne("body", text, jwt)).errors[0].message, /not what the manifest says/);
  const form = async (parts, query = "?base64=true", type) => {
    const body = new FormData();
    for (const [name, text] of parts) body.append(name, new Blob([text]), name);
    const answer = await fetch(`${server.base}/accounts/default/workers/assets/upload${query}`,
      { method: "POST", body: type ? "--x" : body, headers: { authorization: `Bearer ${jwt}`, ...(type && { "content-type": type }) } });
    return { status: answer.status, ...(await answer.json()) };
  };
  assert.match((await form([["body", "%%%%"]])).errors[0].message, /no base64/);
  assert.match((await form([["body", "Zm91cg=="]])).errors[0].message, /not what the manifest says/);
  assert.match((await form([["body", "Zml2ZTU="], ["stranger", "eA=="]])).errors[0].message, /has no file/);
  assert.equal((await form([], "", "multipart/form-data; boundary=x")).status, 400);
  assert.equal((await form([], "", "text/plain")).status, 400);
  assert.equal((await form(Array.from({ length: 1100 }, () => ["body", "Zml2ZTU="]))).status, 400, "more parts than a form may have");
  assert.deepEqual((await sessionOf("bodies", { "/a.txt": { hash: "body", size: 5 } })).buckets, [["body"]], "none of it was taken");
  assert.equal((await form([["body", "Zml2ZTU="], ["body", "NWV2aWY="]])).success, true, "the last one counts");
  const { result } = await form([["none", ""]]);
  assert.equal((await publish("bodies", { jwt: result.jwt })).success, true);
  assert.deepEqual([(await server.ask("bodies", "/a.txt")).body, (await server.ask("bodies", "/e.txt")).body], ["5evif", ""]);
});

test("one hash with two sizes, odd sizes", async () => {
  const refused = async (manifest, words) => {
    const answer = await server.api("POST", "/accounts/default/workers/scripts/sizes/assets-upload-session", { manifest });
    assert.equal(answer.status, 400, JSON.stringify(answer));
    assert.match(answer.errors[0].message, words);
  };
  await refused({ "/a": { hash: "ab", size: 1 }, "/b": { hash: "ab", size: 2 } }, /two sizes/);
  for (const size of [-1, 1.5, "1", null, undefined, 2 ** 60, {}]) await refused({ "/a": { hash: "ab", size } }, /"size"|more than 25 MiB/);
  for (const hash of ["", " ", "a b", "../..", "x".repeat(65), "é", null, 5, ["ab"]]) await refused({ "/a": { hash, size: 1 } }, /"hash"/);
  for (const file of [null, 5, "x", []]) await refused({ "/a": file }, /"hash"/);
  for (const path of ["", "a", "\\a", "/" + "x".repeat(2048)]) await refused({ [path]: { hash: "ab", size: 1 } }, /is no path/);
});

test("names of every kind are names, and lead nowhere else", async () => {
  const names = ["/../up.txt", "/a/../../b.txt", "/./dot.txt", "//double.txt", "/back\\slash.txt", "/new\nline.txt", "/cr\r\nX-Injected: yes.html", "/tab\t.txt",
    "/é\u{1f600}.txt", "/%2e%2e/x.txt", "/a?b.txt", "/a#b.txt", "/ .txt", "/" + "l".repeat(2040) + ".txt", "/__proto__", "/constructor"];
  const files = Object.fromEntries([...names.map((name, i) => [name, `text ${i}`]), ["/index.html", "index"]]);
  const { jwt } = await upload("names", files);
  assert.equal((await publish("names", { jwt })).success, true);
  for (const [i, name] of names.entries()) {
    const path = name.split("/").map(encodeURIComponent).join("/");
    const answer = await server.ask("names", path);
    assert.equal(answer.headers["x-injected"], undefined, name);
    assert.ok(!JSON.stringify(answer.headers).includes("X-Injected: yes"), name);
    if (answer.status === 200) assert.equal(answer.body, `text ${i}`, name);
    else assert.ok([307, 404].includes(answer.status), `${name}: ${answer.status}`);
  }
  for (const name of ["/é\u{1f600}.txt", "/ .txt", "/__proto__", "/constructor"])
    assert.equal((await server.ask("names", encodeURI(name))).status, 200, name);
  const nul = await fetch(`${server.base}/accounts/default/workers/scripts/names/assets-upload-session`, {
    method: "POST", headers: { authorization: `Bearer ${TOKEN}` }, body: '{"manifest":{"/a\\u0000b":{"hash":"ab","size":1}}}' });
  assert.equal(nul.status, 400);
  assert.equal((await server.ask("names", "/")).body, "index");
});

test("a manifest with as many files as there may be", async () => {
  const manifest = Object.fromEntries(Array.from({ length: 20_000 }, (_, i) => [`/${i}.txt`, { hash: `most${i % 1000}`, size: 4 }]));
  const { jwt, buckets } = await sessionOf("most", manifest);
  assert.deepEqual(buckets.map(({ length }) => length), [500, 500]);
  let done;
  for (const bucket of buckets) {
    const body = new FormData();
    for (const hash of bucket) body.set(hash, new Blob([Buffer.from(hash.padStart(8, "0").slice(-4)).toString("base64")]), hash);
    const sent = await server.api("POST", "/accounts/default/workers/assets/upload?base64=true", body, { token: jwt });
    assert.equal(sent.success, true, JSON.stringify(sent.errors));
    done = sent.result.jwt;
  }
  assert.equal((await publish("most", { jwt: done })).success, true);
  assert.equal((await server.ask("most", "/19999.txt")).body, "t999");
});

test("accounts do not share by what clients call their files", async () => {
  await server.api("POST", "/accounts", { id: "thief", name: "thief" });
  await upload("mine", { "/secret.txt": "the secret" });
  const { buckets } = await upload("stolen", { "/secret.txt": "the secret" }, { account: "thief" });
  assert.deepEqual(buckets, [[hashOf("the secret")]], "the other account has to bring it itself");
  assert.deepEqual((await upload("mine", { "/secret.txt": "the secret" })).buckets, []);
});

test("keep_assets; a secret and a rollback keep the files", async () => {
  const { jwt } = await upload("keep", { "/index.html": "kept" });
  assert.equal((await publish("keep", { jwt, config: { not_found_handling: "single-page-application" } })).success, true);
  assert.equal((await server.ask("keep", "/deep/link")).body, "kept");
  const answer = await server.deploy("keep", 'export default { fetch: () => new Response("script") };', { metadata: { keep_assets: true } });
  assert.equal(answer.success, true, JSON.stringify(answer.errors));
  assert.equal((await server.ask("keep", "/")).body, "kept");
  assert.equal((await server.ask("keep", "/deep/link")).body, "script");
  await server.api("PUT", "/accounts/default/workers/scripts/keep/secrets", { name: "S", text: "x", type: "secret_text" });
  assert.equal((await server.ask("keep", "/")).body, "kept");
  await server.deploy("keep", 'export default { fetch: () => new Response("script") };');
  assert.equal((await server.ask("keep", "/")).body, "script", "without assets there are none");
});

test("while versions change each answer is of one of them, and none fails", async () => {
  const files = (n) => ({ "/index.html": `page ${n}`, "/app.txt": `app ${n}` });
  assert.equal((await publish("moving", { jwt: (await upload("moving", files(0))).jwt })).success, true);
  let done = false;
  const seen = new Set();
  const watch = async (path, words) => {
    while (!done) {
      const { status, body } = await server.ask("moving", path);
      assert.equal(status, 200);
      assert.match(body, words);
      seen.add(body);
    }
  };
  const watchers = [watch("/", /^page \d$/), watch("/app.txt", /^app \d$/)];
  for (let n = 1; n <= 5; n++) {
    await publish("moving", { jwt: (await upload("moving", files(n))).jwt });
    assert.deepEqual([(await server.ask("moving", "/")).body, (await server.ask("moving", "/app.txt")).body], [`page ${n}`, `app ${n}`]);
  }
  done = true;
  await Promise.all(watchers);
  assert.ok(seen.size > 2);
});

test("no path leads out of the files", async () => {
  const { jwt } = await upload("inside", { "/index.html": "in", "/a/b.txt": "b" });
  await publish("inside", { jwt });
  for (const path of ["/../../registry.db", "/%2e%2e/%2e%2e/registry.db", "/a/..%2f..%2fregistry.db", "/a%00b", "/..%5c..%5cx", "/%ff%fe", "/a//../../x"])
    assert.ok([307, 400, 404].includes((await server.ask("inside", path)).status), path);
});

test("what is missing in the storage directory is made again", async () => {
  const { jwt } = await upload("healed", { "/index.html": "healed" });
  await publish("healed", { jwt });
  assert.equal((await server.ask("healed", "/")).body, "healed");
  const stored = join(server.data, "storage/default/assets");
  assert.deepEqual(readdirSync(stored).sort(), ["files", "sites"]);
  rmSync(stored, { recursive: true });
  await publish("healed", { jwt });
  await until(async () => (await server.ask("healed", "/")).body === "healed", "the files again");
});

test("requests for files are counted, and take no CPU time", async () => {
  const { jwt } = await upload("counted", { "/index.html": "x" });
  await publish("counted", { jwt });
  for (let i = 0; i < 5; i++) await server.ask("counted", "/");
  const { cpu_us: cpu, requests } = await used("counted", 5);
  assert.deepEqual([cpu, requests], [0, 5]);
});

// ---- atoll's own commands ----

const { done, json } = client(() => server.base);

test("atoll deploy sends a site, only what changed, and one with a script", async (t) => {
  const directory = project(t, { ...SITE, "wrangler.toml": toml("ours", 'not_found_handling = "404-page"') });
  const { stdout } = await done(t, ["deploy"], { cwd: directory });
  assert.match(stdout, /7 files/);
  const get = (path, init) => server.ask("ours", path, init);
  await looksRight(get);
  await partsAreRight(get);
  write(directory, "public/about.html", "<h1>new</h1>\n");
  assert.match((await done(t, ["deploy"], { cwd: directory })).stdout, /1 of 7 files/);
  assert.equal((await get("/about")).body, "<h1>new</h1>\n");
  write(directory, "index.js", ASSET_WORKER);
  write(directory, "wrangler.toml", toml("ours", 'binding = "ASSETS"', 'main = "index.js"'));
  const deployed = await json(t, ["deploy"], { cwd: directory });
  assert.equal(deployed.name, "ours");
  assert.equal((await get("/api/pass/about")).body, "<h1>new</h1>\n");
  write(directory, "public/_redirects", "nonsense\n");
  const failed = await client(() => server.base).atoll(t, ["deploy"], { cwd: directory });
  assert.equal(failed.status, 1);
  assert.match(failed.stderr, /_redirects cannot be used/);
});

test("atoll deploy: a file that changes while it is uploaded is not taken for what it was", async (t) => {
  const directory = project(t, { "wrangler.toml": toml("changing", ""), "public/a.txt": "one", "public/b.txt": "same" });
  const between = createServer(async (from, to) => {
    const body = [];
    for await (const part of from) body.push(part);
    if (from.url.endsWith("/assets-upload-session")) write(directory, "public/a.txt", "two");
    const { host, "content-length": length, ...headers } = from.headers;
    const answer = await fetch(server.admin + from.url, { method: from.method, headers, body: from.method === "GET" ? undefined : Buffer.concat(body) });
    to.writeHead(answer.status, { "content-type": answer.headers.get("content-type") }).end(Buffer.from(await answer.arrayBuffer()));
  });
  await new Promise((resolve) => between.listen(0, "127.0.0.1", resolve));
  afterwards(t, () => between.close());
  const { atoll } = client(() => `http://127.0.0.1:${between.address().port}/client/v4`);
  const failed = await atoll(t, ["deploy"], { cwd: directory });
  assert.notEqual(failed.status, 0);
  assert.match(failed.stderr, /a\.txt has changed while the files were uploaded: deploy once more/);
  assert.equal((await atoll(t, ["deploy"], { cwd: directory })).status, 0);
  assert.equal((await server.ask("changing", "/a.txt")).body, "two");
  write(directory, "public/a.txt", "one");
  const { done } = client(() => server.base);
  await done(t, ["deploy"], { cwd: directory });
  assert.equal((await server.ask("changing", "/a.txt")).body, "one");
});

test("atoll deploy: a directory that is missing, a file that is too large", async (t) => {
  const { atoll } = client(() => server.base);
  const directory = project(t, { "wrangler.toml": toml("none", "") });
  const none = await atoll(t, ["deploy"], { cwd: directory });
  assert.match(none.stderr, /public.*no such directory|there is no directory/);
  write(directory, "public/x.bin", Buffer.alloc((25 << 20) + 1));
  const large = await atoll(t, ["deploy"], { cwd: directory });
  assert.match(large.stderr, /x\.bin.*25 MiB/);
});

// ---- dev ----

test("atoll dev serves the directory as it stands", async (t) => {
  const directory = project(t, { ...SITE, "outside.txt": "outside\n", "wrangler.toml": toml("dev", 'not_found_handling = "404-page"') });
  const running = await dev(t, directory);
  const get = (path, { method = "GET", headers = {} } = {}) =>
    new Promise((resolve, reject) => {
      request({ host: "127.0.0.1", port: running.port, path, method, headers }, async (answer) => {
        let body = "";
        for await (const part of answer.setEncoding("utf8")) body += part;
        resolve({ status: answer.statusCode, headers: answer.headers, body });
      })
        .on("error", reject)
        .end();
    });
  await looksRight(get);
  await partsAreRight(get);
  await codingsAreRight(running.port, "localhost");
  write(directory, "public/new.txt", "new\n");
  assert.equal((await get("/new.txt")).body, "new\n");
  write(directory, "public/new.txt", "newer\n");
  assert.equal((await get("/new.txt")).body, "newer\n");
  for (const path of ["/..%2foutside.txt", "/docs/..%2f..%2foutside.txt", "/%2e%2e%2foutside.txt", "/a%00", "/.%2fabout"])
    assert.notEqual((await get(path)).body, "outside\n", path);
  symlinkSync(join(directory, "public/about.html"), join(directory, "public/linked.txt"));
  assert.equal((await get("/linked.txt")).body, "<h1>about</h1>\n");
});

test("atoll dev: a script and files", async (t) => {
  const directory = project(t, { ...SITE, "index.js": ASSET_WORKER, "wrangler.toml": toml("dev-both", 'binding = "ASSETS"', 'main = "index.js"') });
  const running = await dev(t, directory);
  const text = async (path) => (await fetch(`${running.url ?? `http://127.0.0.1:${running.port}`}${path}`)).text();
  assert.equal(await text("/about"), "<h1>about</h1>\n");
  assert.equal(await text("/other"), "script /other");
  assert.equal(JSON.parse(await text("/api/size")).length, LONG.length);
  assert.ok(root);
});
