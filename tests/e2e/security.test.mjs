// What docs/security.md claims, tried against a running `atoll serve`: by workers from inside, and by
// looking at the real processes from outside.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { closeSync, openSync, readFileSync, readSync, readdirSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { test } from "node:test";
import { afterwards, project, until } from "./atoll.mjs";
import { serve } from "./serve.mjs";

const isRoot = process.getuid() === 0;

/** The runtimes of a server: pids of its children that run `atoll runtime`. */
function runtimesOf(server) {
  const { pid } = server.child;
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").filter(Boolean);
  return children.filter((child) => readFileSync(`/proc/${child}/cmdline`, "utf8").split("\0")[1] === "runtime");
}

function statusOf(pid) {
  const lines = readFileSync(`/proc/${pid}/status`, "utf8").split("\n");
  return Object.fromEntries(lines.map((line) => line.split(":\t")));
}

/** Does what can be written of the process's memory hold this text? */
function holds(pid, text) {
  const needle = Buffer.from(text);
  const memory = openSync(`/proc/${pid}/mem`, "r");
  try {
    for (const line of readFileSync(`/proc/${pid}/maps`, "utf8").split("\n")) {
      const [, from, to, rights] = line.match(/^([0-9a-f]+)-([0-9a-f]+) (\S+)/) ?? [];
      if (!rights?.startsWith("rw") || line.includes("[vvar")) continue;
      let at = parseInt(from, 16);
      const end = parseInt(to, 16);
      const piece = Buffer.alloc(1 << 20);
      for (; at < end && end - at < 2 ** 31; at += piece.length - needle.length) {
        let read;
        try {
          read = readSync(memory, piece, 0, Math.min(piece.length, end - at), at);
        } catch {
          break; // reserved, nothing there
        }
        if (piece.subarray(0, read).includes(needle)) return true;
        if (read < piece.length) break;
      }
    }
  } finally {
    closeSync(memory);
  }
  return false;
}

function* files(directory) {
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) yield* files(path);
    else if (entry.isFile()) yield path;
  }
}

test("a runtime is in the sandbox: no rights, no way to gain any, system calls filtered", async (t) => {
  const server = await serve(t);
  const ready = async () => (await server.api("GET", "/server/status")).result.processes.filter((process) => process.ready);
  const pids = (await until(async () => ((await ready()).length >= 3 ? ready() : undefined), "three runtimes")).map(({ pid }) => pid);
  for (const pid of pids) {
    const status = statusOf(pid);
    assert.equal(status.NoNewPrivs, "1");
    assert.equal(status.Seccomp, "2", "a filter");
    assert.match(status.CapEff, /^0+$/);
    assert.match(status.CapPrm, /^0+$/);
    if (isRoot) {
      assert.match(status.CapBnd, /^0+$/);
      assert.doesNotMatch(status.Uid, /\b0\b/, "not root");
      assert.equal(status.Groups.trim(), "", "no group but its own");
    }
    const environment = readFileSync(`/proc/${pid}/environ`, "utf8");
    assert.doesNotMatch(environment, /ADMIN_TOKEN|the-token-of-the-tests/);
    for (const entry of readdirSync(`/proc/${pid}/task`))
      assert.equal(statusOf(`${pid}/task/${entry}`).Seccomp, "2", "every thread");
  }
});

test("a runtime holds the secrets of workers it runs and no others; on disk they are encrypted", { skip: !isRoot }, async (t) => {
  const server = await serve(t);
  const secrets = { asked: "the-secret-that-was-asked-for", kept: "the-secret-nobody-asked-for" };
  for (const [name, text] of Object.entries(secrets)) {
    await server.deploy(name, `export default { fetch(request, env) { return new Response(String(env.SECRET.length)); } }`);
    const put = await server.api("PUT", `/accounts/default/workers/scripts/${name}/secrets`, { name: "SECRET", text, type: "secret_text" });
    assert.ok(put.success, JSON.stringify(put.errors));
    assert.doesNotMatch(JSON.stringify(put), new RegExp(text), "not said again");
  }
  assert.equal((await server.ask("asked")).body, String(secrets.asked.length));
  const pids = runtimesOf(server);
  assert.ok(pids.some((pid) => holds(pid, secrets.asked)), "the search finds what is there");
  for (const pid of pids) assert.ok(!holds(pid, secrets.kept), `process ${pid} has it`);
  for (const path of files(server.data))
    for (const text of Object.values(secrets)) assert.ok(!readFileSync(path).includes(text), `${path} has it`);
  assert.equal(statSync(join(server.data, "secret.key")).mode & 0o777, 0o600);
});

test("a runtime's user cannot read the registry, the key or the code of others", { skip: !isRoot }, async (t) => {
  const server = await serve(t);
  await server.deploy("one", `export default { fetch() { return new Response("one"); } }`);
  const read = (path) => execFileSync("setpriv", ["--reuid=65534", "--regid=65534", "--clear-groups", "cat", path], { stdio: "pipe" });
  for (const path of files(server.data))
    if (!path.startsWith(join(server.data, "cache"))) assert.throws(() => read(path), /Permission denied/, path);
});

const PROBE = `
globalThis.mark ??= Math.random();
Array.prototype.stolen = "by " + mark;
Object.prototype.polluted = "yes";
export default { async fetch(request) {
  await caches.default.put("http://cache.test/x", new Response("mine", { headers: { "cache-control": "max-age=100" } }));
  return Response.json({ mark });
} };`;
const VICTIM = `
export default { async fetch() {
  return Response.json({
    mark: globalThis.mark ?? null, stolen: [].stolen ?? null, polluted: ({}).polluted ?? null,
    cached: (await (await caches.default.match("http://cache.test/x"))?.text()) ?? null,
  });
} };`;

