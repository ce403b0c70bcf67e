// `atoll serve`: start, deploy, restart, lanes, quarantine, signals; with neighbours that go on.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { chmodSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { Agent } from "node:http";
import { createServer } from "node:net";
import { join } from "node:path";
import { after, test } from "node:test";
import { afterwards, binary, project, run, says, until } from "./atoll.mjs";
import { ask, form, serve } from "./serve.mjs";
import { inTerminal } from "./terminal.mjs";

const agent = new Agent({ keepAlive: true });
after(() => agent.destroy());

const lines = (server, event) => server.journal.filter((line) => line.event === event);

/** The runtime processes of a server: {pid, command} each. */
function runtimes(server) {
  const rows = [];
  for (const name of readdirSync("/proc").filter((entry) => /^\d+$/.test(entry))) {
    try {
      if (Number(readFileSync(`/proc/${name}/stat`, "utf8").match(/.*\) \S (\d+)/)[1]) !== server.child.pid) continue;
      const command = readFileSync(`/proc/${name}/cmdline`, "utf8");
      if (command.includes("\0runtime\0")) rows.push({ pid: Number(name), command });
    } catch {
      continue; // it ended meanwhile
    }
  }
  return rows;
}

/** Deploys a module; throws what the API refused. */
async function deployed(server, ...args) {
  const answer = await server.deploy(...args);
  if (!answer.success) throw new Error(JSON.stringify(answer.errors));
}


/** An endless loop in WebAssembly: (func (export "loop") (loop (br 0))). */
const LOOP = new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0, 3, 2, 1, 0, 7, 8, 1, 4, 108, 111, 111, 112, 0, 0,
  10, 9, 1, 7, 0, 3, 64, 12, 0, 11, 11]);

/** A worker that waits, works and loops. */
const wild = `
export default {
  async fetch(request) {
    const { pathname, searchParams } = new URL(request.url);
    if (pathname === "/spin") {
      const end = Number(searchParams.get("ms")) * 1e6;
      let sum = 0;
      for (let i = 0; i < end; i++) sum += i;
      return new Response(sum > 0 ? "wild" : "");
    }
    if (pathname === "/loop") for (;;);
    if (pathname === "/wait") await new Promise((resolve) => setTimeout(resolve, Number(searchParams.get("ms"))));
    return new Response("wild");
  },
}`;

/** The same with a module of WebAssembly beside it. */
async function deployWasm(server, name) {
  const body = form(wild.replace("export default {", 'import loop from "./loop.wasm";\nexport default {')
    .replace('if (pathname === "/loop")', 'if (pathname === "/wasm") new WebAssembly.Instance(loop).exports.loop();\n$&'));
  body.set("./loop.wasm", new Blob([LOOP], { type: "application/wasm" }), "./loop.wasm");
  const answer = await server.api("PUT", `/accounts/default/workers/scripts/${name}`, body);
  assert.equal(answer.success, true, JSON.stringify(answer.errors));
}

/** Asks without a pause until it is stopped: {answers, failures, stop()}. */
function load(server, name, { clients = 4, path = "/", fresh = false } = {}) {
  const seen = { answers: 0, failures: [], statuses: {}, stopped: false };
  const one = async () => {
    while (!seen.stopped) {
      try {
        const { status } = await server.ask(name, path, { agent: fresh ? false : agent });
        seen.answers++;
        seen.statuses[status] = (seen.statuses[status] ?? 0) + 1;
      } catch (error) {
        seen.failures.push(error.code ?? error.message);
      }
    }
  };
  const running = Promise.all(Array.from({ length: clients }, one));
  seen.stop = async () => {
    seen.stopped = true;
    await running;
    return seen;
  };
  seen.more = async (count = 50) => {
    const from = seen.answers;
    await until(() => seen.answers >= from + count, `${count} more answers`);
  };
  return seen;
}

