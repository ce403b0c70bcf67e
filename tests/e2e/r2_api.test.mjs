// R2 from outside of workers: the REST API, the real wrangler, `atoll r2`, deploys with buckets, backups.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { request } from "node:http";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { dev, project, until } from "./atoll.mjs";
import { client } from "./client.mjs";
import { serve, TOKEN } from "./serve.mjs";
import { wrangler } from "./wrangler.mjs";

const R2 = "/accounts/default/r2/buckets";
const server = await serve({ after });
const { atoll, done, json } = client(() => server.base);

const { ok, fails } = server;
const raw = (path, { headers, base = server.base, ...init } = {}) =>
  fetch(base + path, { ...init, headers: { authorization: `Bearer ${TOKEN}`, ...headers } });
const bucket = async (name) => `${R2}/${(await ok("POST", R2, { name })).name}`;

/** A worker that puts and gets what its path says. */
const SOURCE = `export default { async fetch(request, { FILES }) {
  const key = decodeURIComponent(new URL(request.url).pathname.slice(1));
  try {
    if (request.method === "PUT") return Response.json(await FILES.put(key, request.body));
    return new Response((await FILES.get(key))?.body ?? "nothing");
  } catch (error) {
    return new Response(error.message, { status: 500 });
  }
} };`;
const CONFIG = { main: "index.js", compatibility_date: "2026-04-01" };
const files = (name, r2_buckets) => ({ "index.js": SOURCE, "wrangler.jsonc": JSON.stringify({ name, ...CONFIG, r2_buckets }) });

