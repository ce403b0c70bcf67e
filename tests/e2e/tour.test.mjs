// README.md's tour, word for word: its commands are typed into terminals in their order, and print what
// stands under them. In the text "..." is anything, "^C" ends what runs in a terminal of its own, and
// atoll_... is the token that `atoll serve` showed. The tour has a home, an installation and a network
// of its own, so that its files and ports are nobody else's.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { afterwards, project, root, until } from "./atoll.mjs";
import { inTerminal, KEY } from "./terminal.mjs";

const STEP_MS = 30_000;
const COLUMNS = 200;

/** [{command, own, expected}] of the indented blocks under "## A tour"; a block that begins with what is shown,
 * or with "^C", is about the terminal of its own. */
function steps() {
  const tour = readFileSync(join(root, "README.md"), "utf8").split("\n## A tour\n")[1].split("\n## ")[0];
  const found = [];
  let begins = true;
  for (const line of tour.split("\n").filter(Boolean)) {
    const [, command, note = ""] = line.match(/^ {4}\$ (.*?)(?:\s+# (.*))?$/) ?? [];
    const text = line.match(/^ {4}(.*)/)?.[1];
    if (command) found.push({ command, own: /terminal of its own/.test(note), expected: [] });
    else if (text === "^C") found.push({ ends: true });
    else if (text && begins) found.push({ watches: true, expected: [text] });
    else if (text) found.at(-1).expected.push(text);
    begins = !text;
  }
  return found;
}

/** The words that start a program on a loopback interface which nothing else uses. */
async function network(t) {
  const user = process.getuid() === 0 ? [] : ["--map-root-user"];
  const keeper = spawn("unshare", [...user, "--net", "sh", "-c", "ip link set lo up && echo up && exec cat"], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  afterwards(t, () => keeper.kill());
  const [said] = await Promise.race([once(keeper.stdout, "data"), once(keeper, "close")]);
  assert.match(`${said}`, /up/, "unshare and ip: the tour needs ports 8787 and 8790 for itself");
  return ["nsenter", ...(user.length ? ["--user", "--preserve-credentials"] : []), "--net", "--target", `${keeper.pid}`];
}

const escape = (text) => text.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");
/** The line, whole: what comes of it first is not yet all of it. */
const pattern = (line) => new RegExp(`^${line.split("...").map(escape).join(".*")}\\r?\\n`, "m");

/** A shell in a terminal: type(command), shows(expected), ended() for its prompt. */
async function shell(t, net, env, cwd) {
  const terminal = await inTerminal(t, [...net.slice(1), "bash", "--noprofile", "--norc"], {
    program: net[0], cwd, env: { ...env, PS1: "<$?>" }, columns: COLUMNS,
  });
  const prompt = /<(\d+)>$/;
  let from = 0;
  const since = () => terminal.text().slice(from);
  const wait = (probe, what) => until(probe, what, STEP_MS).catch((error) => assert.fail(`${error.message}\n${since()}`));
  await wait(() => prompt.test(since()), "a prompt");
  return {
    since,
    keys: (...keys) => terminal.type(...keys),
    async type(command) {
      from = terminal.text().length;
      terminal.type(command, KEY.enter);
      await wait(() => since().includes("\n"), `the echo of ${command}`);
      from += since().indexOf("\n") + 1;
    },
    async shows(expected) {
      for (const line of expected) await wait(() => pattern(line).test(since()), `the line "${line}"`);
    },
    ended: async (what) => Number((await wait(() => since().match(prompt), `the end of ${what}`))[1]),
  };
}

test("the tour of README.md", { timeout: 5 * STEP_MS }, async (t) => {
  const home = project(t);
  chmodSync(home, 0o711); // the runtimes' user passes through it
  const net = await network(t);
  const prefix = join(home, "installed");
  const path = `${prefix}/bin:${process.env.PATH}`;
  const env = { HOME: home, XDG_CONFIG_HOME: "", HISTFILE: "", PREFIX: prefix, PATH: path, NO_COLOR: "1" };
  mkdirSync(join(home, "work"));
  const main = await shell(t, net, env, root);
  const own = [];
  const end = async () => {
    const last = own.shift();
    last.keys(KEY.interrupt);
    await last.ended("^C");
  };
  let token;

  for (const { command, own: isOwn, expected, ends, watches } of steps()) {
    if (ends) {
      await end();
    } else if (watches) {
      await own[0].shows(expected);
    } else if (isOwn) {
      own.unshift(await shell(t, net, env, join(home, "work", "my-worker")));
      await own[0].type(command);
      await own[0].shows(expected);
      token ??= own[0].since().match(/\batoll_[\w-]+/)?.[0];
    } else {
      await main.type(command.replace("atoll_...", token));
      assert.equal(await main.ended(command), 0, `${command}\n${main.since()}`);
      await main.shows(expected);
      if (!command.startsWith("make install")) continue;
      await main.type(`cd ${join(home, "work")}`);
      await main.ended("cd");
    }
  }
  while (own.length) await end();
});
