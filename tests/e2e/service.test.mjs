// Service bindings: fetch() and methods of other workers, in `atoll dev`. service_serve.test.mjs has what a
// server adds: accounts, versions, lanes, limits, tails.
import assert from "node:assert/strict";
import { test } from "node:test";
import WebSocket from "ws";
import { dev, project, until, write } from "./atoll.mjs";

const CALLEE = `
import { WorkerEntrypoint, RpcTarget } from "cloudflare:workers";

class Counter extends RpcTarget {
  #value = 0;
  own = () => "an instance's";
  add(n = 1) { return (this.#value += n); }
  get value() { return this.#value; }
  child() { return new Counter(); }
  [Symbol.dispose]() { disposed++; }
}
let disposed = 0, keptStub;

export default class extends WorkerEntrypoint {
  mine = "not to be seen";
  secret() { return this.env.NAME; }
  async fetch(request) {
    const { pathname } = new URL(request.url);
    if (pathname === "/redirect") return new Response(null, { status: 302, headers: { location: "/landed" } });
    if (pathname === "/socket") {
      const [client, server] = Object.values(new WebSocketPair());
      server.accept();
      server.addEventListener("message", ({ data }) => {
        if (data === "bye") server.close(3001, "as asked");
        else server.send(typeof data === "string" ? "echo " + data : data);
      });
      return new Response(null, { status: 101, webSocket: client });
    }
    if (pathname === "/stream") return new Response(request.body.pipeThrough(new TransformStream()), { headers: { x: "1" } });
    if (pathname === "/throw") throw new RangeError("on purpose");
    if (pathname === "/back") return this.env.CALLER.fetch("http://a/leaf");
    const body = await request.text();
    return Response.json({ method: request.method, url: request.url, h: request.headers.get("h"), body, cf: typeof request.cf, props: this.ctx.props }, { status: 203, headers: { y: "2" } });
  }
  echo(...args) { return args; }
  identity(value) { return value; }
  size(value) { return value.size; }
  add(a, b) { return a + b; }
  get version() { return 7; }
  counter() { return new Counter(); }
  nested() { return { list: [1, { deep: new Counter() }], hello: (name) => "hello " + name }; }
  async callback(f, n) { let sum = 0; for (let i = 0; i < n; i++) sum += await f(i); return sum; }
  keep(f) { keptStub = f.dup(); }
  useKept(x) { return keptStub(x); }
  fails(kind) {
    const error = kind === "type" ? new TypeError("wrong type", { cause: "because" }) : Object.assign(new Error("own"), { name: "OwnError", code: 42 });
    throw error;
  }
  rejects() { return Promise.reject("a string"); }
  disposed() { return disposed; }
  stream(n) {
    let i = 0;
    return new ReadableStream({ pull(c) { if (i === n) c.close(); else c.enqueue(new TextEncoder().encode("chunk " + i++ + ";")); } });
  }
  async read(stream) { return await new Response(stream).text(); }
  async write(stream) { const w = stream.getWriter(); await w.write(new TextEncoder().encode("one,")); await w.write(new TextEncoder().encode("two")); await w.close(); return "done"; }
  big(bytes) { let left = bytes; return new ReadableStream({ pull(c) { if (left <= 0) return c.close(); const n = Math.min(left, 65536); left -= n; c.enqueue(new Uint8Array(n).fill(7)); } }); }
  response() { return new Response("a response", { status: 418, headers: { z: "3" } }); }
  async request(request) { return request.method + " " + request.url + " " + (await request.text()); }
  hang() { return new Promise(() => {}); }
  plainClass() { return new (class Foo {})(); }
  depth(n) { return n === 0 ? "bottom" : this.env.SELF.depth(n - 1); }
  async many(n) { let sum = 0; for (let i = 0; i < n; i++) sum += await this.env.SELF.add(1, 0); return sum; }
  own() { return this.ctx.exports.Named.who(); }
  props() { return this.ctx.props; }
  propsOfOwn() { return this.ctx.exports.Named({ props: { from: "own" } }).who(); }
}

export class Named extends WorkerEntrypoint {
  who() { return ["named", this.ctx.props]; }
  fetch() { return new Response("from Named"); }
}

export class Plain { hi() { return "never"; } }
export const obj = { fetch() { return new Response("from obj"); }, hi() { return "never"; } };
`;

