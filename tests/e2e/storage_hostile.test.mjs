// Stores against hostile tenants and bad timing: built-ins that were replaced, several processes at
// one key, uploads that end in every wrong way.
import assert from "node:assert/strict";
import { request } from "node:http";
import { after, describe, test } from "node:test";
import { until } from "./atoll.mjs";
import { serve, TOKEN } from "./serve.mjs";

const server = await serve({ after });
const R2 = "/accounts/default/r2/buckets";
const { ok } = server;
await ok("POST", R2, { name: "shared" });
const bindings = [
  { name: "B", type: "r2_bucket", bucket_name: "shared" },
  { name: "K", type: "kv_namespace", namespace_id: (await ok("POST", "/accounts/default/storage/kv/namespaces", { title: "n" })).id },
  { name: "D", type: "d1", id: (await ok("POST", "/accounts/default/d1/database", { name: "n" })).uuid },
];

/** A worker with the statements as its answer. */
async function worker(name, statements) {
  const source = `export default { async fetch(request, { B, K, D }) {
    const url = new URL(request.url), key = url.searchParams.get("k"), n = Number(url.searchParams.get("n"));
    ${statements}
    return new Response("no answer");
  } };`;
  assert.equal((await server.deploy(name, source, { metadata: { bindings } })).success, true);
  return async (query = "", init) => server.ask(name, `/?${query}`, init);
}

// ---- what a tenant can replace ----

const replaced = {
  "iterators of arrays": "Object.getPrototypeOf([][Symbol.iterator]()).next = () => ({ done: false, value: 5 });",
  "iterators that end": "Object.getPrototypeOf([][Symbol.iterator]()).next = () => ({ done: true });",
  "asynchronous generators": "Object.getPrototypeOf(async function* () {}).prototype.next = async () => ({ done: false, value: 7 });",
  "methods of views": "for (const n of ['slice', 'subarray', 'set']) Object.getPrototypeOf(Uint8Array.prototype)[n] = () => ({ length: 3 });",
  "then": `const { then } = Promise.prototype; let seen = 0;
    Promise.prototype.constructor = function (f) { f(() => {}, () => {}); };
    Promise.prototype.then = function (a, b) { return ++seen < 300 && typeof a === "function" ? a(5) : then.call(this, a, b); };`,
  "JSON": "JSON.parse = JSON.stringify = () => 5; Object.prototype.toJSON = () => [1];",
  "texts": "for (const n of ['slice', 'toLowerCase', 'replace', 'isWellFormed', 'toWellFormed']) String.prototype[n] = () => 5;",
};
const actions = {
  "R2 put": "await B.put('k', new Uint8Array(9)); await B.put('k', new Uint8Array(3e6));",
  "R2 get": "const o = await B.get('large'); await o.arrayBuffer(); for await (const c of (await B.get('large')).body); await B.list();",
  "R2 parts": "const u = await B.createMultipartUpload('m'); await u.complete([await u.uploadPart(1, new Uint8Array(9))]);",
  "KV": "await K.put('k', 'v'); await K.put('k', new Uint8Array(1e6)); await K.get('k', 'stream'); await K.get(['k', 'l']); await K.list();",
  "D1": "await D.prepare('SELECT ?').bind(new Uint8Array(3)).all(); await D.batch([D.prepare('SELECT 1')]);",
};

test("a tenant that replaces what we are built on harms nobody else", async (t) => {
  const fill = await worker("fill", "await B.put('large', new Uint8Array(3e6)); return new Response('filled');");
  assert.equal((await fill()).body, "filled");
  for (const [what, statement] of Object.entries(replaced))
    await t.test(what, async () => {
      let at = 0;
      for (const action of Object.values(actions)) {
        const name = `r-${what.replaceAll(" ", "-").toLowerCase()}-${at++}`;
        const ask = await worker(name, `${statement} try { await (async () => { ${action} })(); } catch {} return new Response("alive");`);
        await Promise.race([ask().catch(() => {}), new Promise((resolve) => setTimeout(resolve, 2000).unref())]); // some never end
        assert.equal(server.journal.find(({ event }) => event === "runtime.died"), undefined, `${name}: ${server.stderr}`);
        await server.api("DELETE", `/accounts/default/workers/scripts/${name}?force=true`);
      }
    });
});

// ---- several at one key ----

