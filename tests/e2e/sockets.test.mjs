// cloudflare:sockets with the real binary: TCP, TLS and STARTTLS to servers of ours.
import assert from "node:assert/strict";
import net from "node:net";
import { join } from "node:path";
import { after, before, test as testOf } from "node:test";
import tls from "node:tls";
import { dev, project, sleep, until, write } from "./atoll.mjs";
import { makeCertificates } from "./certificates.mjs";

const WORKER = `
import { connect } from "cloudflare:sockets";

const encode = (text) => new TextEncoder().encode(text);
const decode = (bytes) => new TextDecoder().decode(bytes);
const failure = async (promise) => {
  try {
    await promise;
  } catch (error) {
    return { name: error.name, message: error.message };
  }
};
async function textOf(readable) {
  return await new Response(readable).text();
}
async function say(socket, text) {
  const writer = socket.writable.getWriter();
  await writer.write(encode(text));
  writer.releaseLock();
}
async function hear(socket) {
  const reader = socket.readable.getReader();
  const { value } = await reader.read();
  reader.releaseLock();
  return value === undefined ? undefined : decode(value);
}

const kept = [];

const routes = {
  async echo({ address, options, text = "hello" }) {
    const socket = connect(address, options);
    const info = await socket.opened;
    await say(socket, text);
    const heard = await hear(socket);
    await socket.close();
    await socket.closed;
    return { info, heard, secure: socket.secureTransport, upgraded: socket.upgraded, tag: String(socket) };
  },
  // One turn without waiting for the connection.
  async eager({ address }) {
    const socket = connect(address);
    const writer = socket.writable.getWriter();
    writer.write(encode("a "));
    writer.write(encode("line"));
    await writer.close();
    return { heard: await textOf(socket.readable), closed: await socket.closed };
  },
  async large({ address, bytes }) {
    const socket = connect(address, { allowHalfOpen: true });
    const send = async () => {
      const writer = socket.writable.getWriter();
      for (let at = 0; at < bytes; at += 100_000) {
        const block = new Uint8Array(Math.min(100_000, bytes - at));
        for (let i = 0; i < block.length; i++) block[i] = (at + i) % 251;
        await writer.write(block);
      }
      await writer.close();
    };
    const sent = send();
    let got = 0;
    let wrong = 0;
    for await (const chunk of socket.readable) for (const byte of chunk) wrong += byte !== got++ % 251;
    await sent;
    return { got, wrong };
  },
  async unread({ address, ms }) {
    const socket = connect(address);
    await socket.opened;
    kept.push(socket);
    return {};
  },
  async unheard({ address }) {
    const socket = connect(address);
    const writer = socket.writable.getWriter();
    let written = 0;
    let waits = false;
    while (!waits && written < 100e6) {
      const done = writer.write(new Uint8Array(100_000)).then(() => "done");
      waits = (await Promise.race([done, scheduler.wait(500)])) !== "done";
      written += 100_000;
    }
    return { written, waits, desired: writer.desiredSize };
  },
  async errors({ address, options }) {
    const socket = connect(address, options);
    const [opened, closed, read, written] = await Promise.all([
      failure(socket.opened),
      failure(socket.closed),
      failure(socket.readable.getReader().read()),
      failure(socket.writable.getWriter().write(encode("x"))),
    ]);
    return { opened, closed, read, written };
  },
  async invalid({ address, options, how }) {
    return failure((async () => {
      const socket = connect(address, options);
      if (how === "startTls") socket.startTls();
    })());
  },
  async string({ address }) {
    const socket = connect(address);
    return failure(socket.writable.getWriter().write("text"));
  },
  // The other side ends first; options tell whether ours may go on.
  async half({ address, options }) {
    const socket = connect(address, options);
    const got = await textOf(socket.readable);
    const writer = socket.writable.getWriter();
    const wrote = await failure(writer.write(encode("still here")));
    if (wrote === undefined) await writer.close();
    await socket.closed;
    return { got, wrote };
  },
  async closing({ address }) {
    const socket = connect(address);
    const reader = socket.readable.getReader();
    const writer = socket.writable.getWriter();
    const read = reader.read();
    for (let i = 0; i < 100; i++) writer.write(new Uint8Array(50_000));
    await socket.close();
    return { done: (await read).done, closed: (await socket.closed) === undefined, again: await failure(writer.write(encode("x"))) };
  },
  async cancel({ address }) {
    const socket = connect(address);
    await socket.opened;
    await socket.readable.cancel("enough");
    await socket.writable.close();
    await socket.closed;
    return {};
  },
  async byob({ address }) {
    const socket = connect(address);
    await say(socket, "0123456789");
    const reader = socket.readable.getReader({ mode: "byob" });
    let text = "";
    while (text.length < 10) text += decode((await reader.read(new Uint8Array(3))).value);
    await socket.close();
    return { text };
  },
  async starttls({ address, name, dirty }) {
    const plain = connect(address, { secureTransport: "starttls" });
    const writer = plain.writable.getWriter();
    const reader = plain.readable.getReader();
    writer.write(encode("STARTTLS\\n"));
    const answer = decode((await reader.read()).value);
    const pending = dirty ? failure(reader.read()) : undefined;
    writer.releaseLock();
    reader.releaseLock();
    const closed = plain.closed.then(() => "closed");
    const socket = plain.startTls(name === undefined ? undefined : { expectedServerHostname: name });
    const twice = await failure((async () => plain.startTls())());
    const refused = await failure(socket.opened);
    if (refused) return { refused };
    await say(socket, "secret");
    const heard = await hear(socket);
    await socket.close();
    if (pending) await pending;
    return { answer, heard, twice, closed: await closed, plain: [plain.secureTransport, plain.upgraded],
      secure: [socket.secureTransport, socket.upgraded] };
  },
  async many({ address, count }) {
    const sockets = [];
    let refused;
    for (let i = 0; i < count; i++) {
      const socket = connect(address);
      const opened = await failure(socket.opened);
      if (opened) refused = opened.message;
      else sockets.push(socket);
    }
    for (const socket of sockets) await socket.close();
    return { open: sockets.length, refused };
  },
  async fetch({ address }) {
    return failure(fetch(address));
  },
};

export default {
  async fetch(request) {
    const { pathname } = new URL(request.url);
    if (pathname === "/proxy") {
      const socket = connect(await request.text());
      return new Response(socket.readable);
    }
    try {
      return Response.json(await routes[pathname.slice(1)](await request.json()));
    } catch (error) {
      return Response.json({ threw: String(error.stack) });
    }
  },
};
`;

