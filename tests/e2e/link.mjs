// The supervisor's end of the link, spoken by a test: a real `atoll runtime` process, frames to and
// from it (docs/internals/link.md), and requests to its socket.
import { spawn } from "node:child_process";
import { Agent, request } from "node:http";
import { createServer } from "node:net";
import { afterwards, binary, until } from "./atoll.mjs";

/** The bytes of a frame. */
export function frame(object, blob = "") {
  const json = Buffer.from(JSON.stringify(object));
  const bytes = Buffer.from(blob);
  const head = Buffer.alloc(8);
  head.writeUInt32LE(json.length, 0);
  head.writeUInt32LE(bytes.length, 4);
  return Buffer.concat([head, json, bytes]);
}

/** The script of a worker's module: `module` is the text of the object that it exports by default. */
export const script = (module, before = "") => `(async (main) => {${before}\nmain({ default: ${module} });})`;

/** A version for a frame: {id, percent, config, parts} and its bytes. */
export function version(id, source, { percent = 100, vars = {}, bindings = [], map } = {}) {
  const parts = [{ name: "worker.js", kind: "script", bytes: Buffer.byteLength(source) }];
  if (map) parts.push({ name: "worker.js.map", kind: "map", bytes: Buffer.byteLength(map) });
  return {
    object: { id, percent, config: { vars, bindings, compatibility_flags: [] }, parts },
    blob: source + (map ?? ""),
  };
}

/** A worker that answers with a text. */
export const says = (text) => script(`{ fetch: () => new Response(${JSON.stringify(text)}) }`);

async function listen() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return server;
}

/** Starts `atoll runtime`; it is told to stop after the test. `accept`: it gets the role at once. */
export async function runtime(t, args = [], { accept = true } = {}) {
  const socket = await listen();
  const { port } = socket.address();
  const child = spawn(binary, ["runtime", "--quiet", ...args], {
    stdio: ["ignore", "inherit", "pipe", "pipe", socket._handle.fd, "ignore"],
  });
  socket.close(); // the process has its own
  const link = { child, port, frames: [], stderr: "", ended: undefined };
  const waiting = new Set();
  let bytes = Buffer.alloc(0);
  child.stderr.setEncoding("utf8").on("data", (text) => (link.stderr += text));
  const closed = new Promise((resolve) => {
    child.on("close", (status, signal) => resolve((link.ended = { status, signal })));
  });
  child.stdio[3].on("error", () => {}); // it died: `ended` tells
  child.stdio[3].on("data", (chunk) => {
    bytes = Buffer.concat([bytes, chunk]);
    while (bytes.length >= 8 && bytes.length >= 8 + bytes.readUInt32LE(0) + bytes.readUInt32LE(4)) {
      const end = 8 + bytes.readUInt32LE(0);
      const got = JSON.parse(bytes.subarray(8, end).toString());
      const next = end + bytes.readUInt32LE(4);
      if (next > end) got.blob = bytes.subarray(end, next);
      bytes = bytes.subarray(next);
      link.frames.push(got);
      link.onFrame?.(got);
      for (const look of waiting) look();
    }
  });
  link.write = (data) => child.stdio[3].write(data);
  let told = true; // frames were sent that the process may not have read
  link.send = (object, blob) => {
    told = false;
    link.write(frame(object, blob));
  };
  /** The first frame of this type that has these fields and was not taken before. */
  link.next = (type, fields = {}) =>
    new Promise((resolve, reject) => {
      const look = () => {
        const at = link.frames.findIndex(
          (got) => got.type === type && Object.entries(fields).every(([key, value]) => got[key] === value),
        );
        if (at < 0) return false;
        waiting.delete(look);
        clearTimeout(timer);
        resolve(link.frames.splice(at, 1)[0]);
        return true;
      };
      const timer = setTimeout(() => {
        waiting.delete(look);
        reject(new Error(`no frame ${type} ${JSON.stringify(fields)} among ${JSON.stringify(link.frames)} ${link.stderr}`));
      }, 15_000);
      if (!look()) waiting.add(look);
    });
  link.count = (type, fields = {}) =>
    link.frames.filter((got) => got.type === type && Object.entries(fields).every(([key, value]) => got[key] === value)).length;
  link.hosts = (host, rules) =>
    link.send({ type: "hosts", host, rules: Object.entries(rules).map(([path, worker]) => ({ path, worker })) });
  /** Tells a deployment: versions as version() makes them. */
  link.worker = (key, versions, more = {}) =>
    link.send(
      {
        type: "worker", worker: key, number: 1, script: key.split("/").pop(), here: true, load: false, keep: false,
        versions: versions.map((one) => one.object), ...more,
      },
      versions.map((one) => one.blob).join(""),
    );
  let syncs = 0;
  /** Waits until the frames sent so far were taken: a request would otherwise overtake some. */
  link.sync = async () => {
    if (told) return;
    const id = `sync ${++syncs}`;
    link.send({ type: "check", id, version: {} });
    told = true;
    await link.next("checked", { id });
  };
  const agent = new Agent({ keepAlive: true, maxSockets: Infinity });
  link.get = async (host, path = "/", headers = {}) => {
    await link.sync();
    return new Promise((resolve, reject) => {
      request({ port, host: "127.0.0.1", path, headers: { host, ...headers }, agent }, (answer) => {
        let text = "";
        answer.setEncoding("utf8").on("data", (chunk) => (text += chunk));
        answer.on("end", () => resolve({ status: answer.statusCode, headers: answer.headers, text }));
      })
        .on("error", reject)
        .end();
    });
  };
  link.text = async (...args) => (await link.get(...args)).text;
  link.stop = () => {
    agent.destroy();
    if (!link.ended) child.stdio[3].end(frame({ type: "stop" }));
    return closed;
  };
  afterwards(t, link.stop);
  await link.next("ready");
  if (accept) link.send({ type: "role", lane: "fast", accept: true });
  return link;
}

export { until };
