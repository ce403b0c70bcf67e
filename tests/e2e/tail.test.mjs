// Tails and stored logs from the command line, against a real server and against one that
// misbehaves.
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { createServer } from "node:http";
import test, { after } from "node:test";
import { afterwards, project, until } from "./atoll.mjs";
import { client, environment, start } from "./client.mjs";
import { serve } from "./serve.mjs";
import { inTerminal, KEY } from "./terminal.mjs";

const SCRIPTS = "/accounts/default/workers/scripts";

const servers = [];
after(() => Promise.all(servers.map((each) => each())));
const server = await serve({ after: (each) => servers.push(each) });
const { atoll, done, json } = client(() => server.base);

const NOISY = `export default {
  async fetch(request) {
    const { pathname } = new URL(request.url);
    if (pathname === "/quiet") return new Response("quiet");
    console.log("said", { path: pathname });
    if (pathname === "/warn") console.warn("first\\nsecond \\u001b[31mred");
    if (pathname === "/throw") throw new TypeError("on purpose");
    return new Response("noisy");
  },
};`;

async function deploy(name) {
  const answer = await server.deploy(name, NOISY);
  assert.ok(answer.success, JSON.stringify(answer.errors));
}

const tails = async (name) => (await server.api("GET", `${SCRIPTS}/${name}/tails`)).result;

/** A tail that is connected. */
async function tail(t, args) {
  const command = start(t, server.base, ["tail", ...args]);
  await command.shows(/tailing \S+; Ctrl-C ends it/);
  return command;
}

const events = (command) =>
  command.out.stdout
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line));

test("a pipe gets an object a line; an interrupt ends the tail on the server, too", async (t) => {
  await deploy("piped");
  const command = await tail(t, ["piped"]);
  assert.equal((await tails("piped")).length, 1);
  await server.ask("piped", "/quiet");
  await server.ask("piped", "/throw?x=1");
  await until(() => events(command).length === 2, "two events");
  const of = (path) => events(command).find(({ event }) => new URL(event.request.url).pathname === path);
  const [quiet, thrown] = [of("/quiet"), of("/throw")]; // two processes may have told them
  assert.equal(quiet.outcome, "ok");
  assert.equal(thrown.outcome, "exception");
  assert.deepEqual(thrown.logs[0].message, ["said", { path: "/throw" }]);
  command.child.kill("SIGINT");
  assert.equal((await command.closed).status, 0);
  assert.deepEqual(await tails("piped"), []);
});

