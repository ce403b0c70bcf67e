// The real wrangler, run in a directory against a server of serve.mjs.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { join } from "node:path";
import { root } from "./atoll.mjs";
import { TOKEN } from "./serve.mjs";

const WRANGLER = join(root, "node_modules/wrangler/bin/wrangler.js");
const COMMAND_MS = 60_000;

function environment(server, directory) {
  return {
    PATH: process.env.PATH,
    HOME: directory,
    XDG_CONFIG_HOME: join(directory, ".config"),
    CI: "1",
    NO_COLOR: "1",
    WRANGLER_SEND_METRICS: "false",
    WRANGLER_HIDE_BANNER: "true",
    CLOUDFLARE_API_BASE_URL: server.base,
    CLOUDFLARE_API_TOKEN: TOKEN,
    CLOUDFLARE_ACCOUNT_ID: "default",
  };
}

/**
 * Runs `wrangler ...args` to its end and gives what it wrote to standard output; with `all` also what
 * it wrote to standard error. A status other than `status` is a failure.
 */
export async function wrangler(server, directory, args, { status = 0, all = false } = {}) {
  const child = spawn(process.execPath, [WRANGLER, ...args], {
    cwd: directory,
    env: environment(server, directory),
    stdio: ["ignore", "pipe", "pipe"],
    detached: true, // it starts a process of its own: a signal goes to both
  });
  const late = setTimeout(() => process.kill(-child.pid, "SIGKILL"), COMMAND_MS);
  let out = "";
  let stdout = "";
  child.stdout.setEncoding("utf8").on("data", (text) => ((out += text), (stdout += text)));
  child.stderr.setEncoding("utf8").on("data", (text) => (out += text));
  const ended = await new Promise((resolve) => child.on("close", resolve));
  clearTimeout(late);
  assert.equal(ended, status, `wrangler ${args.join(" ")}\n${out}`);
  return all ? out : stdout;
}