describe("R2, many at once", { concurrency: 2 }, () => {
  test("of puts that ask for nothing to be there, one wins", async () => {
    const put = await worker("first", `const made = await B.put(key, "by " + n, { onlyIf: { etagDoesNotMatch: "*" } }); return new Response(made ? "won" : "lost");`);
    for (let round = 0; round < 5; round++) {
      const answers = await Promise.all(Array.from({ length: 20 }, (_, n) => put(`k=once${round}&n=${n}`)));
      const won = answers.findIndex(({ body }) => body === "won");
      assert.equal(answers.filter(({ body }) => body === "won").length, 1, JSON.stringify(answers.map(({ body }) => body)));
      const got = await fetch(`${server.base}${R2}/shared/objects/once${round}`, { headers: { authorization: `Bearer ${TOKEN}` } });
      assert.equal(await got.text(), `by ${won}`);
    }
  });

  test("puts that compare what was there lose no update", async () => {
    const add = await worker("counts", `for (;;) {
      const now = await B.get(key), count = now ? Number(await now.text()) : 0;
      if (await B.put(key, String(count + 1), { onlyIf: now ? { etagMatches: now.etag } : { etagDoesNotMatch: "*" } })) return new Response("added");
    }`);
    const answers = await Promise.all(Array.from({ length: 24 }, () => add("k=count")));
    assert.deepEqual(new Set(answers.map(({ body }) => body)), new Set(["added"]));
    const got = await fetch(`${server.base}${R2}/shared/objects/count`, { headers: { authorization: `Bearer ${TOKEN}` } });
    assert.equal(await got.text(), "24");
  });

  test("a bucket that is deleted while others put takes no acknowledged object with it", async () => {
    const put = (name, key) =>
      fetch(`${server.base}${R2}/${name}/objects/${key}`, { method: "PUT", body: "kept", headers: { authorization: `Bearer ${TOKEN}` } })
        .then(async (answer) => ((await answer.text()), answer.status));
    for (let round = 0; round < 16; round++) {
      const name = `short-${round}`;
      await ok("POST", R2, { name });
      const gone = server.api("DELETE", `${R2}/${name}`);
      const puts = [];
      for (let i = 0; i < 6; i++) {
        puts.push(put(name, `k${i}`));
        await new Promise((resolve) => setTimeout(resolve, round % 4));
      }
      const stored = (await Promise.all(puts)).filter((status) => status === 200).length;
      const { status } = await gone;
      if (status === 200) assert.equal(stored, 0, "objects went with the bucket");
      else assert.deepEqual([status, stored], [409, 6]);
    }
  });

  test("who reads while others put and delete gets one version whole, or none", async () => {
    const turn = await worker("turns", `
      const size = n % 2 ? 200_000 : 900;
      if (n % 3 === 0) { await B.put(key, String.fromCharCode(97 + n % 26).repeat(size)); return new Response("put"); }
      if (n % 7 === 0) { await B.delete(key); return new Response("deleted"); }
      try {
        const found = await B.get(key);
        if (!found) return new Response("none");
        const text = await found.text();
        return new Response(text.length === found.size && text === text[0].repeat(text.length) ? "whole" : "MIXED " + text.length + " of " + found.size);
      } catch (error) { return new Response("ERROR " + error.message); }`);
    const answers = await Promise.all(Array.from({ length: 160 }, (_, n) => turn(`k=turns&n=${n}`)));
    const bad = answers.filter(({ body }) => !["put", "deleted", "none", "whole"].includes(body));
    assert.deepEqual(bad.map(({ body }) => body), []);
  });

  test("an upload in parts is completed once, and what comes too late is refused", async () => {
    const parts = await worker("parts", `
      const step = url.searchParams.get("step"), id = url.searchParams.get("id");
      try {
        if (step === "begin") return new Response((await B.createMultipartUpload(key)).uploadId);
        const upload = B.resumeMultipartUpload(key, id);
        if (step === "part") return Response.json(await upload.uploadPart(n, "x".repeat(1000)));
        if (step === "complete") return Response.json(await upload.complete(await request.json()));
        await upload.abort();
        return new Response("aborted");
      } catch (error) { return new Response(error.message, { status: 400 }); }`);
    const body = async (answer) => (await answer).body;
    const id = await body(parts("k=twice&step=begin"));
    const part = JSON.parse(await body(parts(`k=twice&step=part&n=1&id=${id}`)));
    const complete = () => parts(`k=twice&step=complete&id=${id}`, { method: "POST", body: JSON.stringify([part]) });
    const both = await Promise.all([complete(), complete(), complete()]);
    assert.deepEqual(both.map(({ status }) => status).sort(), [200, 400, 400]);
    assert.match(await body(parts(`k=twice&step=part&n=2&id=${id}`)), /does not exist|10024/);

    const other = await body(parts("k=gone&step=begin"));
    const racing = await Promise.all([1, 2, 3, 4].map((n) => (n === 3 ? parts(`k=gone&step=abort&id=${other}`) : parts(`k=gone&step=part&n=${n}&id=${other}`))));
    assert.equal(racing[2].body, "aborted");
    assert.equal((await parts(`k=gone&step=complete&id=${other}`, { method: "POST", body: JSON.stringify([part]) })).status, 400);
    assert.equal((await parts(`k=gone&step=part&n=1&id=${other}`)).status, 400);
  });
});

// ---- bodies that end wrongly ----