describe("R2 by the REST API", { concurrency: 4 }, () => {
  test("buckets are made, listed, told of, deleted", async () => {
    const made = await ok("POST", R2, { name: "first", storageClass: "InfrequentAccess" });
    assert.deepEqual([made.name, made.storage_class], ["first", "InfrequentAccess"]);
    assert.ok(Date.parse(made.creation_date));
    await fails("POST", R2, { name: "first" }, 400, 10004, /taken/);
    for (const name of ["ab", "Upper", "-x-", "a_b", "x".repeat(64), "../.."]) await fails("POST", R2, { name }, 400, 10005, /not valid/);
    await fails("POST", R2, { name: "other", storageClass: "Cold" }, 400, 10062);
    assert.ok((await ok("GET", R2)).buckets.some(({ name }) => name === "first"));
    assert.equal((await ok("GET", `${R2}/first`)).name, "first");
    await ok("DELETE", `${R2}/first`);
    await fails("GET", `${R2}/first`, undefined, 404, 10006);
    await ok("POST", R2, { name: "first" }); // its name is free at once
  });

  test("a bucket with something in it stays", async () => {
    const path = await bucket("full");
    const put = await raw(`${path}/objects/k`, { method: "PUT", body: "x" });
    assert.equal(put.status, 200, await put.text());
    await fails("DELETE", path, undefined, 409, 10008, /not empty: it has 1 objects/);
    await ok("DELETE", `${path}/objects/k`);
    await ok("DELETE", path);
  });

  test("objects go in and out byte by byte, with what is said of them", async () => {
    const path = `${await bucket("bytes")}/objects`;
    for (const size of [0, 300, 200000]) {
      const bytes = Buffer.from(Array.from({ length: size }, (_, i) => i % 256));
      const put = await raw(`${path}/a`, { method: "PUT", body: bytes, headers: { "content-type": "x/y", "cache-control": "max-age=5", "cf-r2-storage-class": "InfrequentAccess" } });
      const { result, errors } = await put.json();
      assert.deepEqual(errors, [], `${size}`);
      assert.deepEqual([result.key, result.size, result.etag, result.http_metadata, result.storage_class],
        ["a", size, createHash("md5").update(bytes).digest("hex"), { contentType: "x/y", cacheControl: "max-age=5" }, "InfrequentAccess"]);
      const got = await raw(`${path}/a`);
      assert.deepEqual([got.status, got.headers.get("content-type"), got.headers.get("cache-control"), got.headers.get("etag")],
        [200, "x/y", "max-age=5", `"${result.etag}"`]);
      assert.deepEqual(Buffer.from(await got.arrayBuffer()), bytes);
    }
    const part = await raw(`${path}/a`, { headers: { range: "bytes=256-258" } });
    assert.deepEqual([part.status, part.headers.get("content-range")], [206, "bytes 256-258/200000"]);
    assert.deepEqual([...new Uint8Array(await part.arrayBuffer())], [0, 1, 2]);
    assert.equal((await raw(`${path}/a`, { headers: { range: "bytes=200000-" } })).status, 400);
    await fails("GET", `${path}/none`, undefined, 404, 10007, /The specified key does not exist/);
    await fails("GET", `${R2}/no-such/objects/a`, undefined, 404, 10006);
  });

  test("an object larger than a frame goes in and out piece by piece", async () => {
    const path = `${await bucket("large")}/objects`;
    const bytes = Buffer.alloc(70 << 20, "0123456789abcde"); // a piece does not end where the pattern does
    const put = await raw(`${path}/a`, { method: "PUT", body: bytes, headers: { "content-type": "x/y" } });
    const { result, errors } = await put.json();
    assert.deepEqual([errors, result.size, result.http_metadata], [[], bytes.length, { contentType: "x/y" }]);
    const got = await raw(`${path}/a`);
    assert.deepEqual([got.status, got.headers.get("content-length"), got.headers.get("content-type")], [200, `${bytes.length}`, "x/y"]);
    assert.ok(Buffer.from(await got.arrayBuffer()).equals(bytes));
    const [from, to] = [(5 << 20) - 3, (20 << 20) + 7];
    const part = await raw(`${path}/a`, { headers: { range: `bytes=${from}-${to}` } });
    assert.deepEqual([part.status, part.headers.get("content-range")], [206, `bytes ${from}-${to}/${bytes.length}`]);
    assert.ok(Buffer.from(await part.arrayBuffer()).equals(bytes.subarray(from, to + 1)));
    const head = await raw(`${path}/a`, { method: "HEAD" });
    assert.deepEqual([head.status, head.headers.get("content-length")], [200, `${bytes.length}`]);
    await ok("DELETE", `${path}/a`);
  });

  test("a large object whose client leaves is not there; one of more than 5 GiB is refused at once", async () => {
    const path = `${await bucket("cut")}/objects`;
    const send = (length, bytes) => {
      const url = new URL(server.base + path + "/a");
      const sent = request(url, { method: "PUT", headers: { authorization: `Bearer ${TOKEN}`, "content-length": length } });
      sent.on("error", () => {});
      sent.write(bytes);
      return sent;
    };
    const first = send(80 << 20, Buffer.alloc(12 << 20));
    await until(async () => (await readdir(server.data, { recursive: true })).some((name) => name.includes("/r2/") && name.includes("/bodies/") && !name.endsWith("bodies")), "a part on disk");
    first.destroy();
    await fails("GET", `${path}/a`, undefined, 404, 10007);
    const [answer] = await once(send(6 * 2 ** 30, Buffer.alloc(10)), "response");
    assert.equal(answer.statusCode, 413);
    answer.destroy();
    await ok("DELETE", path.replace("/objects", ""));
  });

  test("an answer is cut when its object is replaced meanwhile, and never mixed", async () => {
    const path = `${await bucket("mixed")}/objects`;
    await (await raw(`${path}/a`, { method: "PUT", body: Buffer.alloc(40 << 20, "a") })).json();
    const url = new URL(server.base + path + "/a");
    const [answer] = await once(request(url, { headers: { authorization: `Bearer ${TOKEN}` } }).end(), "response");
    await (await raw(`${path}/a`, { method: "PUT", body: Buffer.alloc(40 << 20, "b") })).json();
    let failed = false;
    try {
      for await (const piece of answer) assert.equal(piece.indexOf("b"), -1);
    } catch (error) {
      if (error.code !== "ECONNRESET") throw error;
      failed = true;
    }
    assert.ok(failed);
  });

  test("keys have slashes and all of Unicode; lists have pages and prefixes", async () => {
    const path = `${await bucket("keys")}/objects`;
    const keys = ["a/b/../c?d#e", "a//b", "/lead", "käse 🧀", "%2F", "x/".repeat(60), "a/b c+d"];
    for (const key of keys) {
      const segments = key.includes("..") ? [key] : key.split("/"); // fetch() resolves dots
      const encoded = `${path}/${segments.map(encodeURIComponent).join("/")}`;
      assert.equal((await raw(encoded, { method: "PUT", body: key })).status, 200, key);
      assert.equal(await (await raw(encoded)).text(), key);
    }
    const all = await ok("GET", path);
    assert.deepEqual(all.map(({ key }) => key).sort(), [...keys].sort());
    const page = await server.api("GET", `${path}?per_page=1&prefix=a/`);
    assert.deepEqual([page.result.length, page.result_info.is_truncated], [1, true]);
    const next = await server.api("GET", `${path}?prefix=a/&cursor=${page.result_info.cursor}`);
    assert.deepEqual([page, next].flatMap(({ result }) => result.map(({ key }) => key)), ["a/b c+d", "a/b/../c?d#e", "a//b"].sort());
    const grouped = await server.api("GET", `${path}?delimiter=/`);
    assert.deepEqual(grouped.result_info.delimited, ["/", "a/", "x/"]);
  });

  test("a header's value that would be another header is left out", async () => {
    await bucket("fields");
    const source = `export default { fetch: async (request, { B }) => Response.json(await B.put("k", "x",
      { httpMetadata: { contentType: "a\\r\\nx-evil: 1", cacheControl: "no-store" } })) };`;
    await server.deploy("fields", source, { metadata: { bindings: [{ name: "B", type: "r2_bucket", bucket_name: "fields" }] } });
    assert.equal((await server.ask("fields", "/")).status, 200);
    const got = await raw(`${R2}/fields/objects/k`);
    assert.deepEqual([got.status, got.headers.get("x-evil"), got.headers.get("cache-control")], [200, null, "no-store"]);
  });
});

