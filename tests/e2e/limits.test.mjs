// Workers that run wild: the request ends with a clear error, everything else goes on.
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, test } from "node:test";
import { dev, project, root, rssBytes, runtimePid, until, write } from "./atoll.mjs";
import { connect } from "./socket.mjs";

const workers = join(root, "tests/e2e/workers");
const both = await dev({ after }, [join(workers, "limits"), join(workers, "neighbour")]);
const MEGABYTE = 1 << 20;

/** A request to one of the two workers, by its host. */
async function ask(t, worker, path) {
  const client = await connect(t, both.port);
  await client.send(`GET ${path} HTTP/1.1\r\nhost: ${worker}.localhost\r\nconnection: close\r\n\r\n`);
  return client;
}

async function answer(t, worker, path) {
  const client = await ask(t, worker, path);
  const got = await client.answer();
  client.close();
  return got;
}

const pid = runtimePid(both);
const rss = () => rssBytes(pid);

assert.equal((await answer({ after }, "neighbour", "/")).text, "neighbour");
assert.equal((await answer({ after }, "limits", "/ok")).text, "ok");

const CPU = /503 Service Unavailable: .*exceeded its CPU time limit/;
const MEMORY = /503 Service Unavailable: .*exceeded its memory limit/;
const THREW = "500 Internal Server Error: The worker threw an exception\n\n";
const HUNG = /^500 [^]*The worker's code hung: it waits for a promise that nothing can settle/;

const ends = [
  ["/loop", CPU],
  ["/finally", CPU],
  ["/promises", CPU],
  ["/then", CPU],
  ["/timers", CPU],
  ["/mix", CPU],
  ["/interval", CPU],
  ["/regexp", CPU],
  ["/sort", CPU],
  ["/generator", /503 .*(CPU time|memory) limit/],
  ["/arrays", /503 .*(CPU time|memory) limit/],
  ["/objects", /503 .*(CPU time|memory) limit/],
  ["/typed-arrays", /503 .*(CPU time|memory) limit/],
  ["/strings", /503 .*(CPU time|memory) limit/],
  ["/rope", /(503 .*(CPU time|memory) limit|500 .*[^]*Out of memory)/],
  ["/map", /503 .*(CPU time|memory) limit/],
  ["/one-allocation", /(503 .*(CPU time|memory) limit|500 .*[^]*Out of memory)/],
  ["/wasm-memory", /503 .*(CPU time|memory) limit/],
  ["/throw", `${THREW}TypeError: thrown on purpose\n    at /throw (src/index.js:`],
  ["/reject", `${THREW}RangeError: rejected on purpose\n    at src/index.js:`],
  ["/throw-string", `${THREW}'just a string'`],
  ["/throw-nothing", `${THREW}undefined`],
  ["/throw-hostile", /^500 /],
  ["/throw-proxy", /^500 /],
  ["/throw-huge", `${THREW}Error: éééé`],
  ["/throw-nul", `${THREW}Error: a\0b \ufffd c\n    at /throw-nul`],
  ["/lost", `${THREW}Error: lost on purpose`],
  ["/hung", HUNG],
  ["/hung-late", HUNG],
  ["/string", /500 [^]*must answer with a Response, but it returned 'not a response'/],
  ["/nothing", /500 [^]*must answer with a Response, but it returned undefined/],
  ["/used", /500 [^]*body has already been used/],
  ["/recursion", /500 [^]*RangeError: Maximum call stack size exceeded/],
];

for (const [path, want] of ends)
  test(`${path} ends with an error, and the next request is served`, async (t) => {
    const before = rss();
    const waits = await ask(t, "neighbour", "/wait?ms=100");
    const { text, status } = await answer(t, "limits", path);
    const grown = rss() - before;
    if (typeof want === "string") assert.equal(text.slice(0, want.length), want);
    else assert.match(text, want);
    assert.equal(status, Number(text.slice(0, 3)));
    assert.ok(grown < 2000 * MEGABYTE, `grew by ${Math.round(grown / MEGABYTE)} MB`);
    assert.equal((await answer(t, "limits", "/ok")).text, "ok");
    assert.equal((await waits.answer()).text, "waited", "the neighbour's request");
    assert.equal(runtimePid(both), pid, "the same process");
  });

test("a stream whose source runs wild is cut, and the neighbour's goes on", async (t) => {
  const drip = await ask(t, "neighbour", "/drip");
  const wild = await ask(t, "limits", "/stream-loop");
  await wild.rest();
  assert.equal((await drip.answer()).text, "10,9,8,7,6,5,4,3,2,1,");
  assert.equal((await answer(t, "limits", "/ok")).text, "ok");
});