test("isolates share nothing: globals, prototypes, the cache", async (t) => {
  const server = await serve(t, { args: ["--runtimes", "1"] });
  await server.deploy("probe", PROBE);
  await server.deploy("victim", VICTIM);
  assert.equal(typeof JSON.parse((await server.ask("probe")).body).mark, "number");
  assert.deepEqual(JSON.parse((await server.ask("victim")).body), { mark: null, stolen: null, polluted: null, cached: null });
});

const FORBIDDEN = {
  "Atomics.wait": `Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10)`,
  eval: `eval("1 + 1")`,
  "indirect eval": `(0, eval)("1 + 1")`,
  "new Function": `new Function("return 1")()`,
  "the constructor of a function": `(() => {}).constructor("return 1")()`,
  "the constructor of an async function": `await (async () => {}).constructor("return 1")()`,
  "the constructor of a generator": `[...(function* () {}).constructor("yield 1")()]`,
  "timers with text": `await new Promise((resolve, reject) => { globalThis.ran = resolve; setTimeout("ran()", 1); setTimeout(() => reject(new Error("ignored")), 20); })`,
  "WebAssembly from bytes": `await WebAssembly.instantiate(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]))`,
  "a WebAssembly module from bytes": `new WebAssembly.Module(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]))`,
  "shared WebAssembly memory": `new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true })`,
};

test("what could stop a thread or make code of text is not there", async (t) => {
  const server = await serve(t);
  const cases = Object.entries(FORBIDDEN).map(([name, code]) => `${JSON.stringify(name)}: async () => { ${/^await|^\[/.test(code) ? code : `return ${code}`}; }`);
  await server.deploy("forbidden", `
const cases = { ${cases.join(",\n")} };
export default { async fetch() {
  const worked = [];
  for (const [name, run] of Object.entries(cases)) try { await run(); worked.push(name); } catch {}
  return Response.json(worked);
} };`);
  assert.deepEqual(JSON.parse((await server.ask("forbidden")).body), []);
});

test("clocks stand still while a script runs", async (t) => {
  const server = await serve(t);
  await server.deploy("clock", `
export default { async fetch(request) {
  const before = [Date.now(), performance.now(), new Date().getTime()];
  let n = 0;
  for (let i = 0; i < 2e7; i++) n += i % 7;
  const after = [Date.now(), performance.now(), new Date().getTime()];
  await new Promise((resolve) => setTimeout(resolve, 20));
  return Response.json({ same: String(before) === String(after), later: Date.now() - before[0], year: new Date().getUTCFullYear(), n });
} };`);
  const { same, later, year } = JSON.parse((await server.ask("clock")).body);
  assert.ok(same, "no time passes while it computes");
  assert.ok(later >= 15, `time passes at input and output: ${later} ms`);
  assert.ok(year >= 2026);
});

test("workers reach public addresses only, by name, number, redirect and socket", async (t) => {
  const inside = createServer((request, response) => response.end("the inside")).listen(0, "127.0.0.1");
  afterwards(t, () => inside.close());
  await new Promise((resolve) => inside.once("listening", resolve));
  const { port } = inside.address();
  const server = await serve(t);
  await server.deploy("reach", `
import { connect } from "cloudflare:sockets";
export default { async fetch(request) {
  const got = [];
  const urls = ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "2130706433", "0x7f.1", "127.1"].map((h) => "http://" + h + ":${port}/");
  urls.push("http://169.254.169.254/latest/meta-data", "http://10.0.0.1/", "http://192.168.0.1/", "http://[fe80::1]/", "http://[fd00::1]/");
  for (const url of urls) try { got.push([url, await (await fetch(url)).text()]); } catch (error) { if (!/not allowed/.test(error.message)) got.push([url, error.message]); }
  try { const s = connect("127.0.0.1:${port}"); await s.opened; got.push("socket"); } catch {}
  return Response.json(got);
} };`);
  assert.deepEqual(JSON.parse((await server.ask("reach")).body), []);
});

test("a worker with WebAssembly is kept apart, and answers", async (t) => {
  const server = await serve(t);
  const form = new FormData();
  form.set("metadata", JSON.stringify({ main_module: "index.js", compatibility_date: "2026-01-01" }));
  form.set("index.js", new Blob([`import add from "./add.wasm";
export default { async fetch() { const { exports } = await WebAssembly.instantiate(add); return new Response(String(exports.add(2, 3))); } };`],
    { type: "application/javascript+module" }), "index.js");
  const add = "0061736d0100000001070160027f7f017f030201000707010361646400000a09010700200020016a0b";
  form.set("./add.wasm", new Blob([Buffer.from(add, "hex")], { type: "application/wasm" }), "./add.wasm");
  const put = await fetch(`${server.base}/accounts/default/workers/scripts/adder`, {
    method: "PUT", body: form, headers: { authorization: "Bearer the-token-of-the-tests" } });
  assert.ok((await put.json()).success);
  assert.equal((await server.ask("adder")).body, "5");
  assert.equal((await server.status("adder")).lane, "slow");
});

test("a data directory that the runtimes' user cannot reach is refused with the reason", { skip: !isRoot }, async (t) => {
  const outer = project(t);
  const server = await serve(t, { data: join(outer, "data"), ready: false });
  await server.closed;
  assert.notEqual(server.ended.status, 0);
  assert.match(server.stderr, new RegExp(`cannot reach .*: ${outer} is closed to it\\n.*chmod o\\+x ${outer}`));
});
