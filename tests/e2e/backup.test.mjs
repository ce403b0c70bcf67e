// A backup of a running server, and a server on the copy.
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { serve } from "./serve.mjs";

const ACCOUNT = "/accounts/default/workers/scripts";
const worker = (version) => `export default { fetch(request, env) { return new Response("${version} " + env.WORD); } };`;

test("a backup under way is whole, and a server runs on it", async (t) => {
  const server = await serve(t);
  await server.deploy("one", worker(1));
  const secret = { name: "WORD", text: "kept", type: "secret_text" };
  assert.ok((await server.api("PUT", `${ACCOUNT}/one/secrets`, secret)).success);
  const directory = join(server.own, "backup");

  let going = true;
  const deploys = (async () => {
    for (let i = 0; going; i++) await server.deploy("other", worker(i));
  })();
  const answer = await server.api("POST", "/server/backup", { directory });
  going = false;
  await deploys;
  assert.ok(answer.success, JSON.stringify(answer.errors));
  assert.equal(answer.result.directory, directory);
  await server.deploy("one", worker(2));
  assert.equal((await server.ask("one")).body, "2 kept");

  const again = await server.api("POST", "/server/backup", { directory });
  assert.equal(again.status, 409, "it is there already");
  assert.equal((await server.api("POST", "/server/backup", { directory: "here" })).status, 400);
  assert.equal((await server.api("POST", "/server/backup", { directory: "/dev/null/x" })).status, 500);

  const restored = await serve(t, { data: directory });
  assert.equal((await restored.ask("one")).body, "1 kept", "as it was then, secrets too");
  assert.match((await restored.ask("other")).body, /^\d+ undefined$|^404/);
});