const CALLER = `
import { RpcTarget, RpcStub } from "cloudflare:workers";
const failure = async (work) => { try { return ["no error", await work()]; } catch (e) { return [e?.constructor?.name, e?.name, e?.message ?? String(e)]; } };
class Local extends RpcTarget { n = 5; double(x) { return 2 * x; } }

const cases = {
  async fetch({ B }) {
    const answer = await B.fetch("http://b.example/path?q=1", { method: "PUT", headers: { h: "v" }, body: "the body" });
    return [answer.status, answer.headers.get("y"), await answer.json()];
  },
  async request({ B }) { return (await B.fetch(new Request("http://x/y", { method: "POST", body: new Uint8Array([104, 105]) }))).json(); },
  async redirect({ B }) { const r = await B.fetch("http://x/redirect"); const m = await B.fetch("http://x/redirect", { redirect: "manual" }); return [(await r.json()).url, m.status, m.headers.get("location")]; },
  async named({ NAMED, OBJ }) { return [await (await NAMED.fetch("http://x/")).text(), await (await OBJ.fetch("http://x/")).text(), await NAMED.who()]; },
  async gone({ GONE }) { return failure(() => GONE.fetch("http://x/")); },
  async goneRpc({ GONE }) { return failure(() => GONE.anything()); },
  async fetchThrows({ B }) { return failure(() => B.fetch("http://x/throw")); },
  async back({ B }) { return (await B.fetch("http://x/back")).text(); },
  async aborted({ B }) { const c = new AbortController(); const p = failure(() => B.fetch("http://x/hang", { signal: c.signal })); c.abort(new Error("stop")); return p; },
  async streams({ B }) {
    let i = 0;
    const body = new ReadableStream({ pull(c) { if (i === 100) c.close(); else c.enqueue(new TextEncoder().encode("part " + i++ + ";")); } });
    const text = await (await B.fetch("http://x/stream", { method: "POST", body })).text();
    return [text.length, text.slice(0, 14), text.slice(-8)];
  },
  async methods({ B }) { return [await B.add(1, 2), await B.secret(), await B.version, await B.echo(), await B.echo(1, "x", null)]; },
  async denied({ B, OBJ, PLAIN }) {
    const names = ["mine", "nothing", "constructor", "env", "ctx", "__defineGetter__"];
    const all = [];
    for (const name of names) all.push((await failure(() => B[name]()))[0]);
    return [all, await failure(() => OBJ.hi()), await failure(() => PLAIN.hi()), typeof B.toString, typeof B.then, (await failure(() => B.counter().own()))[2]];
  },
  async types({ B }) {
    const shared = { a: 1 };
    const cyclic = { shared, again: shared }; cyclic.self = cyclic;
    const buffer = new Uint8Array([1, 2, 3, 4]).buffer;
    const values = [undefined, null, NaN, -0, Infinity, 10n ** 30n, "\\ud800 lone", new Date(5), /a+/gi, new Map([[{ k: 1 }, new Set([1])]]),
      [1, , 3], new Uint16Array(buffer, 2, 1), new DataView(buffer, 1, 2), buffer, Object(1), new Blob(["blob"], { type: "t/x" }), new Headers({ a: "b" }), { ["__proto__"]: 1, n: { m: [] } }];
    const got = await B.echo(cyclic, ...values);
    const [c, ...v] = got;
    return [c.self === c, c.shared === c.again, c.shared.a, v[0] === undefined, v[1], Number.isNaN(v[2]), Object.is(v[3], -0), v[4] === Infinity, String(v[5]), v[6] === values[6], v[7] instanceof Date && v[7].getTime(),
      String(v[8]), v[9] instanceof Map && [...v[9]].length, 1 in v[10], v[10].length, v[11] instanceof Uint16Array && v[11][0], v[12].getUint8(0), v[11].buffer === v[13] && v[12].buffer === v[13], typeof v[14], await v[15].text() + v[15].type, v[16].get("a"), Object.keys(v[17])];
  },
  async notTypes({ B }) { return [await failure(() => B.identity(Symbol("s"))), await failure(() => B.identity(new (class Foo {})())), await failure(() => B.plainClass())]; },
  async errors({ B }) {
    let stack; try { await B.fails("type"); } catch (e) { stack = e.stack; var cause = e.cause; }
    let own; try { await B.fails("own"); } catch (e) { own = [e.name, e.message, e.code, e instanceof Error]; }
    return [await failure(() => B.fails("type")), stack.includes("fails"), stack.includes("index.js"), cause, own, await failure(() => B.rejects())];
  },
  async stubs({ B }) {
    const counter = await B.counter();
    const all = [await counter.add(2), await counter.add(3), await counter.value, await failure(() => counter.own())];
    const twin = counter.dup();
    counter[Symbol.dispose]();
    all.push(await failure(() => counter.add(1)), await twin.add(1));
    twin[Symbol.dispose]();
    const nested = await B.nested();
    all.push(await nested.list[1].deep.add(9), await nested.hello("you"), counter instanceof RpcStub, typeof counter.then);
    nested[Symbol.dispose]();
    all.push((await failure(() => nested.hello("x")))[2]);
    return all;
  },
  async pipelined({ B }) {
    const deep = B.nested().list[1].deep;
    return [await B.counter().add(4), await B.counter().child().child().add(7), await B.counter().value, await deep.add(6), await B.nested().hello("pipe"), await B.identity({ a: { b: 3 } }).a.b, (await failure(() => B.counter().child().nothing().more()))[2], (await failure(() => B.fails("type").x.y()))[2]];
  },
  async callbacks({ B }) {
    let called = 0;
    const sum = await B.callback((i) => { called++; return i * 10; }, 4);
    const local = new Local();
    const back = await B.identity((x) => x + 1);
    await B.keep((x) => "kept " + x);
    return [sum, called, await failure(() => B.callback(() => { throw new SyntaxError("mine"); }, 1)), typeof back];
  },
  async targets({ B }) {
    const local = new Local();
    const stub = new RpcStub(local);
    return [await stub.double(4), (await failure(() => stub.n))[0], (await B.echo(local)).length];
  },
  async rpcStreams({ B }) {
    let received = "";
    const sink = new WritableStream({ write(chunk) { received += new TextDecoder().decode(chunk); } });
    return [await new Response(await B.stream(3)).text(), await B.read(new Response("from the caller").body), await B.write(sink), received];
  },
  async big({ B }) {
    let total = 0, wrong = 0;
    for await (const chunk of await B.big(20_000_000)) { total += chunk.length; if (chunk[0] !== 7) wrong++; }
    return [total, wrong];
  },
  async objects({ B }) {
    const r = await B.response();
    return [r.status, r.headers.get("z"), await r.text(), await B.request(new Request("http://q/", { method: "POST", body: "inside" }))];
  },
  async hang({ B }) { return failure(() => B.hang()); },
  async depth({ B }) { return [await B.depth(10), await failure(() => B.depth(40))]; },
  async many({ B }) { return [await B.many(20), await failure(() => B.many(60))]; },
  async exports({ B }) { return [await B.own(), await B.propsOfOwn(), await B.props()]; },
  async disposed({ B }) { const before = await B.disposed(); const c = await B.counter(); await c.add(1); c[Symbol.dispose](); return (await B.disposed()) - before; },
  async later({ B }, ctx) { ctx.waitUntil((async () => { const c = await B.counter(); await c.add(1); console.log("later " + (await c.add(1))); })()); return "now"; },
};

export default {
  async fetch(request, env, ctx) {
    const name = new URL(request.url).pathname.slice(1);
    if (name === "leaf") return new Response("leaf");
    if (name === "socket") return env.B.fetch(request);
    if (name === "pass") return env.B.fetch(request);
    if (name === "stored") { globalThis.stored ??= await env.B.counter(); try { return Response.json(await globalThis.stored.add(1)); } catch (e) { globalThis.stored = undefined; return Response.json(e.message); } }
    return Response.json(await cases[name](env, ctx));
  },
};
`;

