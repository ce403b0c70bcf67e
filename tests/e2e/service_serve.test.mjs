// Service bindings in `atoll serve`: who may be bound, versions, limits, lanes, tails; isolates that spoil
// what the other side is built on.
import assert from "node:assert/strict";
import { test } from "node:test";
import WebSocket from "ws";
import { afterwards, project, run, until } from "./atoll.mjs";
import { serve, TOKEN } from "./serve.mjs";
import { wrangler } from "./wrangler.mjs";

const bound = (service, more = {}) => ({ bindings: [{ name: "B", type: "service", service, ...more }] });

const CALLEE = (version) => `
import { WorkerEntrypoint, RpcTarget } from "cloudflare:workers";
class Counter extends RpcTarget { n = 0; add() { return ++this.m || (this.m = 1); } burn() { for (;;); } }
export default class extends WorkerEntrypoint {
  version() { return ${version}; }
  async slow(ms) { await new Promise((r) => setTimeout(r, ms)); return ${version}; }
  burn() { for (;;); }
  work(ms) { const end = performance.now() + ms; let n = 0; for (let i = 0; i < 3e7; i++) n += i % 7; return n > 0; }
  counter() { return new Counter(); }
  fails() { throw new RangeError("from the callee"); }
  fetch(request) { return new Response("callee ${version} " + new URL(request.url).pathname); }
}
`;

const CALLER = `
const say = (e) => e.name + ": " + e.message;
export default {
  async fetch(request, env, ctx) {
    const { pathname } = new URL(request.url);
    try {
      if (pathname === "/fetch") return await env.B.fetch("http://b/some/path");
      if (pathname === "/version") return Response.json(await env.B.version());
      if (pathname === "/slow") return Response.json(await env.B.slow(1500));
      if (pathname === "/burn") return Response.json(await env.B.burn());
      if (pathname === "/work") return Response.json(await env.B.work());
      if (pathname === "/fails") return Response.json(await env.B.fails());
      if (pathname === "/broken") {
        const counter = await env.B.counter();
        let told;
        const broken = new Promise((resolve) => counter.onRpcBroken(resolve));
        const first = await counter.add();
        const why = await counter.burn().then(() => "no error", say);
        return Response.json([first, why, say(await broken), await counter.add().then(() => "no error", say)]);
      }
      return new Response("caller");
    } catch (e) { return new Response(say(e), { status: 299 }); }
  },
};
`;

async function pair(t, options) {
  const server = await serve(t, options);
  for (const [name, source, metadata] of [["b", CALLEE(1)], ["a", CALLER, bound("b")]]) {
    const { success, errors } = await server.deploy(name, source, { metadata });
    assert.ok(success, JSON.stringify(errors));
  }
  return server;
}

const text = async (server, name, path) => (await server.ask(name, path)).body;

test("a target has to be there, in the same account", async (t) => {
  const server = await serve(t);
  await server.api("POST", "/accounts", { id: "other", name: "Other" });
  assert.ok((await server.deploy("theirs", CALLEE(1), { account: "other" })).success);
  for (const service of ["nobody", "theirs", "other/theirs", "../other/theirs", ""]) {
    const { success, errors } = await server.deploy("a", CALLER, { metadata: bound(service) });
    assert.equal(success, false, service);
    assert.equal(errors[0].code, 10143, service);
    assert.match(errors[0].message, /Service binding 'B' references Worker '.*' which was not found/);
  }
  assert.ok((await server.deploy("a", CALLER, { metadata: bound("a") })).success, "bound to itself");
  assert.match(await text(server, "a", "/fetch"), /^caller$/);
  const { errors } = await server.deploy("a", CALLER, { metadata: bound("a", { props: "text" }) });
  assert.match(errors[0].message, /"props" must be an object/);
});