test("the first start makes a directory, an account and a token", async (t) => {
  const place = project(t);
  chmodSync(place, 0o711);
  const data = join(place, "new", "data");
  const server = await serve(t, { data, env: { ATOLL_ADMIN_TOKEN: "" } });
  await until(() => /ready at 127\.0\.0\.1:\d+: workers answer at http:\/\/NAME\.localhost:\d+/.test(server.stderr), "its address");
  const token = server.stderr.match(/admin token \(shown this once\): (\S+)/)[1];
  assert.equal((await server.api("GET", "/accounts/default", undefined, { token })).result.id, "default");
  assert.equal((await server.api("GET", "/accounts/default", undefined, { token: "wrong" })).success, false);
  assert.equal(statSync(data).mode & 0o066, 0, "others cannot list the directory");
  assert.ok(!readFileSync(join(data, "registry.db")).includes(token) &&
    !readFileSync(join(data, "registry.db-wal")).includes(token), "the token is not stored as it is");
  assert.ok(!JSON.stringify(server.journal).includes(token), "nor in the journal");
  for (const { pid } of runtimes(server)) assert.ok(!readFileSync(`/proc/${pid}/environ`, "utf8").includes("ATOLL_ADMIN_TOKEN"));
  await server.stop();

  const again = await serve(t, { data, env: { ATOLL_ADMIN_TOKEN: "" } });
  assert.doesNotMatch(again.stderr, /shown this once/);
  assert.equal((await again.api("GET", "/accounts/default", undefined, { token })).success, true);
  await again.stop();

  const other = await serve(t, { data, env: { ATOLL_ADMIN_TOKEN: "mine-and-no-other" } });
  assert.equal((await other.api("GET", "/accounts/default", undefined, { token: "mine-and-no-other" })).success, true);
  assert.equal((await other.api("GET", "/accounts/default", undefined, { token })).success, false);
});