const service = (binding, name, more = {}) => ({ binding, service: name, ...more });
const config = (name, services, vars = {}) => JSON.stringify({ name, main: "index.js", services, vars });

async function pair(t) {
  const directory = project(t, {
    "a/wrangler.json": config("a", [
      service("B", "b", { props: { who: "a" } }), service("GONE", "gone"), service("NAMED", "b", { entrypoint: "Named" }),
      service("OBJ", "b", { entrypoint: "obj" }), service("PLAIN", "b", { entrypoint: "Plain" }),
    ]),
    "a/index.js": CALLER,
    "b/wrangler.json": config("b", [service("CALLER", "a"), service("SELF", "b")], { NAME: "b's own" }),
    "b/index.js": CALLEE,
  });
  const server = await dev(t, [`${directory}/a`, `${directory}/b`]);
  server.case = async (name) => {
    const answer = await server.fetch(`/${name}`);
    const text = await answer.text();
    assert.equal(answer.status, 200, text);
    return JSON.parse(text);
  };
  return server;
}

const MISSING = (name) => `The RPC receiver does not implement the method "${name}".`;

test("fetch(): requests, answers, redirects, streams, entrypoints, errors", async (t) => {
  const server = await pair(t);
  assert.deepEqual(await server.case("fetch"), [203, "2", {
    method: "PUT", url: "http://b.example/path?q=1", h: "v", body: "the body", cf: "object", props: { who: "a" },
  }]);
  assert.equal((await server.case("request")).body, "hi");
  assert.deepEqual(await server.case("redirect"), ["http://x/landed", 302, "/landed"]);
  assert.deepEqual(await server.case("named"), ["from Named", "from obj", ["named", {}]]);
  assert.match((await server.case("gone"))[2], /worker "gone" failed: no worker of this name runs/);
  assert.match((await server.case("goneRpc"))[2], /worker "gone" failed/);
  assert.deepEqual(await server.case("fetchThrows"), ["RangeError", "RangeError", "on purpose"]);
  assert.equal(await server.case("back"), "leaf");
  assert.deepEqual(await server.case("aborted"), ["Error", "Error", "stop"]);
  assert.deepEqual(await server.case("streams"), [790, "part 0;part 1;", "part 99;"]);
});

