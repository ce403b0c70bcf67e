// R2 buckets in workers: the class, streams of any size with flat memory, kills while processes write.
// The REST API, wrangler and `atoll r2`: r2_api.test.mjs; the store: tests/unit/bindings.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, readdirSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { dev, project } from "./atoll.mjs";
import { runtime, script, until, version } from "./link.mjs";

const STORE = "default/r2/one";

const WORKER = script(`{
  async fetch(request, env) {
    const { B } = env;
    const [, verb, key, value] = new URL(request.url).pathname.split("/");
    if (verb === "put") return Response.json((await B.put(key, value.repeat(Number(value) % 2 ? 20000 : 1))).etag);
    if (verb === "upload") return Response.json(await B.put(key, request.body));
    if (verb === "gen") {
      const total = Number(value), { readable, writable } = new FixedLengthStream(total);
      const put = B.put(key, readable), writer = writable.getWriter(), chunk = new Uint8Array(65536).fill(7);
      for (let at = 0; at < total; at += chunk.length) await writer.write(chunk.subarray(0, total - at));
      await writer.close();
      return Response.json(await put);
    }
    const object = await B.get(key);
    return object === null ? new Response(null, { status: 404 }) : new Response(object.body);
  },
}`);

/** Runs a function of env and answers with what it gives. */
const runs = (action) => script(`{
  async fetch(request, env) {
    try {
      const result = await (${action})(env);
      return Response.json(result === undefined ? null : result);
    } catch (error) {
      return new Response(\`\${error.name}: \${error.message}\`, { status: 500 });
    }
  },
}`);

async function start(t, storage = project(t), more = {}) {
  const link = await runtime(t, ["--storage", storage, ...(more.args ?? [])]);
  const bindings = [
    { name: "B", type: "r2_bucket", store: STORE },
    { name: "BAD", type: "r2_bucket", store: "default/r2/bad" },
    { name: "GONE", type: "r2_bucket", id: "old" },
  ];
  link.worker("w", [version("1", WORKER, { bindings })], more.worker);
  link.hosts("*", { "*": "w" });
  let count = 0;
  /** What the function gives in a worker of its own, or the text of its error. */
  link.run = async (action) => {
    const name = `run${++count}`;
    link.worker(name, [version("1", runs(action), { bindings })], more.worker);
    link.hosts(name, { "*": name });
    const { status, text } = await link.get(name);
    return status === 200 ? JSON.parse(text) : text;
  };
  return link;
}