const test = (name, run) => testOf(name, { timeout: 30_000 }, run);
const suite = { ended: [], after: (callback) => suite.ended.push(callback) };
const at = {}; // addresses of the servers
const seen = { bytes: 0, closed: 0, ended: 0, sent: 0 };
let certificates;
let worker;
let file;

// A STARTTLS server: one line in plain, the rest in TLS.
function upgradable(socket) {
  socket.once("data", (line) => {
    assert.equal(String(line), "STARTTLS\n");
    socket.write("OK\n");
    const secure = new tls.TLSSocket(socket, { isServer: true, ...certificates.trusted });
    secure.on("error", () => {});
    secure.pipe(secure);
  });
}

function flood(socket) {
  const block = Buffer.alloc(64 * 1024);
  const more = () => {
    while (seen.sent < 200e6) {
      seen.sent += block.length;
      if (!socket.write(block)) return socket.once("drain", more);
    }
    socket.end();
  };
  more();
}

before(async () => {
  certificates = makeCertificates(suite);
  const add = async (name, server) => {
    server.on("connection", (socket) => {
      socket.on("error", () => {});
      socket.on("close", () => seen.closed++);
      suite.after(() => socket.destroy());
    });
    await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
    suite.after(() => server.close());
    at[name] = `127.0.0.1:${server.address().port}`;
  };
  const whole = { allowHalfOpen: true };
  await add("echo", net.createServer(whole, (socket) => socket.pipe(socket)));
  await add("count", net.createServer((socket) => socket.on("data", ({ length }) => (seen.bytes += length)).on("end", () => seen.ended++)));
  await add("deaf", net.createServer((socket) => socket.pause()));
  await add("flood", net.createServer(flood));
  await add("greet", net.createServer(whole, (socket) => {
    let got = "";
    socket.on("data", (data) => (got += data)).on("end", () => (seen.after = got));
    socket.end("welcome");
  }));
  await add("reset", net.createServer((socket) => socket.once("data", () => socket.resetAndDestroy())));
  await add("secure", tls.createServer(certificates.trusted, (socket) => socket.on("error", () => {}).pipe(socket)));
  await add("untrusted", tls.createServer(certificates.untrusted, (socket) => socket.on("error", () => {}).pipe(socket)));
  await add("starttls", net.createServer(upgradable));
  const path = project(suite, { "worker.js": WORKER });
  file = join(path, "worker.js");
  worker = await dev(suite, file, { args: ["--quiet"], env: { ATOLL_CA_FILE: certificates.caFile } });
});

after(async () => {
  for (const end of suite.ended.reverse()) await end();
});

const ask = async (route, message, server = worker) =>
  (await fetch(`${server.url}/${route}`, { method: "POST", body: JSON.stringify(message) })).json();

