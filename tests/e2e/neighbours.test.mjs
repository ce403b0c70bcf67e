// What one account may do to another one's workers: nothing.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { says, sleep, until } from "./atoll.mjs";
import { serve } from "./serve.mjs";


/** Two accounts with tokens of their own, and a worker each: alice/shop and bob/other. */
async function neighbours(t) {
  const server = await serve(t);
  const tokens = {};
  for (const id of ["alice", "bob"]) {
    assert.equal((await server.api("POST", "/accounts", { id, name: id, subdomain: id })).status, 200);
    const { result } = await server.api("POST", `/accounts/${id}/tokens`, { name: id, scopes: ["*:write"] });
    tokens[id] = result.value;
  }
  const api = (account, method, path, body) =>
    server.api(method, `/accounts/${account}/workers${path}`, body, { token: tokens[account] });
  const deploy = (account, name, source) => server.deploy(name, source, { account, token: tokens[account] });
  assert.equal((await deploy("alice", "shop", says("alice"))).status, 200);
  assert.equal((await deploy("bob", "other", says("bob"))).status, 200);
  return { server, api, deploy };
}

test("an account cannot take another one's hosts", { timeout: 60_000 }, async (t) => {
  const { server, api } = await neighbours(t);
  const expect = async () => {
    for (const host of ["shop.test", "shop.alice.localhost"]) assert.equal((await server.ask(host, "/login")).body, "alice", host);
  };

  assert.equal((await api("alice", "PUT", "/scripts/shop/routes", [{ pattern: "shop.test/*" }])).status, 200);
  await expect();
  for (const pattern of ["shop.test/login*", "shop.alice.localhost/*", "*.alice.localhost/*", "*.localhost/*", "*localhost/*"]) {
    const { status } = await api("bob", "PUT", "/scripts/other/routes", [{ pattern }]);
    assert.ok(status === 409 || status === 400, `${pattern}: ${status}`);
    await expect();
  }
  for (const hostname of ["shop.test", "shop.alice.localhost", "anything.localhost"]) {
    const { status } = await api("bob", "PUT", "/domains", { hostname, service: "other" });
    assert.equal(status, 409, hostname);
    await expect();
  }
  assert.equal((await api("bob", "PUT", "/scripts/other/routes", [{ pattern: "*.bob.localhost/*" }])).status, 200);
  assert.equal((await server.ask("any.bob.localhost", "/")).body, "bob");
});

test("a start that does not come to an end fails no other upload", { timeout: 60_000 }, async (t) => {
  const { server, deploy } = await neighbours(t);
  const forever = `(async () => { for (;;) await 0; })(); ${says("busy")}`;
  const [, other] = await Promise.all([deploy("bob", "busy", forever), deploy("alice", "shop", says("second"))]);

  assert.equal(other.status, 200, JSON.stringify(other.errors));
  assert.equal((await deploy("alice", "shop", says("third"))).status, 200);
  assert.equal((await server.ask("shop.alice.localhost", "/")).body, "third");
});

test("a start that has to wait for the CPU is waited for", { timeout: 60_000 }, async (t) => {
  const { server, deploy } = await neighbours(t);
  const { pid } = (await server.status()).processes.find(({ lane }) => lane === "check");
  const ticks = () => {
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1].split(" ");
    return Number(fields[11]) + Number(fields[12]);
  };
  const before = ticks();
  const slow = deploy("alice", "slow", `for (let i = 0; i < 3e8; i++); ${says("slow")}`);

  await until(() => ticks() > before + 3, "its start");
  process.kill(pid, "SIGSTOP");
  await sleep(5_500);
  process.kill(pid, "SIGCONT");
  const { status, errors } = await slow;
  assert.equal(status, 200, JSON.stringify(errors));
});

test("what esbuild or a frame cannot take is the upload's fault, and told so", { timeout: 60_000 }, async (t) => {
  const { server, deploy } = await neighbours(t);
  const deep = await deploy("bob", "deep", `export default ${"[".repeat(200_000)}${"]".repeat(200_000)}`);
  const names = Array.from({ length: 20_000 }, (_, i) => `export class ${"C".repeat(60)}${i} {}`);
  const many = await deploy("bob", "many", `${names.join("\n")}\n${says("many")}`);

  assert.equal(deep.status, 400);
  assert.match(deep.errors[0].message, /nested too deeply/);
  assert.equal(many.status, 200, JSON.stringify(many.errors));
  assert.equal((await server.ask("many.bob.localhost", "/")).body, "many");
  assert.equal(server.journal.some(({ event }) => event === "runtime.died"), false);
});

test("more routes than fit into a frame do not end the server", { timeout: 60_000 }, async (t) => {
  const { server, api } = await neighbours(t);
  const long = (host) => Array.from({ length: 495 }, (_, i) => ({ pattern: `${host}/${i}/${"p".repeat(980)}` }));

  for (const [i, host] of ["x.y.z.test", "*.y.z.test", "*.z.test"].entries()) {
    const name = `w${i}`;
    assert.equal((await server.deploy(name, says(name))).status, 200);
    const answer = await server.api("PUT", `/accounts/default/workers/scripts/${name}/routes`, long(host));
    assert.equal(answer.status, 200, JSON.stringify(answer.errors));
  }
  const first = await server.ask("x.y.z.test", `/7/${"p".repeat(980)}`);
  assert.equal(first.body, "w0");
  await server.line("routes.too_many");
  assert.equal((await api("alice", "GET", "/scripts")).status, 200);
});