test("a new version takes calls, the old one finishes its own; a deleted one is an error", async (t) => {
  const server = await pair(t);
  assert.equal(await text(server, "a", "/fetch"), "callee 1 /some/path");
  assert.equal(await text(server, "a", "/version"), "1");
  const slow = text(server, "a", "/slow");
  await until(async () => (await server.status("b")).processes.length > 0, "the callee to run");
  assert.ok((await server.deploy("b", CALLEE(2))).success);
  await until(async () => (await text(server, "a", "/version")) === "2", "the new version");
  assert.match(await slow, /^[12]$/);
  await server.api("DELETE", "/accounts/default/workers/scripts/b?force=true");
  await until(async () => (await text(server, "a", "/version")).includes("failed"), "the end of the callee");
  assert.match(await text(server, "a", "/version"), /^Error: The call of the worker "b" failed: The worker was deleted/);
  assert.ok((await server.deploy("b", CALLEE(3))).success);
  await until(async () => (await text(server, "a", "/version")) === "3", "the worker that is there again");
});

test("a limit of the callee is the callee's: the caller gets an error, stubs break", async (t) => {
  const server = await pair(t, { config: "[limits]\ncpu_ms = 200\n", args: ["--runtimes", "1"] });
  assert.match(await text(server, "a", "/burn"), /^Error: The call of the worker "b" failed: .*CPU time limit/);
  assert.equal(await text(server, "a", "/version"), "1", "the caller goes on, and so does the next callee");
  const [first, why, broken, after] = JSON.parse(await text(server, "a", "/broken"));
  assert.equal(first, 1);
  assert.match(why, /CPU time limit/);
  assert.equal(broken, why);
  assert.equal(after, why);
  const usage = async (name) => (await server.api("GET", `/accounts/default/workers/scripts/${name}/usage`)).result.rows[0];
  await until(async () => (await usage("b"))?.errors >= 2, "the callee's errors");
  await until(async () => (await usage("a"))?.subrequests >= 3, "the calls as subrequests");
  assert.equal((await usage("a")).errors ?? 0, 0);
});

test("a worker of the slow lane is lent to a caller in the fast one", async (t) => {
  const server = await pair(t, { args: ["--runtimes", "1"] });
  await until(async () => {
    await text(server, "a", "/work");
    return (await server.status("b")).lane === "slow";
  }, "the slow lane");
  assert.equal(await text(server, "a", "/fetch"), "callee 1 /some/path");
  assert.equal(await text(server, "b", "/direct"), "callee 1 /direct", "its own requests go to the slow lane");
  assert.equal(await text(server, "a", "/version"), "1");
  assert.ok((await server.deploy("b", CALLEE(2))).success);
  await until(async () => (await text(server, "a", "/version")) === "2", "the new version, lent too");
});

test("those who watch the callee see its calls and errors", async (t) => {
  const server = await pair(t);
  const { result } = await server.api("POST", "/accounts/default/workers/scripts/b/tails", {});
  const reader = new WebSocket(result.url, "trace-v1");
  const events = [];
  reader.on("message", (data) => events.push(JSON.parse(data)));
  afterwards(t, () => reader.terminate());
  await new Promise((resolve) => reader.on("open", resolve));
  await text(server, "a", "/fails");
  await text(server, "a", "/fetch");
  const find = (probe) => until(() => events.find(probe), "the event");
  const failed = await find((event) => event.event?.rpcMethod === "fails");
  assert.equal(failed.outcome, "exception");
  assert.equal(failed.exceptions[0].message, "from the callee");
  const fetched = await find((event) => event.event?.request);
  assert.deepEqual([fetched.event.request.url, fetched.event.response.status, fetched.outcome], ["http://b/some/path", 200, "ok"]);
});

