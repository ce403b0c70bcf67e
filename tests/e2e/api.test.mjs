// The REST API of a running server: what becomes of an upload, who may do what, what stays secret.
// Its answers in detail are in tests/unit/api, wrangler's use of it in wrangler.test.mjs.
import assert from "node:assert/strict";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { serve, TOKEN } from "./serve.mjs";

const SCRIPTS = "/accounts/default/workers/scripts";
const SECRET = "5ecret-that-nobody-reads-again";
const endings = [];
let server;

before(async () => {
  server = await serve({ after: (ending) => endings.push(ending) });
});
after(async () => {
  for (const ending of endings.reverse()) await ending();
});

const say = (code) => `export default { fetch(request, env) { return new Response(${code}); } }`;
const vars = (...bindings) => ({ metadata: { bindings } });
const text = async (name) => (await server.ask(name)).body;

const ok = (...args) => server.ok(...args);

async function deployed(...args) {
  const answer = await server.deploy(...args);
  assert.equal(answer.success, true, JSON.stringify(answer));
  return answer.result;
}

const refused = (status, code, words, method, path, body, options) =>
  server.fails(method, path, body, status, code, words, options);

/** The contents of all files below a directory, as latin-1. */
function* contents(directory) {
  for (const name of readdirSync(directory)) {
    const path = join(directory, name);
    if (statSync(path).isDirectory()) yield* contents(path);
    else yield [path, readFileSync(path, "latin1")];
  }
}

test("an upload is live when it is answered", async () => {
  for (let i = 0; i < 5; i++) {
    const result = await deployed("live", say(`"round ${i} " + env.A`), vars({ name: "A", type: "plain_text", text: `a${i}` }));
    assert.deepEqual(result.handlers, ["fetch"]);
    assert.equal(await text("live"), `round ${i} a${i}`);
  }
});

test("an upload that does not build or start changes nothing, and says where", async () => {
  await deployed("steady", say(`"steady"`));
  const syntax = await server.deploy("steady", "const a = 1;\nconst b = ;");
  assert.equal(syntax.errors[0].code, 10021);
  assert.match(syntax.errors[0].message, /at index\.js:2:\d+/);
  const thrown = await server.deploy("steady", `\nconst a = 1;\nthrow new Error("boom " + a);`);
  assert.equal(thrown.errors[0].code, 10021);
  assert.match(thrown.errors[0].message, /boom 1[^]*index\.js:3/);
  assert.equal(await text("steady"), "steady");
  assert.equal((await ok("GET", `${SCRIPTS}/steady/versions`)).items.length, 1);
});

test("uploads at once end in one of them, whole", async () => {
  const all = await Promise.all(
    [1, 2, 3, 4].map((i) => deployed("race", say(`"${i}" + env.N`), vars({ name: "N", type: "json", json: i }))),
  );
  const [live] = (await ok("GET", `${SCRIPTS}/race/deployments`)).deployments;
  const winner = all.findIndex((result) => result.deployment_id === live.versions[0].version_id) + 1;
  assert.equal(await text("race"), `${winner}${winner}`);
  assert.equal((await ok("GET", `${SCRIPTS}/race/versions`)).items.length, 4);
});

test("a rollback brings an old version back", async () => {
  const { deployment_id: first } = await deployed("back", say(`"one"`));
  await deployed("back", say(`"two"`));
  assert.equal(await text("back"), "two");
  await ok("POST", `${SCRIPTS}/back/deployments`, { versions: [{ version_id: first, percentage: 100 }] });
  assert.equal(await text("back"), "one");
});

test("a deleted worker is gone", async () => {
  await deployed("gone", say(`"here"`));
  assert.equal(await text("gone"), "here");
  await ok("DELETE", "/accounts/default/workers/services/gone?force=false");
  await refused(404, 10007, /gone/, "GET", `${SCRIPTS}/gone/settings`);
  assert.equal((await server.ask("gone")).status, 404);
});

