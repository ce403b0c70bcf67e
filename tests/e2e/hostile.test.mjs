// What a worker does to the language may not hurt the process that others share with it.
import assert from "node:assert/strict";
import { once } from "node:events";
import { request } from "node:http";
import { createServer } from "node:net";
import { after, test } from "node:test";
import { WebSocket } from "ws";
import { afterwards, dev, project, requestHost } from "./atoll.mjs";

// The next awaits go on at once, with a value that nobody sent.
const forge = `
function forge(value, left = 20) {
  const { then } = Promise.prototype;
  Promise.prototype.constructor = Object;
  Promise.prototype.then = function (resolve, reject) {
    if (left-- > 0) return resolve(value);
    Promise.prototype.constructor = Promise;
    Promise.prototype.then = then;
    return then.call(this, resolve, reject);
  };
}`;
const pair = (body) => `${forge}
export default {
  fetch() {
    const { 0: client, 1: server } = new WebSocketPair();
    server.accept();
    server.onmessage = ({ data }) => { ${body} };
    return new Response(null, { status: 101, webSocket: client });
  },
};`;

const workers = {
  passes: `export default { fetch: (request) => fetch("http://" + new URL(request.url).searchParams.get("to")) };`,
  witness: `let count = 0; export default { fetch: () => new Response(String(++count)) };`,
  "next-twice": pair(`forge("forged");`),
  "long-reason": pair(`
    String.prototype.toWellFormed = () => ({ count: 0, toString() { return this.count++ ? "x".repeat(200) : ""; } });
    server.close(1000, "short");`),
  "pull-twice": `${forge}
import { connect } from "cloudflare:sockets";
export default {
  async fetch(request) {
    const socket = connect(new URL(request.url).searchParams.get("to"));
    await socket.opened;
    const reader = socket.readable.getReader();
    forge(new Uint8Array(1));
    for (let i = 0; i < 10; i++) reader.read();
    return new Response("read");
  },
};`,
  "fetch-read-twice": `${forge}
export default {
  async fetch(request) {
    const answer = await fetch("http://" + new URL(request.url).searchParams.get("to"));
    const reader = answer.body.getReader();
    forge(new Uint8Array(1));
    for (let i = 0; i < 10; i++) reader.read();
    return new Response("read");
  },
};`,
  "fetch-aborted": `
export default {
  async fetch(request) {
    const to = "http://" + new URL(request.url).searchParams.get("to");
    for (let i = 0; i < 100; i++) {
      const control = new AbortController();
      const answer = fetch(to, { signal: control.signal }).catch(() => {});
      await scheduler.wait(0);
      if (i % 2) await scheduler.wait(0);
      control.abort(); // in the turn of the loop in which it began to connect
      await answer;
    }
    return new Response("aborted");
  },
};`,
  "put-twice": `${forge}
export default {
  async fetch(request) {
    const body = new Response(new Uint8Array(5 << 20), { headers: { "cache-control": "max-age=60" } });
    const other = new Response(new Uint8Array(5 << 20), { headers: { "cache-control": "max-age=60" } });
    await caches.default.match(request.url);
    forge(undefined);
    caches.default.put(request.url, body);
    caches.default.put(request.url, other);
    return new Response("put");
  },
};`,
};