describe("R2, bodies that end wrongly", () => {
  const head = async (key) => (await fetch(`${server.base}${R2}/shared/objects/${key}`, { method: "HEAD", headers: { authorization: `Bearer ${TOKEN}` } })).status;

  test("a client that leaves in the middle has put nothing", async () => {
    await worker("leaves", "await B.put(key, request.body); return new Response('put');");
    const sent = request({ host: "127.0.0.1", port: server.port, path: "/?k=left", method: "PUT", headers: { host: "leaves.localhost", "content-length": 5e6 } });
    sent.on("error", () => {});
    await new Promise((resolve) => sent.write(Buffer.alloc(2e6), resolve));
    sent.destroy();
    const next = await worker("leaves-next", "return new Response(String(await B.head('left')));");
    assert.equal((await next()).body, "null");
    assert.equal(await head("left"), 404);
  });

  test("streams that fail, end early or go on", async () => {
    const put = await worker("streams", `
      const streams = {
        fails: () => new ReadableStream({ pull(c) { c.error(new Error("on purpose")); } }),
        early: () => new ReadableStream({ start(c) { c.enqueue(new Uint8Array(5)); c.close(); } }),
        late: () => new ReadableStream({ start(c) { c.enqueue(new Uint8Array(200)); c.close(); } }),
        forever: () => new ReadableStream({ pull(c) { c.enqueue(new Uint8Array(1000)); } }),
        used: () => { const s = new Response("x".repeat(100)).body; s.getReader(); return s; },
      };
      try {
        const fixed = new FixedLengthStream(100);
        const piped = key === "used" ? null : streams[key]().pipeTo(fixed.writable).catch(() => {});
        await B.put(key, key === "used" ? streams.used() : fixed.readable);
        return new Response("put");
      } catch (error) { return new Response("refused: " + error.message); }`);
    for (const key of ["fails", "early", "late", "forever", "used"]) {
      assert.match((await put(`k=${key}`)).body, /^refused: /, key);
      assert.equal(await head(key), 404, key);
    }
  });

  test("a thousand bodies that nobody reads keep neither the worker nor others from going on", async () => {
    const open = await worker("opens", `
      await B.put("big", new Uint8Array(2e6));
      const kept = [];
      for (let i = 0; i < 900; i++) kept.push(await B.get("big"));
      for (const one of kept) one.body.getReader();
      globalThis.kept = kept;
      return new Response("open");`);
    assert.match((await open()).body, /open|subrequests/);
    const other = await worker("others", "await B.put('o', 'x'.repeat(50_000)); return new Response(String((await (await B.get('o')).text()).length));");
    for (let i = 0; i < 8; i++) assert.equal((await other()).body, "50000");
    await until(async () => (await other()).status === 200, "others");
  });

  test("cursors that were made up, options that change while they are read", async () => {
    const list = await worker("lists", `
      const answers = [];
      for (const cursor of ["x", "AAAA", btoa("\\0".repeat(3000)), "%00", "../..", "a".repeat(100_000)])
        answers.push(await B.list({ cursor }).then(() => "list", (error) => error.message.slice(0, 40)));
      let seen = 0;
      const options = { get limit() { return seen++ ? 1e9 : 2; }, get prefix() { globalThis.gone = true; return { toString() { throw new Error("mine"); } }; } };
      answers.push(await B.list(options).then(() => "list", (error) => error.message));
      answers.push(await B.get("k", { get range() { throw new Error("mine, too"); } }).then(() => "got", (error) => error.message));
      return Response.json(answers);`);
    const answers = JSON.parse((await list()).body);
    assert.deepEqual(answers.slice(-2), ["mine", "mine, too"]);
    for (const answer of answers.slice(0, -2)) assert.match(answer, /list/);
  });

  test("ranges at the edges of what numbers can be", async () => {
    await fetch(`${server.base}${R2}/shared/objects/edge`, { method: "PUT", body: "0123456789", headers: { authorization: `Bearer ${TOKEN}` } });
    const get = async (range) => {
      const answer = await fetch(`${server.base}${R2}/shared/objects/edge`, { headers: { authorization: `Bearer ${TOKEN}`, range } });
      return [answer.status, answer.status < 300 ? await answer.text() : ""];
    };
    const rows = [
      ["bytes=0-18446744073709551615", 200, "0123456789"],
      ["bytes=9-9223372036854775807", 200, "0123456789"],
      ["bytes=9-4611686018427387903", 206, "9"],
      ["bytes=-4611686018427387903", 200, "0123456789"],
      ["bytes=4611686018427387903-", 400, ""],
      ["bytes=-0", 400, ""],
      ["bytes=10-", 400, ""],
      ["bytes=5-4", 200, "0123456789"],
      ["bytes=0-0,2-3", 200, "0123456789"],
    ];
    for (const [range, status, text] of rows) assert.deepEqual(await get(range), [status, text], range);
  });
});
