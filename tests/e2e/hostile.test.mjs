// What a worker does to the language may not hurt the process that others share with it.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:net";
import { after, test } from "node:test";
import { WebSocket } from "ws";
import { afterwards, dev, project, requestHost } from "./atoll.mjs";

// The next awaits go on at once, with a value that nobody sent.
const forge = `
function forge(value) {
  const { then } = Promise.prototype;
  let left = 20;
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

const files = Object.entries(workers).flatMap(([name, text]) => [
  [`${name}/wrangler.toml`, `name = "${name}"\nmain = "index.js"\n`],
  [`${name}/index.js`, text],
]);
const directory = project({ after }, Object.fromEntries(files));
const names = Object.keys(workers);
const server = await dev({ after }, names.map((name) => `${directory}/${name}`), { cwd: directory });

/** Gives a function that asserts that the process is still the one that runs now. */
async function witness() {
  const count = async () => Number((await requestHost(server.port, "witness.localhost")).body);
  const before = await count();
  return async () => assert.equal(await count(), before + 1, "the process has ended");
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