// Each ends in an answer of any kind, or in none, and in the same process.
const asked = {
  "cache-forged": `${forge}
export default { async fetch() {
  await caches.default.match("http://first/");
  forge([200, "", "", null, {}], 1);
  const found = await caches.default.match("http://forged/");
  return new Response(await found.text());
} };`,
  "cache-status": `${forge}
export default { async fetch() {
  await caches.default.match("http://first/");
  forge([9999, "", "", new Uint8Array(9), undefined], 1);
  return caches.default.match("http://forged/");
} };`,
  "fetch-status": `${forge}
export default { async fetch(request) {
  const to = "http://" + new URL(request.url).searchParams.get("to");
  await fetch("http://127.0.0.1:1/").catch(() => {});
  forge(7, 1);
  return fetch(to);
} };`,
  "fetch-unbegun": `
const { resolve } = Promise, Native = Promise;
export default { async fetch(request) {
  const to = "http://" + new URL(request.url).searchParams.get("to");
  await fetch("http://127.0.0.1:1/").catch(() => {});
  globalThis.Promise = function () { return resolve.call(Native, 1200); };
  const answer = await fetch(to);
  globalThis.Promise = Native;
  return new Response(await answer.text());
} };`,
  "fetch-flood": `${forge}
export default { async fetch(request) {
  const to = "http://" + new URL(request.url).searchParams.get("to");
  const piece = new Uint8Array(1 << 20);
  const body = new ReadableStream({ pull(controller) { controller.enqueue(piece); } });
  const { then } = Promise.prototype;
  fetch(to, { method: "POST", body }).catch(() => {});
  await scheduler.wait(10);
  let turns = 3000; // of waits that are over before they have begun
  Promise.prototype.constructor = Object;
  Promise.prototype.then = function (a, b) { return turns-- > 0 && a ? a(piece) : then.call(this, a, b); };
  await scheduler.wait(100);
  Promise.prototype.then = then;
  Promise.prototype.constructor = Promise;
  return new Response("flooded");
} };`,
  "html-setters": `
export default { fetch() {
  return new HTMLRewriter().on("p", { element(element) {
    element.setAttribute("a", "y".repeat(1000));
    element.getAttribute("b");
    let turns = 10;
    Object.defineProperty(Array.prototype, "0", { configurable: true, set() {
      if (turns-- <= 0) return;
      element.setAttribute("z" + turns, "x".repeat(100000));
      element.getAttribute("q");
    } });
    const all = [...element.attributes];
    delete Array.prototype[0];
    element.setInnerContent(String(all.length));
  } }).transform(new Response("<p a=1 b=2>text"));
} };`,
  "html-pulls": `${forge}
export default { async fetch() {
  const encoder = new TextEncoder();
  let turns = 30;
  const body = new ReadableStream({ async pull(controller) {
    await scheduler.wait(1);
    if (turns-- > 0) controller.enqueue(encoder.encode("<p id=a>one</p><p id=b>two"));
    else controller.close();
  } });
  let kept;
  const answer = new HTMLRewriter().on("p", { async element(element) {
    kept = element;
    await scheduler.wait(2);
    element.setAttribute("c", "d".repeat(1000));
  } }).transform(new Response(body));
  const reader = answer.body.getReader(), { then } = Promise.prototype;
  for (let round = 0; round < 6; round++) {
    forge(round % 2 ? encoder.encode("<p>") : undefined, 3 * round);
    for (let i = 0; i < 10; i++) reader.read();
    if (Promise.prototype.then !== then) continue;
    await scheduler.wait(3);
    try { [...kept.attributes]; kept.tagName; kept.setAttribute("e", "f"); kept.append("g"); kept.onEndTag(() => {}); } catch {}
  }
  return new Response("rewritten");
} };`,
  "html-charset": `
export default { async fetch() {
  const answer = new Response("<p>", { headers: { "content-type": "text/html; charset=koi8-r" } });
  await new HTMLRewriter().transform(answer.clone()).text();
  Map.prototype.get = RegExp.prototype.exec = () => ["", undefined, { toString() { throw new Error("no"); } }];
  Object.hasOwn = () => true;
  return new HTMLRewriter().on("p", {}).transform(answer);
} };`,
  "service-ops": `
import { WorkerEntrypoint } from "cloudflare:workers";
export class Own extends WorkerEntrypoint { echo(value) { return value; } }
const { apply } = Reflect, calls = [];
Reflect.apply = (f, self, given) => { if (String(f.name).startsWith("op_") || typeof given[0] === "number") calls.push([f, given]); return apply(f, self, given); };
export default { async fetch(request, env) {
  if (request.headers.has("inner")) return new Response("inner");
  await env.SELF.echo({ a: new Uint8Array(9) });
  const answer = env.SELF.fetch("http://a/", { headers: { inner: "1" } });
  const numbers = [0, -1, 1, 2, 3, 65535, 65536, 65537, 131073, 0x3fff0001, 0x7fffffff, 0x7fff3fff, -(2 ** 31), 1e300, NaN, "5", {}, undefined];
  const texts = ["", "[]", "[1]", "[2,0]", "{}", "null", "x", "[1,1,1,[],[]]", { toString() { throw new Error("mine"); } }, Symbol("s")];
  for (const [f, given] of calls.slice(0, 20))
    for (const number of [...numbers, given[0]])
      for (const text of texts)
        for (const extra of [undefined, new Uint8Array(3), 5])
          for (const rest of [[true, 101, text, extra], [false, -5, text, extra], [text, text, extra], [text]])
            try { f(number, ...rest); } catch {}
  try { await Promise.race([answer, scheduler.wait(50)]); } catch {}
  return new Response(String(calls.length));
} };`,
  "answer-flood": `
export default { fetch() {
  const piece = new Uint8Array(1 << 20), { then } = Promise.prototype;
  setTimeout(() => {
    let turns = 3000;
    Promise.prototype.constructor = Object;
    Promise.prototype.then = function (a, b) { return turns-- > 0 && a ? a(piece) : then.call(this, a, b); };
    setTimeout(() => { Promise.prototype.then = then; Promise.prototype.constructor = Promise; }, 100);
  }, 20);
  return new Response(new ReadableStream({ pull(controller) { controller.enqueue(piece); } }));
} };`,
};
Object.assign(workers, asked);