const link = {}; // one runtime for all tests of the class
test("R2Bucket", async (t) => {
  Object.assign(link, await start(t));
  const is = (name, action, expected) =>
    t.test(name, async () => {
      const got = await link.run(action);
      if (expected instanceof RegExp) assert.match(String(got), expected);
      else assert.deepEqual(got, expected);
    });

  await is("an object has what was said of it", async ({ B }) => {
    const { checksums, uploaded, ...rest } = await B.put("a", "hello", {
      httpMetadata: { contentType: "text/plain", contentLanguage: "de", cacheExpiry: new Date(1e12) },
      customMetadata: { x: "y", __proto__: null },
    });
    const age = Date.now() - uploaded;
    return [rest.key, rest.size, rest.etag, rest.httpEtag, rest.version.length, rest.httpMetadata, rest.customMetadata,
      rest.storageClass, checksums.toJSON(), checksums.md5.byteLength, age >= -1000 && age < 60000];
  }, ["a", 5, "5d41402abc4b2a76b9719d911017c592", '"5d41402abc4b2a76b9719d911017c592"', 32,
    { contentType: "text/plain", contentLanguage: "de", cacheExpiry: "2001-09-09T01:46:40.000Z" }, { x: "y" }, "Standard",
    { md5: "5d41402abc4b2a76b9719d911017c592" }, 16, true]);

  await is("metadata from and to Headers", async ({ B }) => {
    const httpMetadata = new Headers({ "content-type": "x/y", "cache-control": "no-store", expires: "Thu, 01 Jan 2026 00:00:00 GMT" });
    await B.put("h", "", { httpMetadata });
    const headers = new Headers();
    (await B.head("h")).writeHttpMetadata(headers);
    return [...headers];
  }, [["cache-control", "no-store"], ["content-type", "x/y"], ["expires", "Thu, 01 Jan 2026 00:00:00 GMT"]]);

  await is("every kind of value, every way out", async ({ B }) => {
    const all = [];
    for (const value of ["ä", new Uint8Array([195, 164]), new Uint8Array([195, 164]).buffer, new DataView(new Uint8Array([195, 164]).buffer), new Blob(["ä"]), new Response("ä").body ?? "ä", null]) {
      try {
        await B.put("v", value);
      } catch (error) {
        all.push(error.name);
        continue;
      }
      const get = () => B.get("v");
      all.push([await (await get()).text(), (await (await get()).arrayBuffer()).byteLength, (await (await get()).bytes()).length,
        (await (await get()).blob()).size, await new Response((await get()).body).text()]);
    }
    await B.put("v", '{"a":1}');
    return [...all, await (await B.get("v")).json()];
  }, [...Array(5).fill(["ä", 2, 2, 2, "ä"]), "TypeError", ["", 0, 0, 0, ""], { a: 1 }]);

  await is("bodyUsed, and a body once only", async ({ B }) => {
    await B.put("u", "x");
    const object = await B.get("u");
    const before = object.bodyUsed;
    await object.text();
    return [before, object.bodyUsed, await object.text().catch((error) => error.name)];
  }, [false, true, "TypeError"]);

  await is("null where there is nothing", async ({ B }) => [await B.get("none"), await B.head("none"), await B.delete("none")], [null, null, null]);

  await is("ranges of a small and of a large object", async ({ B }) => {
    const all = [];
    for (const size of [100, 600000]) {
      const bytes = new Uint8Array(size).map((_, i) => i % 251);
      await B.put("r", bytes);
      for (const range of [{ offset: 10, length: 3 }, { offset: size - 2 }, { suffix: 4 }, { length: 2 }, { suffix: 1e9 },
        { offset: 1, length: 1e9 }, new Headers({ range: "bytes=5-7" }), new Headers({ range: "bytes=-2" }),
        new Headers({ range: "bytes=0-1,4-5" }), new Headers({ range: "lines=1-2" })]) {
        const object = await B.get("r", { range });
        const got = await object.bytes();
        const { offset, length } = object.range;
        all.push([offset, length, got.length === length && got.every((byte, i) => byte === bytes[offset + i])]);
      }
    }
    return all;
  }, [100, 600000].flatMap((size) => [[10, 3], [size - 2, 2], [size - 4, 4], [0, 2], [0, size], [1, size - 1], [5, 3], [size - 2, 2], [0, size], [0, size]]
    .map((range) => [...range, true])));

  for (const [name, range, words] of [
    ["behind the end", { offset: 1000 }, /^Error: get: The requested range is not satisfiable \(10039\)$/],
    ["negative", { offset: -1 }, /^RangeError: Invalid range\. Starting offset/],
    ["both", { suffix: 1, offset: 1 }, /^TypeError: Suffix is incompatible with offset/],
  ])
    await t.test(`a range that is none: ${name}`, async () => {
      assert.match(await link.run(`async ({ B }) => { await B.put("r", "abc"); await B.get("r", { range: ${JSON.stringify(range)} }); }`), words);
    });

  await is("conditions of put", async ({ B }) => {
    const { etag, uploaded } = await B.put("c", "1");
    const put = async (onlyIf) => (await B.put("c", "1", { onlyIf })) !== null;
    return [await put({ etagMatches: "x" }), await put({ etagMatches: etag }), await put({ etagDoesNotMatch: etag }),
      await put({ uploadedBefore: new Date(0) }), await put({ uploadedAfter: new Date(0) }), await put({ uploadedAfter: new Date(+uploaded + 1e6) }),
      await put(new Headers({ "if-none-match": "*" })), await put(new Headers({ "if-match": `"x", "${etag}"` })),
      await B.put("new", "1", { onlyIf: { etagMatches: "x" } }), await B.head("new")];
  }, [false, true, false, false, true, false, false, true, null, null]);

  await is("conditions of get", async ({ B }) => {
    const { etag } = await B.put("c", "1");
    const get = async (onlyIf) => "body" in (await B.get("c", { onlyIf }));
    return [await get({ etagMatches: "x" }), await get({ etagMatches: etag }), await get(new Headers({ "if-none-match": `W/"${etag}"` })),
      await get(new Headers({ "if-modified-since": new Date(Date.now() + 1e6).toUTCString() })), await get(undefined)];
  }, [false, true, false, false, true]);
  await is("a condition in quotes", async ({ B }) => B.get("c", { onlyIf: { etagMatches: '"x"' } }), /should not be wrapped in quotes/);

  await t.test("checksums are verified, small and large", async () => {
    for (const size of [10, 100000])
      for (const name of ["md5", "sha1", "sha256", "sha384", "sha512"]) {
        const hex = createHash(name).update("x".repeat(size)).digest("hex");
        const kept = await link.run(`async ({ B }) => (await B.put("s", "x".repeat(${size}), { ${name}: "${hex.toUpperCase()}" })).checksums`);
        assert.equal(kept[name], hex);
        const wrong = await link.run(`async ({ B }) => B.put("t", "y".repeat(${size}), { ${name}: Uint8Array.from("${hex}".match(/../g), (d) => parseInt(d, 16)) })`);
        assert.match(wrong, /^Error: put: The (MD5|SHA-\d+) checksum you specified did not match what we received\.\nYou provided .*\nActual .* \(10037\)$/);
      }
    assert.equal(await link.run(`async ({ B }) => B.head("t")`), null);
  });

  for (const [name, action, words] of [
    ["no key", `async ({ B }) => B.put("", "x")`, /^Error: put: The specified object name is not valid\. \(10020\)$/],
    ["a long key", `async ({ B }) => B.get("ä".repeat(513))`, /^Error: get: The specified object name is not valid\. \(10020\)$/],
    ["much metadata", `async ({ B }) => B.put("k", "x", { customMetadata: { a: "x".repeat(2048) } })`, /^Error: put: .* \(10012\)$/],
    ["two checksums", `async ({ B }) => B.put("k", "x", { md5: "0".repeat(32), sha1: "0".repeat(40) })`, /^TypeError: You cannot specify multiple hashing algorithms/],
    ["a short checksum", `async ({ B }) => B.put("k", "x", { md5: "00" })`, /^TypeError: MD5 is 32 hex characters, not 2/],
    ["a stream of no length", `async ({ B }) => B.put("k", new ReadableStream({}))`, /^TypeError: Provided readable stream must have a known length \(request\/response body or readable half of FixedLengthStream\)$/],
    ["another value", `async ({ B }) => B.put("k", {})`, /^TypeError: put: the value must be/],
    ["a large list", `async ({ B }) => B.list({ limit: 1001 })`, /^Error: list: MaxKeys params must be positive integer <= 1000\. \(10022\)$/],
    ["a wrong cursor", `async ({ B }) => B.list({ cursor: "k6" })`, /^Error: list: The cursor is not valid/],
    ["1001 keys", `async ({ B }) => B.delete(Array(1001).fill("k"))`, /^Error: delete: At most 1000 keys/],
    ["an upload that is none", `async ({ B }) => B.resumeMultipartUpload("k", "x").uploadPart(1, "x")`, /^Error: uploadPart: The specified multipart upload does not exist\. \(10024\)$/],
    ["part 0", `async ({ B }) => B.resumeMultipartUpload("k", "x").uploadPart(0, "x")`, /^TypeError: Part number must be between 1 and 10000/],
    ["another receiver", `async ({ B }) => B.get.call({}, "k")`, /^TypeError/],
    ["new", `async ({ B }) => new B.constructor()`, /^TypeError: Illegal constructor/],
    ["a bucket that is gone", `async ({ GONE }) => GONE.get("k")`, /^Error: The R2 bucket "old" of the binding "GONE" does not exist any more\.$/],
  ])
    await t.test(`refused: ${name}`, async () => assert.match(await link.run(action), words));

  await is("keys are any text", async ({ B }) => {
    const keys = ["..", "a/../b", "käse 🧀", "x".repeat(1024), "\u0000\n", "__proto__"];
    for (const key of keys) await B.put(`odd/${key}`.slice(0, 1024), key);
    const { objects } = await B.list({ prefix: "odd/" });
    const got = await Promise.all(objects.map(async ({ key }) => (await (await B.get(key)).text()).startsWith(key.slice(4))));
    return [objects.length, got.every(Boolean)];
  }, [6, true]);

  await is("lists in pages, with prefixes", async ({ B }) => {
    for (const key of ["1", "2/a", "2/b", "3", "4/x/y", "5"]) await B.put(`l/${key}`, key, { customMetadata: { key } });
    const pages = [];
    for (let cursor; ; ) {
      const page = await B.list({ prefix: "l/", delimiter: "/", limit: 2, cursor });
      pages.push([page.objects.map(({ key }) => key), page.delimitedPrefixes]);
      if (!page.truncated) break;
      cursor = page.cursor;
    }
    const told = (await B.list({ prefix: "l/1" })).objects[0].customMetadata;
    const included = (await B.list({ prefix: "l/1", include: ["customMetadata"] })).objects[0].customMetadata;
    await B.delete(["l/1", "l/3"]);
    return [pages, told, included, (await B.list({ prefix: "l/", startAfter: "l/2/a" })).objects.map(({ key }) => key)];
  }, [[[["l/1"], ["l/2/"]], [["l/3"], ["l/4/"]], [["l/5"], []]], {}, { key: "1" }, ["l/2/b", "l/4/x/y", "l/5"]]);

  await is("uploads in parts, resumed, completed, aborted", async ({ B }) => {
    const upload = await B.createMultipartUpload("m", { httpMetadata: { contentType: "x/y" } });
    const second = await B.resumeMultipartUpload("m", upload.uploadId).uploadPart(2, "end");
    const first = await upload.uploadPart(1, new Uint8Array(5 << 20).fill(1));
    const before = await B.head("m");
    const object = await upload.complete([first, second]);
    const tail = await (await B.get("m", { range: { suffix: 4 } })).bytes();
    const all = await (await B.get("m")).bytes();
    const other = await B.createMultipartUpload("m2");
    await other.uploadPart(1, "x");
    await other.abort();
    const small = await B.createMultipartUpload("m3");
    const parts = [await small.uploadPart(1, "x"), await small.uploadPart(2, "x")];
    const refused = await small.complete(parts).catch((error) => error.message);
    const wrong = await small.complete([{ partNumber: 1, etag: "x" }]).catch((error) => error.message);
    return [before, object.etag.slice(32), object.size, object.httpMetadata, [...tail], all.length,
      await other.complete(parts).catch((error) => error.message), refused, wrong];
  }, [null, "-2", (5 << 20) + 3, { contentType: "x/y" }, [1, 101, 110, 100], (5 << 20) + 3,
    "completeMultipartUpload: The specified multipart upload does not exist. (10024)",
    "completeMultipartUpload: Your proposed upload is smaller than the minimum allowed object size. (10011)",
    "completeMultipartUpload: One or more of the specified parts could not be found. (10025)"]);

  await is("a stream that fails leaves nothing", async ({ B }) => {
    const { readable, writable } = new FixedLengthStream(1000000);
    const put = B.put("f", readable).catch((error) => error.name);
    const writer = writable.getWriter();
    await writer.write(new Uint8Array(500000));
    await writer.abort(new Error("no more")).catch(() => {});
    return [await put, await B.head("f")];
  }, ["Error", null]);

  await is("what is deleted while it is read is read to its end", async ({ B }) => {
    await B.put("d", new Uint8Array(2000000).fill(1));
    const reader = (await B.get("d")).body.getReader();
    let length = (await reader.read()).value.length;
    await B.put("d", "other");
    await B.delete("d");
    for (let part; !(part = await reader.read()).done; ) length += part.value.length;
    return length;
  }, 2000000);

  await t.test("a request's body goes in, an object goes out with its length", async () => {
    const bytes = Buffer.alloc(3 << 20, "0123456789");
    const at = `http://127.0.0.1:${link.port}`;
    const put = await (await fetch(`${at}/upload/up`, { method: "PUT", body: bytes })).json();
    assert.equal(put.etag, createHash("md5").update(bytes).digest("hex"));
    const got = await fetch(`${at}/get/up`);
    assert.equal(got.headers.get("content-length"), String(bytes.length));
    assert.ok(Buffer.from(await got.arrayBuffer()).equals(bytes));
  });
});