test("a socket says and hears", async () => {
  const got = await ask("echo", { address: at.echo });
  assert.equal(got.heard, "hello");
  assert.equal(got.info.remoteAddress, at.echo);
  assert.match(got.info.localAddress, /^127\.0\.0\.1:\d+$/);
  assert.equal(got.secure, "off");
  assert.equal(got.upgraded, false);
  assert.equal(got.tag, "[object Socket]");
});

test("an address may be an object and a name", async () => {
  const port = Number(at.echo.split(":")[1]);
  assert.equal((await ask("echo", { address: { hostname: "127.0.0.1", port } })).heard, "hello");
  assert.equal((await ask("echo", { address: { hostname: "localhost", port } })).heard, "hello");
  assert.equal((await ask("echo", { address: `localhost:${port}` })).heard, "hello");
});

test("what is written before the connection is there is sent", async () => {
  assert.deepEqual(await ask("eager", { address: at.echo }), { heard: "a line" });
});

test("much goes both ways, unchanged", async () => {
  const bytes = 5_000_000;
  assert.deepEqual(await ask("large", { address: at.echo, bytes }), { got: bytes, wrong: 0 });
});

test("readers that take small pieces get all of them", async () => {
  assert.deepEqual(await ask("byob", { address: at.echo }), { text: "0123456789" });
});

test("nobody reads: the other side is held back", async () => {
  await ask("unread", { address: at.flood });
  let last = -1;
  await until(async () => {
    if (last === seen.sent) return true;
    last = seen.sent;
    await sleep(300);
  }, "the flood to stop");
  assert.ok(seen.sent < 50e6, `${seen.sent} bytes were sent`);
});

test("the other side does not read: the writer waits", async () => {
  const { written, waits, desired } = await ask("unheard", { address: at.deaf });
  assert.ok(waits && written < 50e6, `${written} bytes were written`);
  assert.equal(desired, 0);
});

test("a socket's readable is the body of an answer", async () => {
  const answer = await fetch(`${worker.url}/proxy`, { method: "POST", body: at.greet });
  assert.equal(await answer.text(), "welcome");
});

test("when the other side ends, so does ours, unless it may be half open", async () => {
  const { got, wrote } = await ask("half", { address: at.greet });
  assert.equal(got, "welcome");
  assert.equal(wrote.name, "TypeError");
  seen.after = undefined;
  assert.deepEqual(await ask("half", { address: at.greet, options: { allowHalfOpen: true } }), { got: "welcome" });
  await until(() => seen.after === "still here", "what was written after the end");
});

test("close() sends what was written, and ends reads", async () => {
  seen.bytes = seen.ended = 0;
  const { done, closed, again } = await ask("closing", { address: at.count });
  assert.ok(done && closed);
  assert.equal(again.name, "TypeError");
  await until(() => seen.bytes === 5_000_000 && seen.ended === 1, "all bytes and the end");
});

test("a canceled readable and a closed writable are the end", async () => {
  const { closed } = seen;
  assert.deepEqual(await ask("cancel", { address: at.deaf }), {});
  assert.ok(seen.closed >= closed);
});

test("who cannot be reached is told by every promise", async () => {
  const server = net.createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  const message = `proxy request failed, cannot connect to the specified address: connect ECONNREFUSED 127.0.0.1:${port}`;
  const error = { name: "Error", message };
  assert.deepEqual(await ask("errors", { address: `127.0.0.1:${port}` }), { opened: error, closed: error, read: error, written: error });
  const { opened } = await ask("errors", { address: "no-such-host.invalid:80" });
  assert.match(opened.message, /getaddrinfo \w+ no-such-host\.invalid:80/);
});

test("a connection that breaks is told to readers", async () => {
  const got = await ask("errors", { address: at.reset });
  assert.equal(got.opened, undefined);
  assert.match(got.read.message, /^Network connection lost\.: read ECONNRESET/);
  assert.match(got.closed.message, /^Network connection lost\./);
});

test("a host or a server name that cannot be", async () => {
  const long = "h".repeat(300);
  const { opened, closed, read, written } = await ask("errors", { address: `${long}:80` });
  for (const error of [opened, closed, read, written])
    assert.deepEqual(error, { name: "TypeError", message: "the host must have 1 to 253 characters" });
  const { refused, closed: after } = await ask("starttls", { address: at.starttls, name: long });
  assert.match(refused.message, /TLS cannot begin/);
  assert.equal(after, undefined);
});

test("mail cannot be sent", async () => {
  const { opened, closed, read, written } = await ask("errors", { address: "127.0.0.1:25" });
  for (const error of [opened, closed, read, written]) assert.match(error.message, /Connections to port 25 are prohibited/);
});