const DISPOSED = "RPC stub used after being disposed.";

test("methods: what can be called, and what cannot", async (t) => {
  const server = await pair(t);
  assert.deepEqual(await server.case("methods"), [3, "b's own", 7, [], [1, "x", null]]);
  const denied = await server.case("denied");
  assert.deepEqual(denied[0], Array(6).fill("TypeError"));
  assert.match(denied[1][2], /no methods that can be called/);
  assert.match(denied[2][2], /its class must extend WorkerEntrypoint/);
  assert.deepEqual(denied.slice(3), ["function", "undefined", MISSING("own")]);
  assert.deepEqual(await server.case("exports"), [["named", {}], ["named", { from: "own" }], { who: "a" }]);
});

test("values travel as structuredClone() copies them, with what fetch() knows", async (t) => {
  const server = await pair(t);
  assert.deepEqual(await server.case("types"), [
    true, true, 1, true, null, true, true, true, "1000000000000000000000000000000", true, 5, "/a+/gi", 1, false, 3, 1027, 2,
    true, "object", "blobt/x", "b", ["__proto__", "n"],
  ]);
  for (const [name, , message] of await server.case("notTypes")) {
    assert.equal(name, "DOMException");
    assert.match(message, /^Could not serialize object of type "(Symbol|Foo)"/);
  }
  assert.deepEqual(await server.case("objects"), [418, "3", "a response", "POST http://q/ inside"]);
});

test("errors keep class, name, message, members and the author's stack", async (t) => {
  const server = await pair(t);
  assert.deepEqual(await server.case("errors"), [
    ["TypeError", "TypeError", "wrong type"], true, true, "because", ["OwnError", "own", 42, true], ["String", null, "a string"],
  ]);
  await server.shows("[b] error OwnError: own");
  assert.match((await server.case("hang"))[2], /it waits for a promise that nothing can settle/);
});