test("200 MB stream in and out with flat memory", async (t) => {
  const own = await start(t);
  const memory = () => Number(readFileSync(`/proc/${own.child.pid}/status`, "utf8").match(/VmHWM:\s+(\d+)/)[1]);
  const at = `http://127.0.0.1:${own.port}`;
  const size = 200_000_000;
  assert.equal((await (await fetch(`${at}/gen/x/20000000`)).json()).size, 20_000_000);
  for await (const _ of (await fetch(`${at}/get/x`)).body);
  const before = memory();
  assert.equal((await (await fetch(`${at}/gen/x/${size}`)).json()).size, size);
  let length = 0;
  for await (const chunk of (await fetch(`${at}/get/x`)).body) length += chunk.length;
  assert.equal(length, size);
  // A sanitizer keeps what was freed.
  if (!process.env.ATOLL_FLAVOUR) assert.ok(memory() - before < 100_000, `${before} KiB, then ${memory()} KiB`);
});

/** Reads 64 KiB at a time, with pauses until the server has nothing to write: the answer, or what came of it. */
async function slowly(link, key, most = Infinity, headers = {}) {
  const socket = connect(link.port, "127.0.0.1");
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`).join("");
  socket.write(`GET /get/${key} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n${lines}\r\n`);
  const chunks = [];
  let bytes = 0;
  for await (const chunk of socket.setNoDelay()) {
    chunks.push(chunk);
    if ((bytes += chunk.length) >= most) break; // closes it
    if (chunks.length % 16 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  const all = Buffer.concat(chunks);
  return all.subarray(all.indexOf("\r\n\r\n") + 4);
}

test("objects go from their files to clients, whole, and are let go of", async (t) => {
  const link = await start(t);
  const bodies = [300000, 5 << 20].map((length) => Buffer.from(Uint8Array.from({ length }, (_, i) => (i * 7) ^ (i >> 9))));
  for (const [i, body] of bodies.entries()) {
    await link.sync();
    assert.equal((await fetch(`http://127.0.0.1:${link.port}/upload/o${i}`, { method: "PUT", body })).status, 200);
  }
  for (const [i, body] of bodies.entries()) {
    const got = await Promise.all(Array.from({ length: 8 }, () => slowly(link, `o${i}`)));
    for (const one of got) assert.ok(one.equals(body), `${one.length} of ${body.length}`);
  }
  const files = () => readdirSync(`/proc/${link.child.pid}/fd`).map((fd) => {
    try {
      return readlinkSync(`/proc/${link.child.pid}/fd/${fd}`);
    } catch {
      return "";
    }
  }).filter((path) => path.includes("/bodies/"));
  await Promise.all(Array.from({ length: 20 }, () => slowly(link, "o1", 100000)));
  await until(() => files().length === 0, () => files().join());
  const action = async ({ B }) => {
    const o = await B.get("o1", { range: { offset: 300000, length: 2000000 } });
    const bytes = await new Response(o.body).bytes(), late = await B.get("o1");
    await B.put("o1", "new");
    return [bytes.length, bytes[0], bytes.at(-1), (await late.arrayBuffer()).byteLength];
  };
  assert.deepEqual(await link.run(action), [2000000, bodies[1][300000], bodies[1][2299999], 5 << 20]);
});

