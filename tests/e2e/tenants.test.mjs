// A hostile tenant of `atoll serve`: its neighbours are answered meanwhile, and what it does is not
// laid at their door.
import assert from "node:assert/strict";
import { connect } from "node:net";
import { after, before, test } from "node:test";
import { afterwards, until } from "./atoll.mjs";
import { ask, serve } from "./serve.mjs";

const CALM = `export default { fetch() { return new Response("calm"); } }`;
const SHORT = `export default { fetch() { let sum = 0; for (let i = 0; i < 1e5; i++) sum += i & 3; return new Response("" + sum); } }`;
const limited = { metadata: { limits: { cpu_ms: 1000 } } };

/** What neither ends nor lets anybody in between, each where the platform calls the worker. */
const LOOPS = {
  "a handler": `fetch() { for (;;); }`,
  "a chain of promises": `async fetch() { for (;;) await 0; }`,
  "waitUntil": `fetch(request, env, ctx) { ctx.waitUntil((async () => { await 0; for (;;); })()); return new Response(""); }`,
  "a stream's pull": `fetch() { return new Response(new ReadableStream({ pull() { for (;;); } })); }`,
  "an error's stack": `fetch() { throw Object.defineProperty(new Error(""), "stack", { get() { for (;;); } }); }`,
  "what is thrown": `fetch() { throw { get stack() { for (;;); } }; }`,
  "what is logged": `fetch() { console.log({ toJSON() { for (;;); } }); return new Response(""); }`,
  "then of an answer": `fetch() { return { get then() { for (;;); } }; }`,
};

const afters = [];
let server;
before(async () => (server = await serve({ after: (f) => afters.push(f) }, { args: ["--runtimes", "1"] })));
after(async () => {
  for (const f of afters.reverse()) await f();
});

async function deploy(on, name, source, options) {
  const answer = await on.deploy(name, source, options);
  assert.ok(answer.success, JSON.stringify(answer.errors));
}

/** Asks a neighbour again and again until `stop()`, which tells how often it answered. */
function neighbour(on) {
  let asking = true, answers = 0;
  const done = (async () => {
    while (asking) {
      const answer = await on.ask("calm");
      assert.equal(`${answer.status} ${answer.body}`, "200 calm");
      answers++;
    }
  })();
  done.catch(() => {});
  return { stop: async () => ((asking = false), await done, answers) };
}

test("a loop, wherever the platform calls a worker, holds up no neighbour and ends at its limit", async () => {
  await deploy(server, "calm", CALM);
  for (const [name, handler] of Object.entries(LOOPS)) {
    const worker = `loop-${Object.keys(LOOPS).indexOf(name)}`;
    await deploy(server, worker, `export default { ${handler} }`, limited);
    const calm = neighbour(server);
    const answer = await server.ask(worker);
    assert.deepEqual([name, answer.status, answer.headers["atoll-error"]], [name, 503, "exceededCpu"]);
    assert.ok((await calm.stop()) > 20, name);
    await server.api("DELETE", `/accounts/default/workers/scripts/${worker}`);
  }
  assert.equal(server.journal.find((line) => line.event === "runtime.died"), undefined);
});

test("clients that ask a worker very much do not make it a slow one", async (t) => {
  await deploy(server, "short", SHORT);
  await server.ask("short");
  const burst = "GET / HTTP/1.1\r\nhost: short.localhost\r\n\r\n".repeat(50);
  let answers = 0;
  const sockets = Array.from({ length: 300 }, () => {
    const socket = connect(server.port, "127.0.0.1");
    afterwards(t, () => socket.destroy());
    return socket.setEncoding("latin1").on("data", (data) => (answers += data.split("HTTP/1.1 200").length - 1));
  });
  for (let round = 1; round <= 5; round++) {
    for (const socket of sockets) socket.write(burst);
    // An answer's first bytes may come in two pieces, which hides it here: nearly all is enough.
    await until(() => answers > 0.98 * round * 50 * sockets.length, "the answers");
  }
  assert.equal((await server.status("short")).lane, "fast");
});

test("requests for different workers on one connection, one of which moves: each has its own answer", async (t) => {
  const echo = (name) => `export default { async fetch(request) {
    if (request.url.endsWith("/long")) for (let i = 0, end = 4e8; i < end; i++);
    return new Response("${name} " + (await request.text()).length);
  } }`;
  for (const name of ["one", "two", "three"]) await deploy(server, name, echo(name));
  const socket = connect(server.port, "127.0.0.1");
  afterwards(t, () => socket.destroy());
  let got = "";
  socket.setEncoding("latin1").on("data", (data) => (got += data));
  const order = ["one", "two", "three", "two", "one", "two", "three", "one", "two"];
  for (const [at, name] of order.entries()) {
    const path = at === 3 ? "/long" : "/";
    const size = at * 5000;
    if (at % 2) socket.write(`POST ${path} HTTP/1.1\r\nhost: ${name}.localhost\r\ncontent-length: ${size}\r\n\r\n`);
    else socket.write(`POST ${path} HTTP/1.1\r\nhost: ${name}.localhost\r\ntransfer-encoding: chunked\r\n\r\n${size ? `${size.toString(16)}\r\n` : ""}`);
    socket.write("x".repeat(size));
    if (at % 2 === 0) socket.write(`${size ? "\r\n" : ""}0\r\n\r\n`);
  }
  const answers = () => [...got.matchAll(/^(one|two|three) (\d+)/gm)].map((match) => match[0]);
  await until(() => answers().length === order.length, "all answers");
  assert.deepEqual(answers(), order.map((name, at) => `${name} ${at * 5000}`));
});

test("whoever happens to work when a process has grown too large is not blamed", async (t) => {
  const small = await serve(t, { args: ["--runtimes", "1"], config: "memory_mib = 100\n" });
  await deploy(small, "calm", CALM);
  const hoard = `const kept = []; export default { fetch() { kept.push(new Uint8Array(2 << 20).fill(7)); return new Response(""); } }`;
  const hoarders = ["first", "second", "third"];
  for (const name of hoarders) await deploy(small, name, hoard);
  const died = () => small.journal.find((line) => line.event === "runtime.died");
  let asking = true;
  const calm = (async () => {
    while (asking) await small.ask("calm").catch(() => {}); // one may be lost with the process
  })();
  await until(async () => {
    await Promise.allSettled(hoarders.map((name) => small.ask(name)));
    return died();
  }, "the end of the process");
  asking = false;
  await calm;
  assert.match(died().killed_because, /grew beyond/);
  assert.equal((await ask(small.port, "calm.localhost")).body, "calm");
  assert.deepEqual(small.journal.filter((line) => line.event === "worker.quarantined"), []);
});