test("a token does what its scopes say, for its account", async () => {
  await ok("POST", "/accounts", { id: "tenant", name: "Tenant" });
  const { value: token } = await ok("POST", "/accounts/tenant/tokens", { name: "reader", scopes: ["worker:read"] });
  assert.ok(token, "a token is shown when it is made");
  const own = { token };
  assert.deepEqual(await ok("GET", "/accounts/tenant/workers/scripts", undefined, own), []);
  await refused(403, 9109, /worker:read/, "GET", SCRIPTS, undefined, own);
  await refused(403, 9109, /worker:write/, "DELETE", "/accounts/tenant/workers/scripts/a", undefined, own);
  await refused(403, 9109, /secret:write/, "PUT", "/accounts/tenant/workers/scripts/a/secrets", {}, own);
  await refused(403, 9109, /token:write/, "POST", "/accounts/tenant/tokens", { name: "x", scopes: ["*:write"] }, own);
  await refused(403, 9109, /server:read/, "GET", "/server/status", undefined, own);
  await refused(401, 10000, /Authentication error/, "GET", SCRIPTS, undefined, { token: `${token}x` });
  await refused(401, 1000, /Invalid API Token/, "GET", "/user/tokens/verify", undefined, { token: "nonsense" });
});

test("what a secret or a token says is in no answer, no file, no log", async () => {
  await deployed("keeper", say(`String(env.S?.length)`));
  await ok("PUT", `${SCRIPTS}/keeper/secrets`, { name: "S", text: SECRET, type: "secret_text" });
  assert.equal(await text("keeper"), String(SECRET.length));
  const paths = ["settings", "secrets", "secrets/S", "versions", "deployments", "script-settings", "status"];
  const { items } = await ok("GET", `${SCRIPTS}/keeper/versions`);
  for (const path of [...paths.map((path) => `${SCRIPTS}/keeper/${path}`), `${SCRIPTS}/keeper/versions/${items[0].id}`,
    "/accounts/default/audit_logs", "/user/tokens", "/server/audit_logs"]) {
    const answer = JSON.stringify(await ok("GET", path));
    assert.ok(!answer.includes(SECRET) && !answer.includes(TOKEN), path);
  }
  for (const [path, bytes] of contents(server.data)) {
    assert.ok(!bytes.includes(SECRET), `${path} has the secret`);
    assert.ok(!bytes.includes(TOKEN), `${path} has the token`);
  }
  assert.ok(!JSON.stringify(server.journal).includes(SECRET) && !server.stderr.includes(SECRET));
});

test("every change is in the audit log", async () => {
  await deployed("audited", say(`"a"`));
  await ok("PUT", `${SCRIPTS}/audited/secrets`, { name: "S", text: SECRET, type: "secret_text" });
  await ok("POST", `${SCRIPTS}/audited/subdomain`, { enabled: false });
  await ok("DELETE", `${SCRIPTS}/audited`);
  await refused(404, 10007, /audited/, "DELETE", `${SCRIPTS}/audited`);
  const rows = (await ok("GET", "/accounts/default/audit_logs")).filter((row) => JSON.stringify(row).includes("audited"));
  const actions = rows.map((row) => row.action?.type ?? row.action).reverse();
  assert.deepEqual(actions, ["worker.deploy", "secret.put", "worker.subdomain", "worker.delete"]);
});

test("broken requests get an answer, and the server goes on", async () => {
  await refused(404, 7003, /nothing/, "GET", "/nothing");
  await refused(405, 10405, /GET/, "POST", SCRIPTS);
  await refused(400, 10001, /empty/, "POST", `${SCRIPTS}/live/deployments`);
  await refused(400, 10021, /begin/, "PUT", `${SCRIPTS}/broken`, undefined, {
    headers: { "content-type": "multipart/form-data; boundary=x" },
  });
  await refused(400, 10021, /KV/, "PUT", `${SCRIPTS}/broken`, (() => {
    const body = new FormData();
    body.set("metadata", JSON.stringify({ main_module: "a.js", bindings: [{ name: "KV", type: "kv_namespace" }] }));
    body.set("a.js", new Blob([say(`"x"`)], { type: "application/javascript+module" }), "a.js");
    return body;
  })());
  assert.match(await (await fetch(`${server.admin}/healthz`)).text(), /^ok/);
});
