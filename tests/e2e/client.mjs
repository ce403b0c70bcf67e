// Commands of the real binary against a server of serve.mjs: nothing of the machine's own profiles.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { afterwards, binary, project, until } from "./atoll.mjs";
import { TOKEN } from "./serve.mjs";

/** The environment of a command that speaks to the API at `base`. */
export const environment = (base, home) => ({
  ...process.env,
  NO_COLOR: "1",
  TZ: "UTC",
  XDG_CONFIG_HOME: home,
  CLOUDFLARE_API_BASE_URL: base,
  CLOUDFLARE_API_TOKEN: TOKEN,
  CLOUDFLARE_ACCOUNT_ID: "default",
});

/**
 * Starts `atoll ...args` against the API at `base`, in `cwd` (an empty directory). It is stopped after
 * the test. `out`: {stdout, stderr} so far; `closed`: {status, signal, stdout, stderr}.
 */
export function start(t, base, args, { cwd = project(t), input, env = {} } = {}) {
  const child = spawn(binary, args, {
    cwd,
    env: { ...environment(base, cwd), ...env },
    stdio: [input === undefined ? "ignore" : "pipe", "pipe", "pipe"],
  });
  const command = { child, out: { stdout: "", stderr: "" }, ended: false };
  for (const name of ["stdout", "stderr"])
    child[name].setEncoding("utf8").on("data", (text) => (command.out[name] += text));
  child.stdin?.on("error", () => {}); // it may end before it has read everything
  child.stdin?.end(input);
  command.closed = new Promise((resolve) => {
    child.on("close", (status, signal) => {
      command.ended = true;
      resolve({ status, signal, ...command.out });
    });
  });
  /** Waits until one of both streams has shown `words`, a regular expression. */
  command.shows = (words) =>
    until(() => {
      if (words.test(command.out.stdout) || words.test(command.out.stderr)) return true;
      if (command.ended) throw new Error(`it ended without ${words}:\n${command.out.stdout}${command.out.stderr}`);
      return false;
    }, `${words} of atoll ${args.join(" ")}`);
  afterwards(t, () => command.ended || child.kill("SIGKILL"));
  return command;
}

/** {atoll, done, json}: a command to its end; one that has to succeed; the JSON that it prints. */
export function client(base) {
  const atoll = (t, args, options) => start(t, base(), args, options).closed;
  const done = async (t, args, options) => {
    const result = await atoll(t, args, options);
    assert.equal(result.status, 0, `atoll ${args.join(" ")}: ${result.stderr}${result.stdout}`);
    return result;
  };
  const json = async (t, args, options) => JSON.parse((await done(t, [...args, "--json"], options)).stdout);
  return { atoll, done, json };
}