test("work within the limits succeeds", async (t) => {
  for (let i = 0; i < 5; i++) {
    assert.equal((await answer(t, "limits", "/legal")).text, "number");
    assert.equal((await answer(t, "limits", "/legal-garbage")).status, 200);
  }
});

test("memory that one request keeps over many short turns is noticed", async (t) => {
  const server = await dev(t, join(workers, "neighbour"), { args: ["--quiet"] });
  const [slow, waits] = [server.fetch("/slow-memory"), server.text("/wait?ms=100")];
  assert.equal(await waits, "waited");
  assert.match(await (await slow).text(), MEMORY);
  assert.equal(await server.text("/"), "neighbour");
});

test("memory that many short requests keep is noticed", async (t) => {
  const client = await connect(t, both.port);
  let highest = 0;
  let last = 0;
  const end = Date.now() + 12_000;
  for (;;) {
    await client.send("GET /leak HTTP/1.1\r\nhost: limits.localhost\r\n\r\n");
    const { status, text } = await client.answer();
    if (status === 503 || Number(text) < last) break;
    last = Number(text);
    highest = Math.max(highest, rss());
    assert.ok(Date.now() < end, `it was not noticed at ${last} MB`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  assert.ok(last > 100, `${last} MB were within the limit`);
  assert.ok(highest < 1200 * MEGABYTE, `${highest >> 20} MB`);
  assert.equal((await answer(t, "limits", "/ok")).text, "ok");
});

test("work that goes on after the answer is limited too", async (t) => {
  for (const path of ["/after-loop", "/after-timers"]) {
    const logged = both.stderr.length + both.stdout.length;
    assert.equal((await answer(t, "limits", path)).text, "ok");
    await until(() => (both.stdout + both.stderr).length > logged && /CPU time limit[^]*$/.test((both.stdout + both.stderr)), path);
    assert.equal((await answer(t, "limits", "/ok")).text, "ok");
  }
});

test("what nobody handles is logged, and the answer stands", async (t) => {
  assert.equal((await answer(t, "limits", "/lost-but-answered")).text, "ok");
  await both.shows("unhandled rejection: Error: lost but answered");
  assert.equal((await answer(t, "limits", "/wait-until-rejects")).text, "ok");
  await both.shows("waitUntil: Error: late and lost");
});

test("a flood of console output does not fill memory", async (t) => {
  const before = rss();
  assert.equal((await answer(t, "neighbour", "/flood")).text, "flooded");
  const grown = rss() - before;
  assert.ok(grown < 128 * MEGABYTE, `grew by ${Math.round(grown / MEGABYTE)} MB`);
  await until(async () => {
    assert.equal((await answer(t, "neighbour", "/")).text, "neighbour");
    return both.stdout.includes("lines were dropped");
  }, "the lines that were dropped to be told");
});

test("no neighbour lost its isolate", async (t) => {
  const { text } = await answer(t, "neighbour", "/requests");
  assert.ok(Number(text) > ends.length, text);
});

test("waitUntil runs to its end although a new version is deployed meanwhile", async (t) => {
  const script = (version) => `
    export default {
      fetch(request, env, ctx) {
        ctx.waitUntil(new Promise((resolve) => setTimeout(resolve, 700)).then(() => console.log("finished by ${version}")));
        return new Response("${version}");
      },
    };`;
  const dir = project(t, { "wrangler.toml": 'name = "w"\nmain = "i.js"\n', "i.js": script("one") });
  const server = await dev(t, dir);
  assert.equal(await server.text(), "one");
  write(dir, "i.js", script("two"));
  await until(async () => (await server.text()) === "two", "the new version");
  await server.shows("finished by one");
  await server.shows("finished by two");
});

test("waitUntil is finished before the process ends, and what can never end is not waited for", async (t) => {
  const dir = project(t, {
    "wrangler.toml": 'name = "w"\nmain = "i.js"\n',
    "i.js": `
      export default {
        fetch(request, env, ctx) {
          ctx.waitUntil(new Promise((resolve) => setTimeout(resolve, 400)).then(() => console.log("finished")));
          ctx.waitUntil(new Promise(() => {}));
          return new Response("answered");
        },
      };`,
  });
  const server = await dev(t, dir);
  assert.equal(await server.text(), "answered");
  const start = Date.now();
  assert.deepEqual(await server.stop(), { status: 0, signal: null });
  assert.match(server.stdout, /finished/);
  assert.ok(Date.now() - start < 5000, `${Date.now() - start} ms`);
});

test("a script that loops while it is loaded is refused", async (t) => {
  const dir = project(t, { "wrangler.toml": 'name = "w"\nmain = "i.js"\n', "i.js": "for (;;);\nexport default {};" });
  const server = await dev(t, dir);
  const got = await server.fetch();
  assert.equal(got.status, 500);
  assert.match(await got.text(), /used more than 1 s of CPU time while it was loaded/);
});
