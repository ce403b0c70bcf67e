// Runs the real binary in a pseudo-terminal of script(1), which every Debian has: keys in, screen out.
import { spawn, spawnSync } from "node:child_process";
import { afterwards, binary, until } from "./atoll.mjs";

/** Keys that are no character. */
export const KEY = { enter: "\r", interrupt: "\x03", end: "\x04", suspend: "\x1a", tab: "\t", up: "\x1b[A" };

const quote = (word) => `'${`${word}`.replaceAll("'", `'\\''`)}'`;

/** The text without sequences that colour or erase, and without carriage returns. */
export const plain = (text) => text.replace(/\x1b\[[\d;?]*[A-Za-z]/g, "").replaceAll("\r", "");

/**
 * Starts a program (`atoll` when none is named) in a terminal of its own. `shows` waits for a text or
 * a regular expression, and what was shown before counts; `type` sends characters and KEYs; `status`
 * waits for the end.
 *
 * `output` has everything that came, with its sequences; `text()` has it without. Standard output and
 * error are the same terminal. It is stopped after the test.
 */
export async function inTerminal(t, args, { program = binary, cwd, env = {}, columns = 100, rows = 30 } = {}) {
  const begin = `tty; stty columns ${columns} rows ${rows}`;
  const command = `${begin}; exec ${[program, ...args].map(quote).join(" ")}`;
  const child = spawn("script", ["--quiet", "--return", "--command", command, "/dev/null"], {
    cwd,
    env: { ...process.env, NO_COLOR: "", TERM: "xterm-256color", LC_ALL: "C.UTF-8", SHELL: "/bin/sh", ...env },
    stdio: ["pipe", "pipe", "inherit"],
  });
  const terminal = { child, output: "", ended: undefined };
  let all = "";
  let device;
  child.stdin.on("error", () => {}); // it may end before it has read everything
  child.stdout.setEncoding("utf8").on("data", (piece) => {
    all += piece;
    const first = all.indexOf("\n");
    if (first < 0) return;
    device = all.slice(0, first).trim();
    terminal.output = all.slice(first + 1);
  });
  const closed = new Promise((resolve) => {
    child.on("close", (status, signal) => resolve((terminal.ended = { status, signal })));
  });

  terminal.text = () => plain(terminal.output);

  /** Waits until the screen has shown `what`, a string or a regular expression; returns the text. */
  terminal.shows = (what) =>
    until(() => {
      const text = terminal.text();
      if (typeof what === "string" ? text.includes(what) : what.test(text)) return text;
      if (terminal.ended) throw new Error(`it ended without showing ${what}:\n${text}`);
      return false;
    }, `${what} on the terminal`).catch((error) => {
      throw new Error(`${error.message}; it shows:\n${terminal.text()}`);
    });

  terminal.type = (...keys) => child.stdin.write(keys.join(""));

  /** The size that the program sees from now on; it gets SIGWINCH. */
  terminal.resize = (width, height) =>
    spawnSync("stty", ["--file", device, "columns", `${width}`, "rows", `${height}`]).status;

  /** Waits for the end; 128 and the signal's number when one ended it, as a shell says. */
  terminal.status = async () => (await closed).status;

  terminal.stop = () => {
    if (!terminal.ended) child.kill("SIGKILL"); // the terminal hangs up: SIGHUP for what runs in it
    return closed;
  };
  afterwards(t, () => terminal.stop());
  await until(() => device !== undefined || terminal.ended, "the terminal");
  return terminal;
}