test("kill -9 while all write: nothing acknowledged is lost, no half object is seen", async (t) => {
  const storage = project(t);
  const written = new Map();
  const until_ms = Date.now() + 4000;
  let kills = 0, acknowledged = 0, running = true;
  const links = await Promise.all(Array.from({ length: 2 }, () => start(t, storage)));
  async function write(key) {
    for (let n = 10; running; n++) {
      const answer = await links[n % links.length]?.get("x", `/put/${key}/${n}`).catch(() => undefined);
      if (answer === undefined) await new Promise(setImmediate);
      if (answer?.status !== 200) continue;
      written.set(key, n);
      acknowledged++;
    }
  }
  const writers = Array.from({ length: 12 }, (_, i) => write(`key${i}`));
  while (Date.now() < until_ms) {
    const at = kills++ % links.length, before = acknowledged;
    await until(() => acknowledged > before + 10 + (kills % 7));
    links[at].child.kill("SIGKILL");
    await links[at].stop();
    links[at] = await start(t, storage);
  }
  running = false;
  await Promise.all(writers);
  for (const [key, n] of written) {
    const text = await links[0].text("x", `/get/${key}`);
    const found = [n, n + 1].find((value) => text === `${value}`.repeat(value % 2 ? 20000 : 1));
    assert.ok(found !== undefined, `${key}: ${n} was acknowledged, ${text.slice(0, 20)} of ${text.length} is there`);
  }
  assert.ok(kills > 3 && written.size === 12, `${kills} kills`);
});