test("wrong arguments are told at once", async () => {
  const cases = [
    ["example.com", undefined, "Specified address is missing port."],
    ["", undefined, "Specified address is missing hostname."],
    ["a b:80", undefined, "Specified address could not be parsed."],
    ["h:99999", undefined, "Specified address could not be parsed."],
    [{ hostname: "h" }, undefined, "connect: the address needs a hostname and a port"],
    [{ hostname: "h", port: 70000 }, undefined, "connect: 70000 is not a port"],
    [{ hostname: "h", port: "x" }, undefined, "connect: x is not a port"],
    ["h:1", { secureTransport: "maybe" }, "Unsupported value in secureTransport socket option: maybe"],
    ["h:1", 7, "connect: the options must be an object"],
    ["h".repeat(300) + ":1", undefined, undefined],
  ];
  for (const [address, options, message] of cases)
    assert.equal((await ask("invalid", { address, options }))?.message, message, JSON.stringify(address));
  const startTls = (options) => ask("invalid", { address: at.echo, options, how: "startTls" });
  assert.match((await startTls()).message, /must be set to 'starttls'/);
  assert.match((await startTls({ secureTransport: "on" })).message, /Cannot startTls on a TLS socket/);
  assert.match((await ask("string", { address: at.echo })).message, /encode the string with TextEncoder/);
});

test("TLS with a certificate that is trusted", async () => {
  const got = await ask("echo", { address: at.secure, options: { secureTransport: "on" } });
  assert.equal(got.heard, "hello");
  assert.equal(got.secure, "on");
  const text = "x".repeat(40_000);
  const long = await ask("echo", { address: at.secure, options: { secureTransport: "on" }, text });
  assert.ok(text.startsWith(long.heard) && long.heard.length > 0);
});

test("TLS with another one", async () => {
  const { opened } = await ask("errors", { address: at.untrusted, options: { secureTransport: "on" } });
  assert.match(opened.message, /the certificate is not accepted: self.signed certificate/);
  const plain = await ask("errors", { address: at.greet, options: { secureTransport: "on" } });
  assert.match(plain.opened.message, /cannot connect to the specified address: TLS: /);
});

test("STARTTLS", async () => {
  for (const dirty of [false, true]) {
    const got = await ask("starttls", { address: at.starttls, dirty });
    assert.deepEqual(got, {
      answer: "OK\n",
      heard: "secret",
      twice: { name: "TypeError", message: "startTls can only be called once." },
      closed: "closed",
      plain: ["starttls", true],
      secure: ["on", false],
    });
  }
  assert.equal((await ask("starttls", { address: at.starttls, name: "localhost" })).heard, "secret");
  const { refused } = await ask("starttls", { address: at.starttls, name: "example.com" });
  assert.match(refused.message, /the certificate is not accepted: hostname mismatch/i);
});

test("an isolate has so many sockets and no more", async () => {
  // Earlier tests have left a few.
  const { open, refused } = await ask("many", { address: at.deaf, count: 257 });
  assert.ok(open > 200 && open <= 256, `${open}`);
  assert.match(refused, /more than 256 sockets/);
  assert.equal((await ask("many", { address: at.deaf, count: 100 })).open, 100);
});

test("sockets go with their isolate", async () => {
  const { closed } = seen;
  await ask("unread", { address: at.deaf });
  write(join(file, ".."), "worker.js", `${WORKER}\n// again\n`);
  await until(() => seen.closed > closed, "the socket to be closed");
});

test("addresses that are not allowed are not connected to", async () => {
  const path = project(suite, { "worker.js": WORKER });
  const strict = await dev(suite, join(path, "worker.js"), { args: ["--quiet", "--outbound", "10.0.0.0/8"] });
  const { opened } = await ask("errors", { address: at.echo }, strict);
  assert.equal(
    opened.message,
    "proxy request failed, cannot connect to the specified address: " +
      `connect to ${at.echo}: 127.0.0.1 refused: loopback addresses are not allowed here`,
  );
  const name = `localhost:${at.echo.split(":")[1]}`;
  assert.match((await ask("errors", { address: name }, strict)).opened.message, /refused: loopback addresses are not allowed here/);
  const [, port] = at.echo.split(":");
  for (const host of ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]"]) {
    const error = await ask("fetch", { address: `http://${host}:${port}/` }, strict);
    assert.match(error.message, /^fetch failed: connect to .* refused: loopback addresses are not allowed here$/, host);
  }
  const metadata = await ask("fetch", { address: "http://169.254.169.254/latest/meta-data/" }, strict);
  assert.match(metadata.message, /169\.254\.169\.254 refused: metadata services are not allowed here/);
});