const files = Object.entries(workers).flatMap(([name, text]) => [
  [`${name}/wrangler.toml`, `name = "${name}"\nmain = "index.js"\n` +
    (name === "service-ops" ? `services = [{ binding = "SELF", service = "${name}", entrypoint = "Own" }]\n` : "")],
  [`${name}/index.js`, text],
]);
const scope = { after };
const directory = project(scope, Object.fromEntries(files));
const names = Object.keys(workers);
const server = await dev(scope, names.map((name) => `${directory}/${name}`), { cwd: directory });
afterwards(scope, () => server.kill());

/** Gives a function that asserts that the process is still the one that runs now. */
async function witness() {
  const count = async () => Number((await requestHost(server.port, "witness.localhost")).body);
  const before = await count();
  return async () => assert.equal(await count(), before + 1, "the process has ended");
}

/** What comes of an answer within a moment; some never end. */
function glance(host, path) {
  return new Promise((resolve) => {
    const asked = request({ port: server.port, host: "127.0.0.1", path, headers: { host }, agent: false }, (answer) => {
      answer.on("data", () => {}).on("close", resolve);
    });
    asked.on("error", resolve).on("close", resolve).setTimeout(400, () => asked.destroy()).end();
  });
}

for (const name of ["next-twice", "long-reason"])
  test(`a WebSocket: ${name}`, async (t) => {
    const survives = await witness();
    const socket = new WebSocket(`ws://127.0.0.1:${server.port}/`, { headers: { host: `${name}.localhost` } });
    socket.on("error", () => {});
    afterwards(t, () => socket.terminate());
    await once(socket, "open");
    socket.send("now");
    socket.send("and now");
    const other = new WebSocket(`ws://127.0.0.1:${server.port}/`, { headers: { host: `${name}.localhost` } });
    afterwards(t, () => other.terminate());
    await new Promise((resolve) => other.on("open", resolve).on("error", resolve));
    await survives();
  });

for (const [name, hello] of [
  ["pull-twice", "hello"],
  ["fetch-read-twice", "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhello"],
  ["fetch-aborted", ""],
])
  test(`a connection: ${name}`, async (t) => {
    const tcp = createServer((socket) => socket.on("error", () => {}).write(hello));
    tcp.listen(0, "127.0.0.1");
    await once(tcp, "listening");
    afterwards(t, () => tcp.close());
    const survives = await witness();
    await requestHost(server.port, `${name}.localhost`, `/?to=127.0.0.1:${tcp.address().port}`).catch(() => {});
    await survives();
  });

test("the cache: put-twice", async () => {
  const survives = await witness();
  for (let i = 0; i < 3; i++) await requestHost(server.port, "put-twice.localhost", `/${i}`).catch(() => {});
  await survives();
});

for (const name of Object.keys(asked))
  test(`a request: ${name}`, async (t) => {
    const upstream = createServer((socket) => socket.on("error", () => {}).write("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhello"));
    upstream.listen(0, "127.0.0.1");
    await once(upstream, "listening");
    afterwards(t, () => upstream.close());
    const survives = await witness();
    await glance(`${name}.localhost`, `/?to=127.0.0.1:${upstream.address().port}`);
    await survives();
  });

test("an upstream's status is passed on, whatever it is", async (t) => {
  for (const [sent, expected] of [["999 Denied", 999], ["600 Beyond", 600], ["299 Odd", 299]]) {
    const upstream = createServer((socket) => socket.on("error", () => {}).end(`HTTP/1.1 ${sent}\r\ncontent-length: 2\r\n\r\nhi`));
    upstream.listen(0, "127.0.0.1");
    await once(upstream, "listening");
    afterwards(t, () => upstream.close());
    const answer = await requestHost(server.port, "passes.localhost", `/?to=127.0.0.1:${upstream.address().port}`);
    assert.equal(answer.status, expected, answer.body);
  }
});
