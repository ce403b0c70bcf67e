// Starts `atoll serve` on free ports with a directory and a token of its own, and speaks to it: its
// workers, its API, its journal. What is started here is stopped by its own pid.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import { afterwards, binary, project, root, until } from "./atoll.mjs";

export const TOKEN = "the-token-of-the-tests";

/** One request with a Host header of its own: {status, headers, body}. */
export function ask(port, host, path = "/", { method = "GET", headers = {}, body, agent = false } = {}) {
  return new Promise((resolve, reject) => {
    const sent = request({ host: "127.0.0.1", port, path, method, agent, headers: { host, ...headers } }, (answer) => {
      let text = "";
      answer.setEncoding("utf8").on("data", (piece) => (text += piece));
      answer.on("end", () => resolve({ status: answer.statusCode, headers: answer.headers, body: text }));
      answer.on("error", reject);
    });
    sent.on("error", reject).end(body);
  });
}

function collect(child) {
  const server = { child, journal: [], stderr: "", ended: undefined };
  let rest = "";
  child.stderr.setEncoding("utf8").on("data", (text) => (server.stderr += text));
  child.stdout.setEncoding("utf8").on("data", (text) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop();
    for (const line of lines) server.journal.push(JSON.parse(line));
  });
  server.closed = new Promise((resolve) => {
    child.on("close", (status, signal) => resolve((server.ended = { status, signal })));
  });
  return server;
}

/**
 * `atoll serve`, stopped after the test (`t` needs `after` only). `config`: the text of a TOML file;
 * `data`: a directory that is the caller's, else one that goes with the server.
 */
export async function serve(t, { data, config, args = [], env = {}, ready = true, program = binary } = {}) {
  const own = project(t, {}, 0o711); // the runtimes' user passes through it
  const directory = data ?? join(own, "data");
  const options = ["--data", directory, "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"];
  if (config !== undefined) {
    writeFileSync(join(own, "atoll.toml"), config);
    options.push("--config", join(own, "atoll.toml"));
  }
  const child = spawn(program, ["serve", ...options, ...args], {
    cwd: root,
    env: { ...process.env, NO_COLOR: "1", ATOLL_ADMIN_TOKEN: TOKEN, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const server = Object.assign(collect(child), { data: directory, own });
  server.stop = (signal = "SIGTERM") => {
    if (!server.ended) child.kill(signal);
    return server.closed;
  };
  afterwards(t, () => server.stop());

  /** Waits for a line of the journal and returns it. */
  server.line = (event, matches = () => true) =>
    until(() => {
      const line = server.journal.find((entry) => entry.event === event && matches(entry));
      if (!line && server.ended) throw new Error(`atoll serve ended:\n${server.stderr}${JSON.stringify(server.journal)}`);
      return line;
    }, `${event} in the journal`);

  /** A call of the API: {status, success, result, errors ...}. */
  server.api = async (method, path, body, { token = TOKEN, headers = {} } = {}) => {
    const isForm = body instanceof FormData;
    const answer = await fetch(`${server.base}${path}`, {
      method,
      headers: { ...(token && { authorization: `Bearer ${token}` }), ...headers },
      body: body === undefined || isForm ? body : JSON.stringify(body),
    });
    return { status: answer.status, ...(await answer.json()) };
  };

  /** The result of a call that must succeed. */
  server.ok = async (method, path, body, options) => {
    const answer = await server.api(method, path, body, options);
    assert.equal(answer.success, true, `${method} ${path}: ${JSON.stringify(answer)}`);
    return answer.result;
  };

  /** A call that must fail with this status, code and text, which is returned. */
  server.fails = async (method, path, body, status, code, words = /./, options) => {
    const answer = await server.api(method, path, body, options);
    assert.deepEqual([answer.status, answer.errors?.[0]?.code], [status, code], `${method} ${path}: ${JSON.stringify(answer)}`);
    assert.match(answer.errors[0].message, words);
    return answer.errors[0].message;
  };

  /** Uploads a module under the account's scripts and returns the API's answer. */
  server.deploy = (name, source, { account = "default", metadata = {}, ...options } = {}) =>
    server.api("PUT", `/accounts/${account}/workers/scripts/${name}`, form(source, metadata), options);

  /** What runs of a worker; of the server when no name is given. */
  server.status = async (name, account = "default") =>
    (await server.api("GET", name ? `/accounts/${account}/workers/scripts/${name}/status` : "/server/status")).result;

  /** A request to a worker by its name, or to a host when there is a dot in it. */
  server.ask = (name, path, init) =>
    ask(server.port, name.includes(".") ? name : `${name}.localhost`, path, init);

  if (!ready) return server;
  const line = await server.line("server.ready");
  server.port = Number(line.listen.split(":").pop());
  server.adminPort = Number(line.admin.split(":").pop());
  server.admin = `http://127.0.0.1:${server.adminPort}`;
  server.base = `${server.admin}/client/v4`;
  return server;
}

/** The form of an upload with one module. */
export function form(source, metadata = {}) {
  const body = new FormData();
  const info = { main_module: "index.js", compatibility_date: "2026-04-01", ...metadata };
  body.set("metadata", JSON.stringify(info));
  body.set("index.js", new Blob([source], { type: "application/javascript+module" }), "index.js");
  return body;
}