describe("R2 in deployed workers", { concurrency: 3 }, () => {
  const deploy = (name, bucket_name) =>
    server.deploy(name, SOURCE, { metadata: { bindings: [{ name: "FILES", type: "r2_bucket", bucket_name }] } });

  test("a binding names a bucket; what is not there is refused with words that help", async () => {
    await bucket("shared");
    assert.equal((await deploy("one", "shared")).success, true);
    assert.equal((await deploy("two", "shared")).success, true);
    assert.equal((await server.ask("one", "/k", { method: "PUT", body: "from one" })).status, 200);
    assert.equal((await server.ask("two", "/k")).body, "from one");
    assert.equal(await (await raw(`${R2}/shared/objects/k`)).text(), "from one");
    const refused = await deploy("three", "nowhere");
    assert.match(refused.errors[0].message, /"FILES" wants the R2 bucket "nowhere", which does not exist.*r2 bucket create/);
    const { bindings } = await ok("GET", "/accounts/default/workers/scripts/one/settings");
    assert.deepEqual(bindings, [{ name: "FILES", type: "r2_bucket", bucket_name: "shared" }]);
  });

  test("a bucket that is deleted is gone for its workers, and back with its name", async () => {
    const path = await bucket("short-lived");
    await deploy("uses", "short-lived");
    await server.ask("uses", "/k", { method: "PUT", body: "old" });
    await ok("DELETE", `${path}/objects/k`);
    await ok("DELETE", path);
    assert.match((await server.ask("uses", "/k")).body, /The R2 bucket "short-lived" of the binding "FILES" does not exist any more/);
    await bucket("short-lived");
    await until(async () => (await server.ask("uses", "/k")).body === "nothing");
  });

  test("a backup has the objects, and a server starts from it", async (t) => {
    const path = await bucket("saved");
    const bytes = Buffer.alloc(100000, "saved ");
    await raw(`${path}/objects/large`, { method: "PUT", body: bytes });
    await raw(`${path}/objects/small`, { method: "PUT", body: "kept" });
    mkdirSync(join(server.own, "backups"), { mode: 0o711 });
    const directory = join(server.own, "backups", "one");
    await ok("POST", "/server/backup", { directory });
    await raw(`${path}/objects/large`, { method: "PUT", body: "later" });
    const copy = await serve(t, { data: directory });
    const read = async (key) => Buffer.from(await (await raw(`${path}/objects/${key}`, { base: copy.base })).arrayBuffer());
    assert.ok((await read("large")).equals(bytes));
    assert.equal(`${await read("small")}`, "kept");
  });
});

