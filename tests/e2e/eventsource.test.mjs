// EventSource with the real binary, against a server that writes, ends, refuses and redirects.
import assert from "node:assert/strict";
import http from "node:http";
import { join } from "node:path";
import { after, before, test as testOf } from "node:test";
import { dev, project, until } from "./atoll.mjs";

// Opens a source and tells what happened until `count` messages came or it was closed.
const WORKER = `
export default {
  async fetch(request) {
    const { url, count } = await request.json();
    const source = new EventSource(url, { withCredentials: true });
    const log = [["made", source.readyState, source.url, source.withCredentials]];
    await new Promise((resolve) => {
      let left = count;
      source.onopen = () => log.push(["open", source.readyState]);
      source.onmessage = (event) => {
        log.push([event.type, event.data, event.lastEventId, event.origin]);
        if (--left === 0) resolve();
      };
      source.addEventListener("named", source.onmessage);
      source.onerror = () => {
        log.push(["error", source.readyState]);
        if (source.readyState === EventSource.CLOSED) resolve();
      };
    });
    source.close();
    log.push(["closed", source.readyState]);
    return Response.json(log);
  },
};
`;

const test = (name, run) => testOf(name, { timeout: 30_000 }, run);
const suite = { ended: [], after: (callback) => suite.ended.push(callback) };
const asked = []; // { path, headers } of each request
let closed = 0;
let origin;
let worker;

const stream = { "content-type": "text/event-stream" };
const routes = {
  "/two"(_, response) {
    response.writeHead(200, stream).write("data: one\n\nevent: named\nid: 7\nda");
    setTimeout(() => response.write("ta: two\n\n"), 20);
  },
  "/again"({ headers }, response) {
    const id = Number(headers["last-event-id"] ?? 0) + 1;
    response.writeHead(200, { "content-type": "Text/Event-Stream; charset=UTF-8" }).end(`retry: 10\nid: ${id}\ndata: ${id}\n\ndata: lost`);
  },
  "/broken"({ headers, socket }, response) {
    if (headers["last-event-id"]) return response.writeHead(200, stream).end("data: back\n\n");
    response.writeHead(200, stream).write("retry: 10\nid: x\ndata: first\n\n");
    setTimeout(() => socket.destroy(), 20);
  },
  "/moved": (_, response) => response.writeHead(302, { location: `${origin.replace("127.0.0.1", "localhost")}/two` }).end(),
  "/missing": (_, response) => response.writeHead(404, stream).end("data: x\n\n"),
  "/empty": (_, response) => response.writeHead(204, stream).end(),
  "/html": (_, response) => response.writeHead(200, { "content-type": "text/html" }).end("data: x\n\n"),
  "/untyped": (_, response) => response.writeHead(200).end("data: x\n\n"),
};

before(async () => {
  const server = http.createServer((request, response) => {
    asked.push({ path: request.url, headers: request.headers });
    response.on("close", () => closed++);
    routes[request.url](request, response);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  suite.after(() => {
    server.closeAllConnections();
    server.close();
  });
  origin = `http://127.0.0.1:${server.address().port}`;
  const path = join(project(suite, { "worker.js": WORKER }), "worker.js");
  worker = await dev(suite, path, { args: ["--quiet"] });
});

after(async () => {
  for (const end of suite.ended.reverse()) await end();
});

async function listen(path, count = 1) {
  asked.length = 0;
  const answer = await fetch(worker.url, { method: "POST", body: JSON.stringify({ url: origin + path, count }) });
  return answer.json();
}
const made = (path) => ["made", 0, origin + path, true];

test("events come, and close() ends the connection", async () => {
  closed = 0;
  assert.deepEqual(await listen("/two", 2), [
    made("/two"),
    ["open", 1],
    ["message", "one", "", origin],
    ["named", "two", "7", origin],
    ["closed", 2],
  ]);
  const { headers } = asked[0];
  assert.equal(headers.accept, "text/event-stream");
  assert.equal(headers["cache-control"], "no-cache");
  assert.equal(headers["last-event-id"], undefined);
  await until(() => closed === 1, "the connection to be closed");
});

test("after the end it asks again, with the last id", async () => {
  const log = await listen("/again", 3);
  const round = (n) => [["open", 1], ["message", `${n}`, `${n}`, origin]];
  assert.deepEqual(log, [made("/again"), ...round(1), ["error", 0], ...round(2), ["error", 0], ...round(3), ["closed", 2]]);
  assert.deepEqual(asked.map(({ headers }) => headers["last-event-id"]), [undefined, "1", "2"]);
});

test("after a connection that broke, too", async () => {
  const log = await listen("/broken", 2);
  assert.deepEqual(log.map(([kind, what]) => [kind, what]), [
    ["made", 0], ["open", 1], ["message", "first"], ["error", 0], ["open", 1], ["message", "back"], ["closed", 2],
  ]);
});

test("the origin of an event is that of the last redirect", async () => {
  const log = await listen("/moved", 1);
  assert.deepEqual(log[2], ["message", "one", "", origin.replace("127.0.0.1", "localhost")]);
  assert.equal(log[0][2], `${origin}/moved`);
});

test("an answer that is none ends it", async () => {
  for (const path of ["/missing", "/empty", "/html", "/untyped"])
    assert.deepEqual(await listen(path), [made(path), ["error", 2], ["closed", 2]], path);
});
