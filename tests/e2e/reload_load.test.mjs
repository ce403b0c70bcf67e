// New versions while clients are at work: nothing is lost, mixed up or kept.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { dev, project, until, write } from "./atoll.mjs";
import { connect } from "./socket.mjs";

const MEGABYTE = 1 << 20;

const script = (version) => `
  const version = "${version}";
  const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
  const ballast = Array.from({ length: 20000 }, (_, i) => ({ i }));
  export default {
    async fetch(request, env, ctx) {
      const { pathname } = new URL(request.url);
      if (pathname === "/echo") return new Response(await request.text());
      if (pathname === "/pass") return new Response(request.body);
      if (pathname === "/stream") {
        let left = 8;
        return new Response(new ReadableStream({
          async pull(controller) {
            await wait(5);
            controller.enqueue(new TextEncoder().encode(version + ","));
            if (--left === 0) controller.close();
          },
        }));
      }
      if (pathname === "/late") {
        await wait(20);
        ctx.waitUntil(wait(20));
      }
      return new Response(version + (ballast.length === 20000 ? "" : " broken"));
    },
  };
`;

const files = () => ({ "wrangler.toml": 'name = "w"\nmain = "src/index.js"\n', "src/index.js": script("v0") });

function rssOfRuntime(server) {
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    try {
      const status = readFileSync(`/proc/${pid}/status`, "utf8");
      const isOurs = Number(status.match(/PPid:\s+(\d+)/)[1]) === server.child.pid;
      if (isOurs && readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("\0runtime\0"))
        return Number(status.match(/VmRSS:\s+(\d+) kB/)[1]) * 1024;
    } catch {
      // It ended meanwhile.
    }
  }
  throw new Error("there is no runtime process");
}

test("twenty versions under load of every kind lose and mix up nothing", async (t) => {
  const dir = project(t, files());
  const server = await dev(t, dir, { args: ["--quiet"] });
  const seen = new Set();
  const counts = {};
  let running = true;

  const client = (name, request, check) =>
    Array.from({ length: 3 }, async () => {
      const socket = await connect(t, server.port);
      while (running) {
        await socket.send(request);
        const answer = await socket.answer();
        assert.equal(answer.status, 200, name);
        check(answer.text);
        counts[name] = (counts[name] ?? 0) + 1;
      }
      socket.close();
    });
  const head = (path, more = "") => `GET ${path} HTTP/1.1\r\nhost: a\r\n${more}\r\n`;
  const isVersion = (text) => {
    assert.match(text, /^v\d+$/);
    seen.add(text);
  };
  const body = "0123456789".repeat(20000);
  const upload = (path) => `POST ${path} HTTP/1.1\r\nhost: a\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
  const clients = Promise.all(
    [
      client("short", head("/"), isVersion),
      client("late", head("/late"), isVersion),
      client("stream", head("/stream"), (text) => assert.equal(new Set(text.split(",")).size, 2, `one version and the end: ${text}`)),
      client("echo", upload("/echo"), (text) => assert.equal(text, body)),
      client("pass", upload("/pass"), (text) => assert.equal(text, body)),
    ].flat(),
  );

  for (let version = 1; version <= 20; version++) {
    write(dir, "src/index.js", script(`v${version}`));
    await until(() => seen.has(`v${version}`), `version ${version}`);
  }
  running = false;
  await clients;
  for (const [name, count] of Object.entries(counts)) assert.ok(count > 20, `${name}: ${count}`);
});

test("versions that were replaced leave nothing behind", async (t) => {
  const dir = project(t, files());
  const server = await dev(t, dir, { args: ["--quiet"] });
  let version = 0;
  const replace = async (times) => {
    for (let i = 0; i < times; i++) {
      write(dir, "src/index.js", script(`v${++version}`));
      await until(async () => (await server.text()) === `v${version}`, `version ${version}`);
    }
  };
  await replace(15);
  const before = rssOfRuntime(server);
  await replace(30);
  const grown = rssOfRuntime(server) - before;
  assert.ok(grown < 40 * MEGABYTE, `grew by ${grown >> 20} MB`);
});
