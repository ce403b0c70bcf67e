// An acknowledged write survives kill -9 of every process at any moment, while all of them write. Some
// rounds each time; `make durability` goes on for thousands of kills.
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { project, sleep, until } from "./atoll.mjs";
import { clients, inspect, processOf, setUp, sqlite } from "./durability.mjs";
import { serve } from "./serve.mjs";

const ROUNDS = Number(process.env.DURABILITY_ROUNDS ?? 5);
const KILLS = 4; // of runtimes, in a round, before everything is killed
const MOMENT_MS = 120;
const SWEPT_MS = 60_000;
const isLong = ROUNDS > 20;

const moment = () => sleep(Math.random() * MOMENT_MS);
const config = `runtimes = 3\n`;

/** The runtimes of a server, by what the kernel says of who started them. */
const runtimesOf = async (server) =>
  (await server.status()).processes.map(({ pid }) => pid).filter((pid) => processOf(pid).parent === server.child.pid);

/** Kills runtimes one by one, at moments that nobody chose. Returns how many. */
async function killSome(server) {
  let kills = 0;
  while (kills < KILLS) {
    await moment();
    const pids = await until(async () => {
      const found = await runtimesOf(server);
      return found.length > 0 && found;
    }, "a runtime that can be killed");
    process.kill(pids[Math.floor(Math.random() * pids.length)], "SIGKILL");
    kills++;
  }
  return kills;
}

/** Kills the supervisor, and in one of two rounds its runtimes a moment before. Returns how many died. */
async function killAll(server, round) {
  const pids = await runtimesOf(server), born = pids.map((pid) => processOf(pid).born);
  if (round % 2)
    for (const pid of pids) if (processOf(pid).parent === server.child.pid) process.kill(pid, "SIGKILL");
  await server.stop("SIGKILL");
  await until(() => pids.every((pid, i) => !born[i] || processOf(pid).born !== born[i]), "the runtimes to end with their supervisor");
  return 1 + (round % 2 ? pids.length : 0);
}

/** Writes until it is told to stop; while nobody answers, a little slower. */
async function writeOn(client, server, paths, going) {
  while (going()) if (!(await client.step(server, paths))) await sleep(5);
}

const isFine = (text) => text === "no answer" || /^50[0-9] |try again|died|The process that did this|stopping/.test(text);

test("what was acknowledged survives kill -9 of any process at any moment", { timeout: 60_000 + ROUNDS * 30_000 }, async (t) => {
  const data = join(project(t, {}, 0o711), "data");
  let server = await serve(t, { data, config });
  const paths = await setUp(server);
  const all = clients();
  let kills = 0;

  for (let round = 1; round <= ROUNDS; round++) {
    let going = true;
    const before = all.map(({ told }) => told);
    const writing = all.map((client) => writeOn(client, server, paths, () => going));
    try {
      await until(() => all.every(({ told }, i) => told > before[i]), "everybody to be told something");
      kills += await killSome(server);
      await moment();
      assert.equal(server.ended, undefined, `the supervisor ended by itself: ${server.stderr}${JSON.stringify(server.journal.slice(-20))}`);
      kills += await killAll(server, round);
    } finally {
      going = false;
      await Promise.all(writing);
    }
    server = await serve(t, { data, config });
    for (const client of all) await client.verify(server);
    if (isLong && round % 10 === 0) t.diagnostic(`round ${round}: ${kills} kills, ${all.reduce((sum, { told }) => sum + told, 0)} writes`);
  }
  for (const { name, failures } of all)
    assert.deepEqual([...failures].filter((text) => !isFine(text)), [], `${name}: an error that no kill explains`);
  t.diagnostic(`${kills} kills, ${all.map(({ name, told }) => `${name} ${told}`).join(", ")} writes`);

  // What a crash leaves: a file for each writer at most, and the first sweep takes it.
  const most = all.length * kills;
  if (isLong) {
    await all.find(({ kind }) => kind === "r2").step(server, paths);
    await until(() => inspect(join(data, "storage")).files === 0, "what crashes left to be swept", SWEPT_MS);
  }
  await server.stop();
  const left = inspect(join(data, "storage"));
  assert.equal(sqlite(join(data, "registry.db"), "PRAGMA integrity_check"), "ok");
  assert.equal(left.parts, 0, "parts of values that nobody has");
  assert.ok(left.files <= most, `${left.files} files are left over`);
});
