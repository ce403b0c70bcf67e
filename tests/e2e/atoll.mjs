// Starts the real binary and speaks to it. Whatever is started here is stopped by its own pid.
import { spawn, spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("../..", import.meta.url));
export const binary = process.env.ATOLL_BINARY ?? join(root, "build", "atoll");
const WAIT_MS = 15_000;

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Calls `probe` until it gives something truthy, which is returned. */
export async function until(probe, what, waitMs = WAIT_MS) {
  const end = Date.now() + waitMs;
  for (;;) {
    const got = await probe();
    if (got) return got;
    if (Date.now() > end) throw new Error(`waited ${waitMs} ms for ${what}`);
    await sleep(5);
  }
}

const undoing = new WeakMap();

/**
 * Calls `undo` after the test: the last one first, and each of them even when one throws. Node's own
 * t.after() takes the first one first, so that directories went while servers wrote into them, and
 * stops at a throw, which left the servers running.
 */
export function afterwards(t, undo) {
  if (!undoing.has(t)) {
    undoing.set(t, []);
    t.after(async () => {
      const errors = [];
      for (const task of undoing.get(t).reverse())
        try {
          await task();
        } catch (error) {
          errors.push(error);
        }
      if (errors.length) throw new AggregateError(errors, errors.map(String).join("; "));
    });
  }
  undoing.get(t).push(undo);
}

/** A directory under the system's temporary one, with `files` (path to text), gone after the test. */
export function project(t, files = {}, mode = 0o700) {
  const path = realpathSync(mkdtempSync(join(tmpdir(), "atoll-e2e-")));
  chmodSync(path, mode);
  afterwards(t, () => rmSync(path, { recursive: true, force: true, maxRetries: 5 }));
  for (const [name, text] of Object.entries(files)) write(path, name, text);
  return path;
}

export function write(directory, name, text) {
  const path = join(directory, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

/** A worker that answers with this text. */
export const says = (text) => `export default { fetch: () => new Response(${JSON.stringify(text)}) };\n`;

/** The pid of the first runtime of a server that was started here. */
export function runtimePid(server) {
  return Number(readdirSync("/proc").filter((name) => /^\d+$/.test(name)).find((pid) => {
    try {
      return Number(readFileSync(`/proc/${pid}/stat`, "utf8").match(/\) \S (\d+)/)[1]) === server.child.pid &&
        readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("\0runtime\0");
    } catch {
      return false; // it ended meanwhile
    }
  }));
}

/** The memory that a process holds. */
export const rssBytes = (pid) => Number(readFileSync(`/proc/${pid}/status`, "utf8").match(/VmRSS:\s+(\d+) kB/)[1]) * 1024;

/** Runs a command to its end: {status, stdout, stderr}. */
export function run(args, options = {}) {
  const child = spawn(binary, args, { stdio: ["ignore", "pipe", "pipe"], ...options });
  const out = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"])
    child[name].setEncoding("utf8").on("data", (text) => (out[name] += text));
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (status, signal) => resolve({ status, signal, ...out }));
  });
}

/** What the type checker has to say about the project in `directory`; "" when it is content. */
export const typeErrors = (directory) =>
  spawnSync(join(root, "node_modules/.bin/tsc"), ["-p", directory], { encoding: "utf8" }).stdout;

/** `atoll dev` on a free port, stopped after the test. */
export async function dev(t, paths, { args = [], cwd = root, env = {}, ready = true } = {}) {
  const child = spawn(binary, ["dev", ...[paths].flat(), "--port", "0", ...args], {
    cwd,
    env: { ...process.env, NO_COLOR: "1", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const server = { child, stdout: "", stderr: "", ended: undefined };
  for (const name of ["stdout", "stderr"])
    child[name].setEncoding("utf8").on("data", (text) => (server[name] += text));
  const closed = new Promise((resolve) => {
    child.on("close", (status, signal) => resolve((server.ended = { status, signal })));
  });
  server.stop = (signal = "SIGTERM") => {
    if (!server.ended) child.kill(signal);
    return closed;
  };
  /** Ends it and its runtime at once: requests that never end would be waited for. */
  server.kill = () => {
    const { pid } = child;
    const own = server.ended ? "" : readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8");
    for (const number of own.split(" ").map(Number)) if (number > 0) process.kill(number, "SIGKILL");
    return server.stop("SIGKILL");
  };
  afterwards(t, () => server.stop());
  if (!ready) return server;
  const address = /ready in .* at http:\/\/([\d.]+):(\d+)/;
  const found = await until(() => {
    if (server.ended) throw new Error(`atoll dev ended:\n${server.stdout}${server.stderr}`);
    return server.stdout.match(address);
  }, "the address");
  server.port = Number(found[2]);
  server.url = `http://${found[1]}:${found[2]}`;
  server.fetch = (path = "/", init) => fetch(server.url + path, init);
  server.text = async (path, init) => (await server.fetch(path, init)).text();
  /** Waits until standard output or error has `text`. */
  server.shows = (text) =>
    until(() => (server.stdout + server.stderr).includes(text), `"${text}" in\n${server.stdout}${server.stderr}`);
  return server;
}

/** A request with a Host header of its own, which fetch() does not send. */
export function requestHost(port, host, path = "/") {
  return new Promise((resolve, reject) => {
    request({ port, host: "127.0.0.1", path, headers: { host }, agent: false }, (answer) => {
      let body = "";
      answer.setEncoding("utf8").on("data", (text) => (body += text));
      answer.on("end", () => resolve({ status: answer.statusCode, body }));
    })
      .on("error", reject)
      .end();
  });
}