test("health, unknown hosts, a deploy that every runtime serves at once", async (t) => {
  const server = await serve(t, { args: ["--runtimes", "2"] });
  assert.equal((await fetch(`${server.admin}/healthz`)).status, 200);
  assert.match(await (await fetch(`${server.admin}/metrics`)).text(), /^# (HELP|TYPE) /m);
  const nobody = await server.ask("hello");
  assert.equal(nobody.status, 404);
  assert.match(nobody.body, /No worker answers at hello\.localhost/);
  await deployed(server, "hello", says("one"));
  const answers = async () => new Set((await Promise.all(Array.from({ length: 24 }, () => server.ask("hello")))).map((a) => a.body));
  assert.deepEqual(await answers(), new Set(["one"]));
  for (const text of ["two", "three", "four"]) {
    await deployed(server, "hello", says(text));
    assert.deepEqual(await answers(), new Set([text]));
  }
  const kept = runtimes(server);
  assert.ok(kept.length >= 3, "two that serve and a spare");
  await server.api("DELETE", "/accounts/default/workers/scripts/hello");
  assert.equal((await server.ask("hello")).status, 404);
});

test("a script that throws, loops or cannot be interrupted at its start is refused", async (t) => {
  const server = await serve(t);
  await deployed(server, "hello", says("good"));
  await assert.rejects(deployed(server, "hello", "throw new Error('at the start')"), /at the start/);
  await assert.rejects(deployed(server, "hello", "for (;;);"), /CPU|long|limit|brought down/);
  const body = form(`import loop from "./loop.wasm"; new WebAssembly.Instance(loop).exports.loop(); ${says("never")}`);
  body.set("./loop.wasm", new Blob([LOOP], { type: "application/wasm" }), "./loop.wasm");
  const bad = server.api("PUT", "/accounts/default/workers/scripts/hello", body);
  const good = deployed(server, "other", says("other"));
  assert.match((await bad).errors[0].message, /brought down the process that tried it/);
  await good;
  assert.equal((await server.ask("other")).body, "other", "who waited behind it is tried in the next process");
  assert.equal((await server.ask("hello")).body, "good");
});

test("a server that was started at a terminal ends when that is closed, and reads its file again on SIGHUP", async (t) => {
  const data = project(t);
  const terminal = await inTerminal(t, ["serve", "--data", data, "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"]);
  await terminal.shows("log in with");
  const pid = readdirSync("/proc").find((name) => {
    try {
      return readFileSync(`/proc/${name}/cmdline`, "utf8").split("\0").slice(1, 4).join() === `serve,--data,${data}`;
    } catch {
      return false;
    }
  });
  process.kill(pid, "SIGHUP");
  await terminal.shows("config.reloaded");
  await terminal.stop();
  await until(() => !existsSync(`/proc/${pid}`), "its end");
});

test("a second server on the same directory is refused, and so is a port that is taken", async (t) => {
  const server = await serve(t);
  const second = await run(["serve", "--data", server.data, "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"]);
  assert.equal(second.status, 1);
  assert.match(second.stderr, /^error: /);
  const taken = await run(["serve", "--data", project(t), "--listen", `127.0.0.1:${server.port}`]);
  assert.match(taken.stderr, /is in use[^]*--listen/);
});

test("kill -9 of any runtime under load: only what it had in flight fails", async (t) => {
  const server = await serve(t, { args: ["--runtimes", "2"] });
  await deployed(server, "hello", says("hello"));
  const running = load(server, "hello", { fresh: true });
  await running.more();
  for (let round = 0; round < 4; round++) {
    const victims = (await server.status()).processes.filter((p) => p.lane === "fast");
    process.kill(victims[round % victims.length].pid, "SIGKILL");
    await until(async () => (await server.status()).lanes.fast === 2 && lines(server, "runtime.died").length === round + 1, "the spare in its place");
    await running.more();
  }
  const seen = await running.stop();
  assert.ok(seen.failures.length <= 4 * 8, `at most what was in flight or in its queue failed: ${seen.failures}`);
  assert.deepEqual(Object.keys(seen.statuses), ["200"]);
  assert.equal((await server.status("hello")).quarantine, null, "whoever kills from outside says nothing about the worker");
});

test("a worker with long turns moves to the slow lane, and 0 -> n -> 0", async (t) => {
  const server = await serve(t, { args: ["--runtimes", "2"], config: "idle_seconds = 1\nslow_lane = 3\n" });
  await deployed(server, "wild", wild);
  await deployed(server, "hello", says("hello"));
  assert.equal((await server.status()).lanes.slow, undefined);
  assert.equal((await server.ask("wild", "/spin?ms=200")).body, "wild");
  await server.line("worker.moved", (line) => line.worker === "default/wild" && line.lane === "slow");
  const load = Array.from({ length: 8 }, () => server.ask("wild", "/spin?ms=60"));
  assert.equal((await server.ask("hello")).body, "hello");
  assert.deepEqual(new Set((await Promise.all(load)).map((answer) => answer.body)), new Set(["wild"]));
  const { lane, processes } = await server.status("wild");
  assert.equal(lane, "slow");
  assert.ok(processes.length >= 1 && processes.every((p) => p.lane === "slow"), JSON.stringify(processes));
  await until(async () => (await server.status()).lanes.slow === undefined, "the slow processes to go", 30_000);
  assert.equal((await server.status("wild")).processes.length, 0);
  assert.equal((await server.ask("wild")).body, "wild");
});

test("a loop in WebAssembly ends its process; the worker is quarantined, its neighbours go on", async (t) => {
  const server = await serve(t, { args: ["--runtimes", "2"] });
  await deployWasm(server, "wild");
  await deployed(server, "hello", says("hello"));
  assert.equal((await server.ask("wild")).body, "wild");
  assert.equal((await server.status("wild")).lane, "slow", "from the start: such a loop cannot be interrupted");
  const running = load(server, "hello", { fresh: true });
  await assert.rejects(server.ask("wild", "/wasm"));
  const line = await server.line("worker.quarantined");
  assert.equal(line.worker, "default/wild");
  const { lane, quarantine } = await server.status("wild");
  assert.equal(lane, "own");
  assert.match(quarantine.reason, /could not be interrupted/);
  assert.ok(quarantine.until_ms > Date.now() - 2000);
  const waiting = await server.ask("wild");
  if (waiting.body !== "wild") {
    assert.equal(waiting.status, 503);
    assert.match(waiting.body, /in quarantine/);
    assert.ok(Number(waiting.headers["retry-after"]) >= 1);
  }
  await until(async () => (await server.ask("wild")).body === "wild", "the worker in a process of its own");
  assert.deepEqual((await server.status("wild")).processes.map((p) => p.lane), ["own"]);
  await assert.rejects(server.ask("wild", "/wasm"));
  await server.line("worker.quarantined", (other) => other !== line && other.ts > line.ts);
  assert.equal((await server.status("wild")).quarantine.count, 2);
  const released = await server.api("DELETE", "/accounts/default/workers/scripts/wild/quarantine");
  assert.deepEqual(released.result, { released: true });
  assert.equal((await server.status("wild")).quarantine, null);
  assert.equal((await server.ask("wild")).body, "wild", "at once");
  await running.more();
  const seen = await running.stop();
  assert.deepEqual(Object.keys(seen.statuses), ["200"]);
  assert.ok(seen.failures.length <= 8, `${seen.failures}`);
});

test("a loop in JavaScript is ended by its limit, and neighbours are answered meanwhile", async (t) => {
  const server = await serve(t, { args: ["--runtimes", "2"] });
  await deployed(server, "wild", wild, { metadata: { limits: { cpu_ms: 1000 } } });
  await deployed(server, "hello", says("hello"));
  const looping = server.ask("wild", "/loop");
  await server.line("worker.moved");
  for (let i = 0; i < 20; i++) assert.equal((await server.ask("hello")).body, "hello");
  const { status, body } = await looping;
  assert.equal(status, 503);
  assert.match(body, /CPU time limit/);
  assert.equal(lines(server, "runtime.died").length, 0, "the watchdog was enough");
});

test("SIGTERM finishes what runs", async (t) => {
  const server = await serve(t);
  await deployed(server, "wild", wild);
  const slow = server.ask("wild", "/wait?ms=600");
  const waiting = server.ask("wild", "/wait?ms=600");
  await until(async () => (await server.status("wild")).processes.length, "the worker");
  server.child.kill("SIGTERM");
  assert.deepEqual([(await slow).body, (await waiting).body], ["wild", "wild"]);
  assert.deepEqual(await server.closed, { status: 0, signal: null });
  await assert.rejects(server.ask("wild"), /ECONNREFUSED/);
  assert.ok(lines(server, "server.stopped").length);
});

test("a second signal does not wait", async (t) => {
  const server = await serve(t);
  await deployed(server, "wild", wild);
  const slow = server.ask("wild", "/wait?ms=20000").catch((error) => error);
  await until(async () => (await server.status("wild")).processes.length, "the worker");
  server.child.kill("SIGTERM");
  await server.line("server.stopping");
  server.child.kill("SIGTERM");
  await server.closed;
  assert.ok((await slow) instanceof Error);
});

test("SIGHUP reads the configuration again", async (t) => {
  const server = await serve(t, { config: "[limits]\ncpu_ms = 5000\n" });
  const path = join(server.own, "atoll.toml");
  await deployed(server, "wild", wild);
  assert.equal((await server.ask("wild")).body, "wild");
  writeFileSync(path, "domain = \"elsewhere\"\nruntime = 2\n[limits]\ncpu_ms = 300\n");
  server.child.kill("SIGHUP");
  await server.line("config.reloaded");
  assert.match(lines(server, "config.warning")[0].text, /atoll\.toml:2:\d+: .*"runtime".*did you mean "runtimes"/);
  assert.equal(lines(server, "config.needs_restart")[0].key, "domain");
  const ended = await server.ask("wild", "/loop");
  assert.equal(ended.status, 503);
  writeFileSync(path, "[limits]\ncpu_ms = \"much\"\n");
  server.child.kill("SIGHUP");
  assert.match((await server.line("config.refused")).error, /atoll\.toml:2:\d+: "limits\.cpu_ms"/);
  assert.equal((await server.ask("wild")).body, "wild");
});

test("SIGUSR2 replaces the binary without refusing a connection", async (t) => {
  const server = await serve(t, { args: ["--runtimes", "2"] });
  await deployed(server, "wild", wild);
  const running = load(server, "wild", { fresh: true });
  await running.more();
  const before = runtimes(server).map((p) => p.pid);
  const slow = server.ask("wild", "/wait?ms=5000").then((answer) => ({ ...answer, readies: lines(server, "server.ready").length }));
  for (let round = 1; round <= 2; round++) {
    server.child.kill("SIGUSR2");
    await until(() => lines(server, "server.ready").length === round + 1, "the next binary");
    await running.more();
  }
  const { body, readies } = await slow;
  assert.deepEqual([body, readies], ["wild", 3], "what takes longer goes on in its old process");
  await until(() => !runtimes(server).some((p) => before.includes(p.pid)), "the old runtimes to end");
  assert.deepEqual(runtimes(server).filter((p) => before.includes(p.pid)), []);
  const seen = await running.stop();
  assert.deepEqual([seen.failures, Object.keys(seen.statuses)], [[], ["200"]]);
  assert.equal(lines(server, "server.ready")[2].listen, lines(server, "server.ready")[0].listen);
  assert.equal((await server.api("GET", "/accounts/default")).success, true);
});

test("sockets that systemd opened are taken by their names", async (t) => {
  const opened = [createServer(), createServer()];
  const [admin, listen] = await Promise.all(opened.map((server) =>
    new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(server.address().port)))));
  afterwards(t, () => opened.forEach((server) => server.close()));
  const place = project(t);
  chmodSync(place, 0o711);
  const child = spawn("sh", ["-c", 'LISTEN_PID=$$ exec "$0" "$@"', binary, "serve", "--data", join(place, "data"), "--listen", "1", "--admin", "1"], {
    stdio: ["ignore", "pipe", "inherit", ...opened.map((server) => server._handle.fd)],
    env: { ...process.env, ATOLL_ADMIN_TOKEN: "t", LISTEN_FDS: "2", LISTEN_FDNAMES: "admin:listen" },
  });
  afterwards(t, () => child.kill());
  let text = "";
  child.stdout.setEncoding("utf8").on("data", (piece) => (text += piece));
  await until(() => text.includes('"server.ready"'), "the server");
  const ready = JSON.parse(text.split("\n").find((line) => line.includes('"server.ready"')));
  assert.deepEqual([ready.listen, ready.admin], [`127.0.0.1:${listen}`, `127.0.0.1:${admin}`]);
  opened.forEach((server) => server.close());
  assert.equal((await ask(listen, "nobody.localhost")).status, 404);
  assert.equal((await ask(admin, "localhost", "/healthz")).status, 200);
  child.kill();
  await new Promise((resolve) => child.on("close", resolve));
});

test("min_instances keeps a worker loaded: after a death, a deploy and a restart, too", async (t) => {
  const place = project(t);
  chmodSync(place, 0o711);
  const data = join(place, "data"), options = { data, args: ["--runtimes", "2"], config: "idle_seconds = 1\n" };
  const server = await serve(t, options);
  const loaded = async (running) => (await running.status("kept")).processes.filter((p) => p.lane === "fast").length;
  await deployed(server, "kept", says("one"), { metadata: { atoll: { min_instances: 2 } } });
  await until(async () => (await loaded(server)) === 2, "both processes to have it");
  const [victim] = (await server.status("kept")).processes;
  process.kill(victim.pid, "SIGKILL");
  await server.line("runtime.died");
  await until(async () => (await loaded(server)) === 2, "the next process to have it");
  await deployed(server, "kept", says("two"), { metadata: { atoll: { min_instances: 1 } } });
  assert.equal((await server.ask("kept")).body, "two");
  await until(async () => (await loaded(server)) === 1, "one of them to let it go");
  await server.stop();
  const again = await serve(t, options);
  await until(async () => (await loaded(again)) === 1, "one process to have it again");
});