test("stubs: counted, disposed, duplicated, nested; callbacks; targets", async (t) => {
  const server = await pair(t);
  assert.deepEqual(await server.case("stubs"), [
    2, 5, 5, ["TypeError", "TypeError", MISSING("own")], ["Error", "Error", DISPOSED], 6, 9, "hello you", true, "undefined", DISPOSED,
  ]);
  assert.deepEqual(await server.case("callbacks"), [60, 4, ["SyntaxError", "SyntaxError", "mine"], "function"]);
  assert.deepEqual(await server.case("targets"), [8, "TypeError", 1]);
  assert.equal(await server.case("disposed"), 1);
  assert.equal(await server.case("stored"), 1);
  assert.match(await server.case("stored"), /is over|disposed/, "a stub goes with its request");
  assert.equal(await server.case("later"), "now");
  await server.shows("later 2");
});

test("calls of what is not there yet are sent at once", async (t) => {
  const server = await pair(t);
  assert.deepEqual(await server.case("pipelined"), [4, 7, 0, 6, "hello pipe", 3, MISSING("nothing"), "wrong type"]);
});

test("streams both ways, with flow control", async (t) => {
  const server = await pair(t);
  assert.deepEqual(await server.case("rpcStreams"), ["chunk 0;chunk 1;chunk 2;", "from the caller", "done", "one,two"]);
  assert.deepEqual(await server.case("big"), [20_000_000, 0]);
});

test("a chain of calls and what a request leads to have an end", async (t) => {
  const server = await pair(t);
  const [bottom, [name, , message]] = await server.case("depth");
  assert.deepEqual([bottom, name], ["bottom", "RangeError"]);
  assert.match(message, /16 times in a chain/);
  const [sum, [, , many]] = await server.case("many");
  assert.equal(sum, 20);
  assert.match(many, /may lead to 32 calls/);
});

test("a WebSocket passes through", async (t) => {
  const server = await pair(t);
  const socket = new WebSocket(`${server.url.replace("http", "ws")}/socket`);
  const events = [];
  socket.on("message", (data, isBinary) => events.push(isBinary ? [...data] : String(data)));
  const closed = new Promise((resolve, reject) => {
    socket.on("close", (code, reason) => resolve([code, String(reason)]));
    socket.on("error", reject);
  });
  await new Promise((resolve) => socket.on("open", resolve));
  socket.send("one");
  socket.send(Buffer.from([1, 2, 3]));
  socket.send("two");
  await until(() => events.length === 3, "three messages");
  assert.deepEqual(events, ["echo one", [1, 2, 3], "echo two"]);
  socket.send("bye");
  assert.deepEqual(await closed, [3001, "as asked"]);
});

test("a WebSocket of a worker that is replaced is closed as one that restarts", async (t) => {
  const directory = project(t, {
    "a/wrangler.json": config("a", [service("B", "b")]),
    "a/index.js": `export default { async fetch(request, env) {
      if (new URL(request.url).pathname === "/passed") return env.B.fetch(request);
      const { webSocket } = await env.B.fetch(request);
      const { 0: client, 1: server } = new WebSocketPair();
      webSocket.accept();
      server.accept();
      webSocket.addEventListener("message", ({ data }) => server.send(data));
      webSocket.addEventListener("close", ({ code, wasClean }) => { server.send(JSON.stringify([code, wasClean])); server.close(3000, "told"); });
      return new Response(null, { status: 101, webSocket: client });
    } };`,
    "b/wrangler.json": config("b", []),
    "b/index.js": `export default { fetch() {
      const { 0: client, 1: server } = new WebSocketPair();
      server.accept();
      server.send("hello");
      return new Response(null, { status: 101, webSocket: client });
    } };`,
  });
  const server = await dev(t, [`${directory}/a`, `${directory}/b`]);
  const open = async (path) => {
    const socket = new WebSocket(`${server.url.replace("http", "ws")}${path}`);
    const messages = [];
    socket.on("message", (data) => messages.push(String(data))).on("error", () => {});
    const closed = new Promise((resolve) => socket.on("close", resolve));
    await until(() => messages.length === 1, "the greeting");
    return { messages, closed };
  };
  const passed = await open("/passed"), read = await open("/read");
  write(directory, "b/index.js", "export default { fetch: () => new Response('new') };");
  assert.equal(await passed.closed, 1012);
  assert.equal(await read.closed, 3000);
  assert.deepEqual(read.messages, ["hello", "[1012,true]"]);
});
