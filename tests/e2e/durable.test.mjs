// A supervisor that is killed at any moment: its runtimes end with it, and the next one has everything
// that was acknowledged, each worker in a version that is whole.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { project, until } from "./atoll.mjs";
import { serve } from "./serve.mjs";

const WORKERS = 4;
const ROUNDS = 12;
const FILLER = 20_000;

/** A worker of some size that says its version twice: from its first line and from its last. */
const source = (version) => `
const first = ${version};
const filler = "${"x".repeat(FILLER)}";
export default { fetch: () => new Response([first, last, filler.length].join(" ")) };
const last = ${version};
`;

function directory(t) {
  return join(project(t, {}, 0o711), "data");
}

/** The state letter of a process; undefined when there is none. */
function stateOf(pid) {
  try {
    return readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1][0];
  } catch {
    return undefined;
  }
}

const isGone = (pid) => [undefined, "Z", "X"].includes(stateOf(pid));

/** Ends the supervisor with SIGKILL; returns the pids that its runtimes had. */
async function kill(server, pids) {
  await server.stop("SIGKILL");
  await until(() => pids.every(isGone), "the end of the runtimes of a supervisor that was killed");
}

const pidsOf = async (server) => (await server.status()).processes.map((one) => one.pid);

/** The version that answers, once it was seen to be whole. */
async function versionOf(server, name) {
  const { status, body } = await server.ask(name, "/");
  assert.equal(status, 200, `${name}: ${body}`);
  const [first, last, filler] = body.split(" ").map(Number);
  assert.deepEqual([last, filler], [first, FILLER], `${name} answers with parts of versions`);
  return first;
}

/** Deploys one version after the other until the server is gone. */
async function deployOn(server, name, versions) {
  for (;;) {
    const version = versions.asked + 1;
    versions.asked = version;
    let answer;
    try {
      answer = await server.deploy(name, source(version));
    } catch {
      return; // killed while it was at it
    }
    if (answer.success) versions.told = version;
    versions.refused ??= answer.success ? undefined : JSON.stringify(answer.errors);
  }
}

test("what was acknowledged survives kill -9 of the supervisor, and its runtimes do not", { timeout: 90_000 }, async (t) => {
  const data = directory(t);
  const names = Array.from({ length: WORKERS }, (_, i) => `w${i}`);
  const versions = Object.fromEntries(names.map((name) => [name, { asked: 0, told: 0 }]));
  let server = await serve(t, { data });

  for (let round = 1; round <= ROUNDS; round++) {
    const pids = await pidsOf(server);
    const before = names.reduce((sum, name) => sum + versions[name].told, 0);
    const deploying = names.map((name) => deployOn(server, name, versions[name]));
    // At another place in a deployment each time: after so many were acknowledged.
    await until(() => names.reduce((sum, name) => sum + versions[name].told, 0) >= before + 3 + round,
      "some deployments");
    await kill(server, pids);
    await Promise.all(deploying);
    server = await serve(t, { data });
    for (const name of names) {
      const { asked, told, refused } = versions[name];
      assert.equal(refused, undefined);
      if (!told) continue;
      const is = await versionOf(server, name);
      assert.ok(is >= told && is <= asked, `${name} answers with ${is}: ${told} was acknowledged, ${asked} asked for`);
      versions[name].asked = is;
    }
  }
});

test("settings, secrets, routes and schedules survive kill -9 right after their answer", { timeout: 60_000 }, async (t) => {
  const data = directory(t);
  const script = "/accounts/default/workers/scripts/w";
  let server = await serve(t, { data });

  const answers = [
    await server.deploy("w", "export default { fetch: (r, env) => new Response(env.KEY) };"),
    await server.api("PUT", `${script}/secrets`, { name: "KEY", text: "kept", type: "secret_text" }),
    await server.api("PUT", `${script}/routes`, [{ pattern: "durable.test/*" }]),
    await server.api("PUT", `${script}/schedules`, [{ cron: "0 0 1 1 *" }]),
  ];
  await kill(server, await pidsOf(server));
  assert.deepEqual(answers.map(({ success }) => success), [true, true, true, true], JSON.stringify(answers));
  server = await serve(t, { data });
  assert.equal((await server.ask("durable.test", "/")).body, "kept");
  const { result } = await server.api("GET", `${script}/schedules`);
  assert.deepEqual(result.schedules.map(({ cron }) => cron), ["0 0 1 1 *"]);
});
