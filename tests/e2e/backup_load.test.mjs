// A backup of a server whose stores are written to all the time: what was acknowledged before it began is
// in it, each store is consistent, and a server starts on it.
import assert from "node:assert/strict";
import { chmodSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { project, until } from "./atoll.mjs";
import { clients, inspect, setUp } from "./durability.mjs";
import { serve } from "./serve.mjs";

const BACKUPS = 2;

test("a backup under load restores into a server that has what was acknowledged before", { timeout: 90_000 }, async (t) => {
  const own = project(t);
  chmodSync(own, 0o711);
  const server = await serve(t, { data: join(own, "data") });
  const paths = await setUp(server);
  const all = clients();
  let going = true;
  const writing = all.map(async (client) => {
    while (going) assert.equal(await client.step(server, paths), true, `${client.name}: ${[...client.failures]}`);
  });

  for (let i = 1; i <= BACKUPS; i++) {
    const told = all.map((client) => client.told);
    await until(() => all.every((client, at) => client.told > told[at] + 2), "writes");
    const before = all.map((client) => client.snapshot());
    const directory = join(own, "backups", String(i));
    const answer = await server.api("POST", "/server/backup", { directory });
    assert.ok(answer.success, JSON.stringify(answer));
    const restored = await serve(t, { data: directory });
    for (const [at, client] of all.entries()) await client.verifyCopy(restored, before[at]);
    await restored.stop();
    assert.deepEqual(inspect(join(directory, "storage")), { files: 0, parts: 0 }, "nothing is left over in a copy");
  }
  going = false;
  await Promise.all(writing);
  for (const client of all) await client.verify(server);
});