test("wrangler and atoll deploy workers that are bound to each other", async (t) => {
  const server = await serve(t);
  const config = (name, services) =>
    JSON.stringify({ name, main: "index.js", compatibility_date: "2026-04-01", ...(services && { services }) });
  const services = [{ binding: "B", service: "b", entrypoint: "Admin", props: { who: "a" } }];
  const directory = project(t, {
    "a/wrangler.json": config("a", services),
    "a/index.js": "export default { async fetch(r, env) { return Response.json(await env.B.who(1)); } };",
    "b/wrangler.json": config("b"),
    "b/index.js": `import { WorkerEntrypoint } from "cloudflare:workers";
export class Admin extends WorkerEntrypoint { who(n) { return [n, this.ctx.props]; } }
export default { fetch() { return new Response("b"); } };`,
  });
  const refused = await wrangler(server, `${directory}/a`, ["deploy"], { status: 1, all: true });
  assert.match(refused, /references Worker 'b' which was not found.*\[code: 10143\]/s);
  await wrangler(server, `${directory}/b`, ["deploy"]);
  assert.match(await wrangler(server, `${directory}/a`, ["deploy"]), /env\.B \(b#Admin\)/);
  assert.equal(await text(server, "a", "/"), '[1,{"who":"a"}]');
  const env = {
    PATH: process.env.PATH, ATOLL_ESBUILD: process.env.ATOLL_ESBUILD, HOME: directory, NO_COLOR: "1",
    CLOUDFLARE_API_BASE_URL: server.base, CLOUDFLARE_API_TOKEN: TOKEN, CLOUDFLARE_ACCOUNT_ID: "default",
  };
  const deployed = await run(["deploy", "--name", "again"], { cwd: `${directory}/a`, env });
  assert.equal(deployed.status, 0, deployed.stderr);
  assert.equal(await text(server, "again", "/"), '[1,{"who":"a"}]');
});

// What a tenant can replace in its own isolate, before the platform's files are loaded and after.
const SPOIL = `
const leaks = [];
const spoil = () => {
  const grab = (name) => function (...args) { leaks.push([name, this, args]); return this; };
  for (const [holder, names] of [[Array.prototype, ["map", "push", "slice", "shift", "splice", "forEach", "includes"]], [Map.prototype, ["get", "set"]],
    [Set.prototype, ["add"]], [String.prototype, ["slice", "indexOf"]]])
    for (const name of names) holder[name] = grab(name);
  Object.prototype.toJSON = Array.prototype.toJSON = String.prototype.toJSON = () => "spoilt";
  JSON.parse = JSON.stringify = () => "spoilt";
  Object.defineProperty(Object.prototype, "0", { set(v) { leaks.push(v); }, get() { return 13; }, configurable: true });
  Promise.prototype.then = function () { leaks.push(this); return this; };
  Object.defineProperty(Promise, Symbol.species, { get() { return Array; } });
  Reflect.apply = Function.prototype.call = Function.prototype.apply = () => "spoilt";
};
`;

test("what one isolate spoils for itself neither breaks nor opens the other", async (t) => {
  const server = await serve(t, { args: ["--runtimes", "1"] });
  const callee = `
import { WorkerEntrypoint } from "cloudflare:workers";
export default class extends WorkerEntrypoint {
  echo(value) { return value; }
  secret() { return [Object.keys(this), typeof this.env.SECRET]; }
  fetch() { return new Response("fine"); }
}`;
  const spoilt = `${SPOIL}
export default { async fetch(request, env) {
  if (new URL(request.url).pathname === "/spoil") { spoil(); return new Response("spoilt"); }
  let timer; const wait = new Promise((r) => (timer = setTimeout(() => r("nothing"), 300)));
  let got; try { got = await Promise.race([env.B.echo({ a: [1, { b: 2 }] }), wait]); } catch (e) { got = "an error"; }
  return new Response("called");
} };`;
  assert.ok((await server.deploy("b", callee, { metadata: { bindings: [{ name: "SECRET", type: "secret_text", text: "hidden" }] } })).success);
  assert.ok((await server.deploy("good", `export default { async fetch(r, env) { return Response.json([await env.B.echo({ a: [1] }), await (await env.B.fetch("http://x/")).text()]); } };`, { metadata: bound("b") })).success);
  assert.ok((await server.deploy("bad", spoilt, { metadata: bound("b") })).success);
  await server.ask("bad", "/before");
  await server.ask("bad", "/spoil");
  for (let i = 0; i < 5; i++) await server.ask("bad", "/again");
  assert.equal(await text(server, "good", "/"), `[{"a":[1]},"fine"]`, "the callee serves others as before");
  assert.equal(server.journal.filter((line) => line.event === "runtime.died").length, 0);
});