test("pretty has a line for each request, and lines below it", async (t) => {
  await deploy("pretty");
  const command = await tail(t, ["pretty", "--format", "pretty"]);
  await server.ask("pretty", "/warn");
  await server.ask("pretty", "/throw");
  await command.shows(/on purpose/);
  command.child.kill("SIGTERM");
  const { status, stdout } = await command.closed;
  assert.equal(status, 0);
  assert.match(
    stdout,
    /^GET http:\/\/pretty\.localhost\/warn - Ok @ \d{4}-\d\d-\d\d \d\d:\d\d:\d\d \(200, \S+ ms, CPU \S+ ms\)\n {2}\(log\) said \{"path":"\/warn"\}\n {2}\(warn\) first\n {6}second \\x1b\[31mred\nGET http:\/\/pretty\.localhost\/throw - Exception Thrown @ .*\n {2}\(log\) said .*\n {2}TypeError: on purpose\n/,
  );
});

test("filters choose events", async (t) => {
  await deploy("chosen");
  const other = (await server.deploy("chosen", NOISY)).result.deployment_id;
  for (const [options, wanted] of [
    [["--status", "error"], ["/throw"]],
    [["--status", "ok", "--method", "post"], ["/quiet"]],
    [["--search", "first"], ["/warn"]],
    [["--header", "x-mark:this"], ["/warn"]],
    [["--ip", "self", "--method", "DELETE"], []],
    [["--version-id", other.slice(0, 8), "--sampling-rate", "1", "--status", "error", "--status", "ok"], ["/warn", "/throw", "/quiet"]],
  ]) {
    const command = await tail(t, ["chosen", ...options]);
    await server.ask("chosen", "/warn", { headers: { "x-mark": "this one" } });
    await server.ask("chosen", "/throw");
    await server.ask("chosen", "/quiet", { method: "POST" });
    await until(() => events(command).length >= wanted.length, `${options}`);
    command.child.kill("SIGINT");
    await command.closed;
    assert.deepEqual(events(command).map((event) => new URL(event.event.request.url).pathname), wanted, `${options}`);
  }
  for (const options of [["--status", "bad"], ["--format", "xml"], ["--sampling-rate", "2"], ["--sampling-rate", "0"], ["a", "b"]])
    assert.equal((await atoll(t, ["tail", "chosen", ...options])).status, 2, `${options}`);
  assert.equal((await atoll(t, ["tail", "chosen", "--version-id", "ffffffff"])).status, 4);
});

test("a tail ends with its worker", async (t) => {
  await deploy("doomed");
  const command = await tail(t, ["doomed"]);
  await server.api("DELETE", `${SCRIPTS}/doomed`);
  const { status, stderr } = await command.closed;
  assert.equal(status, 0);
  assert.match(stderr, /the worker was deleted/);
});

test("a tail ends with the reader of its pipe", async (t) => {
  await deploy("left");
  const command = await tail(t, ["left"]);
  command.child.stdout.destroy();
  await until(async () => {
    await server.ask("left", "/quiet");
    return command.child.exitCode !== null;
  }, "its end");
  assert.equal(command.child.exitCode, 0);
  await until(async () => (await tails("left")).length === 0, "the end of the tail");
});

test("at a terminal it is pretty, in colours, and Ctrl-C ends it", async (t) => {
  await deploy("shown");
  const cwd = project(t);
  const terminal = await inTerminal(t, ["tail", "shown"], { cwd, env: { ...environment(server.base, cwd), NO_COLOR: "" } });
  await terminal.shows("tailing shown");
  await server.ask("shown", "/warn");
  await terminal.shows("second");
  assert.match(terminal.output, /\x1b\[1mGET\x1b\[0m http:\/\/shown\.localhost\/warn - \x1b\[32mOk\x1b\[0m/);
  assert.match(terminal.output, /\x1b\[33mfirst/);
  assert.ok(!terminal.output.includes("\x1b[31mred"), terminal.output);
  terminal.type(KEY.interrupt);
  assert.equal(await terminal.status(), 0);
  assert.deepEqual(await tails("shown"), []);
});

// ---- stored logs ----

test("stored events are shown with the newest last", async (t) => {
  await deploy("kept");
  assert.match((await done(t, ["logs", "kept"])).stderr, /nothing is kept of kept/);
  let stored = [];
  for (const path of ["/quiet", "/one", "/throw", "/three"]) {
    await server.ask("kept", path); // by one of two processes: each event is waited for
    const count = stored.length + (path === "/quiet" ? 0 : 1);
    stored = await until(async () => {
      const found = await json(t, ["logs", "kept"]);
      return found.length === count && found;
    }, `${count} stored events`);
  }
  const paths = (list) => list.map((event) => new URL(event.event.request.url).pathname);
  assert.deepEqual(paths(stored), ["/three", "/throw", "/one"]);
  const { stdout } = await done(t, ["logs", "kept"]);
  assert.deepEqual(stdout.match(/^GET \S+/gm).map((line) => new URL(line.slice(4)).pathname), ["/one", "/throw", "/three"]);

  assert.deepEqual(paths(await json(t, ["logs", "kept", "--status", "error"])), ["/throw"]);
  assert.deepEqual(paths(await json(t, ["logs", "kept", "--status", "ok", "--status", "error"])), ["/three", "/throw", "/one"]);
  assert.deepEqual(paths(await json(t, ["logs", "kept", "--search", "ON PURPOSE"])), ["/throw"]);
  assert.deepEqual(paths(await json(t, ["logs", "kept", "--limit", "2"])), ["/three", "/throw"]);
  assert.deepEqual(await json(t, ["logs", "kept", "--until", "1h"]), []);
  assert.equal((await json(t, ["logs", "kept", "--since", "1h"])).length, 3);
  for (const options of [["--since", "soon"], ["--until", "1x"], ["--since", "1h", "--until", "2h"], ["--status", "x"], ["--limit", "0"], ["--until", "1h", "--follow"]])
    assert.equal((await atoll(t, ["logs", "kept", ...options])).status, 2, `${options}`);
});

test("following goes on where the log ends, and shows nothing twice", async (t) => {
  await deploy("followed");
  await server.ask("followed", "/before");
  await until(async () => (await json(t, ["logs", "followed"])).length === 1, "the stored event");
  const command = start(t, server.base, ["logs", "followed", "--follow", "--json"]);
  await command.shows(/following followed; Ctrl-C ends it/);
  await server.ask("followed", "/after");
  await until(() => events(command).length === 2, "both events");
  command.child.kill("SIGINT");
  assert.equal((await command.closed).status, 0);
  assert.deepEqual(events(command).map((event) => new URL(event.event.request.url).pathname), ["/before", "/after"]);
  assert.deepEqual(await tails("followed"), []);
});

// ---- a server that misbehaves ----

const frame = (opcode, payload, { final = true, length } = {}) => {
  const bytes = Buffer.from(payload);
  const size = length ?? bytes.length;
  const head = size < 126 ? Buffer.from([0, size]) : Buffer.alloc(10);
  if (size >= 126) {
    head[1] = 127;
    head.writeBigUInt64BE(BigInt(size), 2);
  }
  head[0] = (final ? 0x80 : 0) | opcode;
  return Buffer.concat([head, bytes]);
};
const text = (value) => frame(1, typeof value === "string" ? value : JSON.stringify(value));
const close = (code) => frame(8, Buffer.from([code >> 8, code & 0xff]));
const EVENT = { outcome: "ok", event: { cron: "* * * * *" }, logs: [], exceptions: [], eventTimestamp: 1 };

/** Shakes hands as it should. */
function accept(socket, request) {
  const key = createHash("sha1").update(`${request.headers["sec-websocket-key"]}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`);
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-accept: ${key.digest("base64")}\r\nsec-websocket-protocol: trace-v1\r\n\r\n`,
  );
}

/**
 * A made-up API whose tails are watched at a WebSocket that does what `acts` say, one for each
 * connection; after the last one the worker is gone. `url` changes what a tail's address is.
 */
async function misbehaving(t, acts, { url = (own) => own } = {}) {
  const seen = { made: 0, deleted: 0 };
  const http = createServer((request, response) => {
    const answer = (status, result, errors = []) => {
      response.writeHead(status, { "content-type": "application/json" });
      response.end(JSON.stringify({ success: status < 400, result, errors, messages: [] }));
    };
    const gone = () => answer(404, null, [{ code: 10007, message: "This worker does not exist." }]);
    if (request.method === "DELETE") answer(200, null, [void seen.deleted++].slice(1));
    else if (request.method !== "POST") request.url.includes("subdomain") ? answer(200, {}) : answer(200, []);
    else if (seen.made++ >= acts.length) gone();
    else answer(200, { id: `tail${seen.made}`, url: url(`ws://127.0.0.1:${http.address().port}/watch`), expires_at: "2030-01-01T00:00:00Z" });
  });
  const open = new Set();
  http.on("connection", (socket) => open.add(socket));
  http.on("upgrade", (request, socket) => {
    socket.on("error", () => {});
    acts[seen.made - 1](socket, request);
  });
  await new Promise((resolve) => http.listen(0, "127.0.0.1", resolve));
  afterwards(t, () => {
    for (const socket of open) socket.destroy();
    http.close();
  });
  seen.base = `http://127.0.0.1:${http.address().port}/client/v4`;
  return seen;
}

test("a connection that is lost is made again, and the tail goes on", async (t) => {
  const fake = await misbehaving(t, [
    (socket, request) => {
      accept(socket, request);
      socket.end(Buffer.concat([text({ ...EVENT, mark: 1 }), close(1001)]));
    },
    (socket, request) => {
      accept(socket, request);
      socket.end(text({ ...EVENT, mark: 2 }));
    },
    (socket, request) => {
      accept(socket, request);
      socket.end(Buffer.concat([frame(2, JSON.stringify({ ...EVENT, mark: 3 })), close(1000)]));
    },
  ]);
  const { status, stdout, stderr } = await start(t, fake.base, ["tail", "x"]).closed;
  assert.equal(status, 0, stderr);
  assert.deepEqual(stdout.trim().split("\n").map((line) => JSON.parse(line).mark), [1, 2, 3]);
  assert.equal(stderr.match(/the connection was lost \(.*\): trying again\n/g).length, 2, stderr);
  assert.equal(stderr.match(/connected again; what happened in between is not shown\n/g).length, 2);
  assert.match(stderr, /the server ended this tail\n$/);
});

/** Everything below is followed by a lost connection, another try, and the end of the worker. */
const CRIMES = {
  "no event": (socket) => socket.end(Buffer.concat([text("hello"), text("[1]"), text("{"), text('"x"'), text(""), frame(2, randomBytes(64))])),
  "text that is no UTF-8": (socket) => socket.write(frame(1, Buffer.from([0xff, 0xfe]))),
  "a reserved opcode": (socket) => socket.write(frame(7, "x")),
  "a frame longer than all memory": (socket) => socket.write(frame(1, "x", { length: 2 ** 50 })),
  "a message without an end": (socket) => {
    socket.write(frame(1, '{"a":"', { final: false }));
    const more = () => {
      for (let i = 0; i < 8 && !socket.destroyed; i++) if (!socket.write(frame(0, "x".repeat(65536), { final: false }))) return;
      if (!socket.destroyed) setImmediate(more);
    };
    socket.on("drain", more);
    more();
  },
  "a continuation of nothing": (socket) => socket.write(frame(0, "x")),
  "a close with a code that nobody may send": (socket) => socket.write(close(1005)),
  "random bytes": (socket) => socket.end(randomBytes(4096)),
  "half a frame": (socket) => socket.end(frame(1, '{"outcome"', { length: 100 })),
  "a deep event": (socket) => socket.end(text(`{"logs":${"[".repeat(100000)}`)),
  "nothing at all": (socket) => socket.destroy(),
  "pings without a pause": (socket) => socket.end(Buffer.concat(Array(10000).fill(frame(9, "are you there")))),
};

for (const [name, crime] of Object.entries(CRIMES)) {
  test(`a server that sends ${name}`, async (t) => {
    const fake = await misbehaving(t, [
      (socket, request) => {
        accept(socket, request);
        crime(socket);
      },
    ]);
    const { status, stdout, stderr } = await start(t, fake.base, ["tail", "x"]).closed;
    assert.equal(status, 4, stderr);
    assert.equal(stdout, "");
    assert.match(stderr, /tailing x;/);
    assert.match(stderr, /the connection was lost \(.+\): trying again\n/);
    assert.match(stderr, /no worker "x"/);
    assert.equal(stderr.includes("is no event"), ["no event", "a deep event"].includes(name), stderr);
    assert.equal(fake.made, 2);
  });
}

test("a server whose WebSocket is none", async (t) => {
  for (const [act, words] of [
    [(socket) => socket.end("HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n"), /cannot be watched: .*403/],
    [(socket) => socket.end("HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-accept: no\r\n\r\n"), /cannot be watched: /],
    [(socket) => socket.end(randomBytes(200)), /cannot be watched: /],
    [(socket) => socket.destroy(), /cannot be watched: /],
  ]) {
    const fake = await misbehaving(t, [act]);
    const { status, stderr } = await start(t, fake.base, ["tail", "x"]).closed;
    assert.equal(status, 5, stderr);
    assert.match(stderr, words);
  }
  for (const [url, status] of [
    [() => "http://127.0.0.1/x", 1],
    [() => "not an address", 1],
    [() => 7, 1],
    [() => `ws://127.0.0.1/${"x".repeat(20000)}`, 1],
    [() => "ws://127.0.0.1:1/x", 5],
  ]) {
    const fake = await misbehaving(t, [() => {}], { url });
    const result = await start(t, fake.base, ["tail", "x"]).closed;
    assert.equal(result.status, status, result.stderr);
    assert.match(result.stderr, /^error: .*tail/);
  }
});

test("an interrupt while it waits to connect again ends it at once", async (t) => {
  const crime = (socket, request) => {
    accept(socket, request);
    socket.destroy();
  };
  const fake = await misbehaving(t, Array(5).fill(crime));
  const command = start(t, fake.base, ["tail", "x"]);
  await until(() => fake.made >= 3, "three tries"); // the next one is a second away
  await command.shows(/trying again\n(.*\n)*.*trying again\n(.*\n)*.*trying again\n/);
  command.child.kill("SIGINT");
  assert.equal((await command.closed).status, 0);
  assert.ok(fake.made < 5, "it ended by the interrupt, not with the worker");
});