test("a damaged bucket is an error of that bucket", async (t) => {
  const storage = project(t);
  mkdirSync(join(storage, "default/r2/bad"), { recursive: true });
  writeFileSync(join(storage, "default/r2/bad/index.db"), "no database at all, and not a short text either".repeat(100));
  const own = await start(t, storage);
  assert.equal(await own.run(`async ({ BAD }) => BAD.get("k")`), "Error: get: the bucket's index is damaged (10001)");
  assert.equal(await own.run(`async ({ B }) => { await B.put("k", "v"); return (await B.get("k")).text(); }`), "v");
});

test("a place that cannot be written is an error, and not the end", async (t) => {
  const storage = project(t);
  writeFileSync(join(storage, "default"), "a file, where a directory should be");
  const own = await start(t, storage);
  const text = await own.run(`async ({ B }) => B.put("k", "v")`);
  assert.match(text, /^Error: put: the bucket cannot be opened/);
  assert.ok(!text.includes(storage), text);
  rmSync(join(storage, "default"));
  assert.equal(await own.run(`async ({ B }) => { await B.put("k", "v"); return (await B.get("k")).text(); }`), "v");
});

test("each operation counts as a subrequest", async (t) => {
  const own = await start(t, project(t), { worker: { limits: { subrequests: 3 } } });
  const many = (count) => own.run(`async ({ B }) => { for (let i = 0; i < ${count}; i++) await B.get("k"); return "done"; }`);
  assert.equal(await many(3), "done");
  assert.match(await many(4), /Too many subrequests/);
});

test("atoll dev keeps objects from one start to the next", async (t) => {
  const directory = project(t, {
    "index.js": `export default { async fetch(request, { FILES }) {
      if (request.method === "PUT") await FILES.put("k", request.body);
      return new Response((await FILES.get("k"))?.body);
    } };`,
    "wrangler.jsonc": JSON.stringify({ name: "w", main: "index.js", compatibility_date: "2026-04-01", r2_buckets: [{ binding: "FILES", bucket_name: "files" }] }),
  });
  const first = await dev(t, [directory]);
  assert.equal(await (await fetch(first.url, { method: "PUT", body: "kept" })).text(), "kept");
  await first.stop();
  const second = await dev(t, [directory]);
  assert.equal(await (await fetch(second.url)).text(), "kept");
});