describe("wrangler and R2", { concurrency: 2 }, () => {
  test("r2 bucket create, list, info, delete; r2 object put, get, delete", async (t) => {
    const directory = project(t, { "wrangler.jsonc": JSON.stringify({ name: "w", ...CONFIG }) });
    const run = (...args) => wrangler(server, directory, ["r2", ...args]);
    await run("bucket", "create", "by-wrangler");
    assert.match(await run("bucket", "list"), /by-wrangler/);
    assert.match(await run("bucket", "info", "by-wrangler"), /by-wrangler/);
    await run("bucket", "update", "storage-class", "by-wrangler", "--storage-class", "InfrequentAccess");
    assert.equal(JSON.parse(await run("bucket", "info", "by-wrangler", "--json")).default_storage_class, "InfrequentAccess");
    await fails("PATCH", `${R2}/by-wrangler`, undefined, 400, 10062);
    const bytes = Buffer.from([0, 255, 10, 13]);
    writeFileSync(join(directory, "bytes"), bytes);
    await run("object", "put", "by-wrangler/a/b c", "--remote", "--file", "bytes", "--content-type", "x/y");
    await run("object", "get", "by-wrangler/a/b c", "--remote", "--file", "back");
    assert.deepEqual(readFileSync(join(directory, "back")), bytes);
    assert.equal((await raw(`${R2}/by-wrangler/objects/a/b%20c`)).headers.get("content-type"), "x/y");
    const large = Buffer.alloc(80 << 20, "wrangler ");
    writeFileSync(join(directory, "large"), large);
    await run("object", "put", "by-wrangler/large", "--remote", "--file", "large");
    await run("object", "get", "by-wrangler/large", "--remote", "--file", "large-back");
    assert.ok(readFileSync(join(directory, "large-back")).equals(large));
    await run("object", "delete", "by-wrangler/large", "--remote");
    const full = await wrangler(server, directory, ["r2", "bucket", "delete", "by-wrangler"], { status: 1, all: true });
    assert.match(full, /not empty/);
    await run("object", "delete", "by-wrangler/a/b c", "--remote");
    const none = await wrangler(server, directory, ["r2", "object", "get", "by-wrangler/a/b c", "--remote", "--pipe"], { status: 1, all: true });
    assert.match(none, /does not exist/);
    await run("bucket", "delete", "by-wrangler");
    assert.doesNotMatch(await run("bucket", "list"), /by-wrangler/);
  });

  test("a deploy with a bucket, and one that makes what it lacks", async (t) => {
    await bucket("pictures");
    const named = project(t, files("named", [{ binding: "FILES", bucket_name: "pictures" }]));
    await wrangler(server, named, ["deploy"]);
    assert.equal((await server.ask("named", "/k", { method: "PUT", body: "x" })).status, 200);
    const unnamed = project(t, files("unnamed", [{ binding: "FILES" }]));
    await wrangler(server, unnamed, ["deploy"]);
    assert.equal((await server.ask("unnamed", "/k", { method: "PUT", body: "x" })).status, 200);
    await wrangler(server, unnamed, ["deploy"]);
    assert.equal((await server.ask("unnamed", "/k")).body, "x");
  });
});

describe("atoll r2", { concurrency: 3 }, () => {
  test("buckets: made, listed, deleted", async (t) => {
    assert.match((await done(t, ["r2", "bucket", "create", "by-atoll"])).stdout, /"bucket_name": "by-atoll"/);
    assert.ok((await json(t, ["r2", "bucket", "list"])).some(({ name }) => name === "by-atoll"));
    const refused = await atoll(t, ["r2", "bucket", "delete", "by-atoll"]);
    assert.equal(refused.status, 2);
    assert.match(refused.stderr, /--yes/);
    await done(t, ["r2", "bucket", "delete", "by-atoll", "--yes"]);
    assert.ok(!(await json(t, ["r2", "bucket", "list"])).some(({ name }) => name === "by-atoll"));
    assert.equal((await atoll(t, ["r2", "bucket", "delete", "by-atoll", "--yes"])).status, 4);
  });

  for (const where of ["--remote", "--local"])
    test(`objects, ${where}`, async (t) => {
      const cwd = project(t, files("shop", [{ binding: "FILES", bucket_name: "of-shop" }]));
      if (where === "--remote") await done(t, ["r2", "bucket", "create", "of-shop"]);
      const run = (args, options) => done(t, ["r2", "object", ...args, where], { cwd, ...options });
      const bytes = Buffer.alloc(100000, "0123456789");
      writeFileSync(join(cwd, "bytes"), bytes);
      await run(["put", "FILES/a/b ä", "--file", "bytes"]);
      await run(["put", "of-shop/small", "--file", "-", "--content-type", "text/plain"], { input: "hello" });
      assert.equal((await run(["get", "of-shop/small"])).stdout, "hello");
      await run(["get", "of-shop/a/b ä", "--file", "back"]);
      assert.ok(readFileSync(join(cwd, "back")).equals(bytes));
      const [first, second] = JSON.parse((await run(["list", "FILES", "--json"])).stdout);
      assert.deepEqual([first.key, first.size, second.key, second.size], ["a/b ä", 100000, "small", 5]);
      await run(["delete", "of-shop/small"]);
      assert.match((await run(["list", "of-shop"])).stdout, /a\/b ä/);
      assert.equal((await atoll(t, ["r2", "object", "get", "of-shop/small", where], { cwd })).status, 4);
      if (where === "--remote") return;
      const server = await dev(t, [cwd]);
      assert.equal(await server.text("/a%2Fb%20%C3%A4"), bytes.toString());
    });

  test("a deploy makes the bucket that the configuration names", async (t) => {
    const cwd = project(t, files("made", [{ binding: "FILES", bucket_name: "made-by-deploy" }]));
    assert.match((await done(t, ["deploy"], { cwd })).stderr, /made the R2 bucket "made-by-deploy"/);
    assert.equal((await server.ask("made", "/k", { method: "PUT", body: "x" })).status, 200);
    await done(t, ["deploy"], { cwd });
  });
});
