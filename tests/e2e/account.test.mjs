// What the API says about accounts: tokens, limits, routes, tails, logs, usage, invoices, the audit log.
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { connect } from "node:net";
import test, { after } from "node:test";
import WebSocket from "ws";
import { afterwards, says, until } from "./atoll.mjs";
import { ask, serve } from "./serve.mjs";

const PRICES = `
[prices]
currency = "CHF"
million_requests = 1000000
million_cpu_ms = 0
gb_s = 0
`;
const server = await serve({ after }, { config: PRICES });
const script = (name, account = "default") => `/accounts/${account}/workers/scripts/${name}`;

const made = server.ok;
const refused = (status, code, method, path, body, options) => server.fails(method, path, body, status, code, /./, options);

test("accounts are made, told apart, changed and deleted", async () => {
  const acme = await made("POST", "/accounts", { id: "acme", name: "Acme Inc.", subdomain: "acme" });
  assert.deepEqual([acme.id, acme.name, acme.subdomain], ["acme", "Acme Inc.", "acme"]);
  await refused(409, 10008, "POST", "/accounts", { id: "acme", name: "again" });
  await refused(400, 10001, "POST", "/accounts", { name: "bad", id: "not an id" });
  assert.equal((await server.deploy("shop", says("acme's"), { account: "acme" })).success, true);
  assert.equal((await server.deploy("shop", says("ours"))).success, true);
  assert.equal((await server.ask("shop")).body, "ours");
  assert.equal((await server.ask("shop.acme.localhost")).body, "acme's");

  await made("PUT", "/accounts/acme/workers/subdomain", { subdomain: "roadrunner" });
  assert.equal((await server.ask("shop.roadrunner.localhost")).body, "acme's");
  assert.equal((await server.ask("shop.acme.localhost")).status, 404);
  await refused(409, 10031, "PUT", "/accounts/acme/workers/subdomain", { subdomain: "default" });

  const listed = await server.api("GET", "/accounts?per_page=1&page=2");
  assert.deepEqual(listed.result.map((account) => account.id), ["acme"]);
  assert.deepEqual([listed.result_info.page, listed.result_info.count], [2, 1]);
  assert.deepEqual((await made("GET", "/accounts?page=3")), []);
  assert.deepEqual((await made("GET", "/memberships")).map((membership) => membership.account.id), ["default", "acme"]);
  await refused(409, 10008, "DELETE", "/accounts/acme");
  await made("DELETE", script("shop", "acme"));
  await made("DELETE", "/accounts/acme");
  assert.equal((await server.api("GET", "/accounts/acme")).success, false);
});

test("a token does what its scopes say, in its account, until it is deleted", async () => {
  await made("POST", "/accounts", { id: "tokens", name: "Tokens" });
  const { value, id } = await made("POST", "/accounts/tokens/tokens", { name: "ci", scopes: ["worker:write", "token:write"] });
  const options = { token: value };
  assert.equal((await server.deploy("by-token", says("x"), { account: "tokens", ...options })).success, true);
  await refused(403, 9109, "GET", "/accounts/default/workers/scripts", undefined, options);
  await refused(403, 9109, "PUT", `${script("by-token", "tokens")}/secrets`, { name: "A", text: "a", type: "secret_text" }, options);
  await refused(403, 9109, "POST", "/accounts", { name: "more" }, options);
  assert.deepEqual((await made("GET", "/accounts", undefined, options)).map((account) => account.id), ["tokens"]);
  assert.equal((await made("GET", "/user/tokens/verify", undefined, options)).status, "active");

  const asked = { name: "more", scopes: ["secret:write"] };
  assert.match(await refused(400, 10001, "POST", "/accounts/tokens/tokens", asked, options), /secret:write/);
  await refused(400, 10001, "POST", "/accounts/tokens/tokens", { name: "old", scopes: ["worker:read"], expires_on: "2020-01-01" });
  const listed = await made("GET", "/accounts/tokens/tokens");
  assert.deepEqual(listed.map((token) => token.name), ["ci"]);
  assert.doesNotMatch(JSON.stringify(listed), new RegExp(value));

  await refused(404, 1001, "DELETE", `/accounts/default/tokens/${id}`);
  await made("DELETE", `/accounts/tokens/tokens/${id}`);
  await refused(401, 10000, "GET", "/accounts/tokens/workers/scripts", undefined, options);
  await refused(401, 1000, "GET", "/user/tokens/verify", undefined, options);
});

test("limits: the operator's alone, at once in force", async () => {
  await made("POST", "/accounts", { id: "limited", name: "Limited" });
  const own = await made("POST", "/accounts/limited/tokens", { name: "all", scopes: ["*:write"] });
  await server.deploy("loop", "export default { fetch() { for (;;); } };", { account: "limited" });
  const path = `${script("loop", "limited")}/limits`;
  await refused(403, 9109, "PATCH", path, { cpu_ms: 10 }, { token: own.value });
  await refused(403, 9109, "PATCH", "/accounts/limited/workers/limits", { cpu_ms: 10 }, { token: own.value });
  await refused(403, 9109, "PATCH", "/accounts/limited", { limits: { cpu_ms: 10 } }, { token: own.value });
  assert.match(await refused(400, 10001, "PATCH", path, { cpu_ms: 0 }), /from 1 to/);
  assert.match(await refused(400, 10001, "PATCH", path, { memory: 1 }), /no limit "memory"/);

  const set = await made("PATCH", "/accounts/limited/workers/limits", { cpu_ms: 60, subrequests: 7 });
  assert.deepEqual(set.overrides, { cpu_ms: 60, subrequests: 7 });
  const limits = await made("PATCH", path, { cpu_ms: 50 });
  assert.deepEqual([limits.overrides, limits.account.subrequests, limits.defaults.cpu_ms], [{ cpu_ms: 50 }, 7, 30000]);
  assert.equal((await server.ask("loop.limited.localhost")).status, 503);
  assert.deepEqual((await made("PATCH", path, { cpu_ms: null })).overrides, {});
});

test("routes of a zone, one by one", async () => {
  await server.deploy("zoned", says("zoned"));
  const [zone] = await made("GET", "/zones?name=zone.test");
  assert.deepEqual([zone.name, zone.status], ["zone.test", "active"]);
  assert.deepEqual(await made("GET", "/zones?name=not%20a%20name"), []);
  const route = await made("POST", `/zones/${zone.id}/workers/routes`, { pattern: "api.zone.test/v1/*", script: "zoned" });
  await refused(409, 10020, "POST", `/zones/${zone.id}/workers/routes`, { pattern: "api.zone.test/v1/*", script: "zoned" });
  await refused(400, 10022, "POST", `/zones/${zone.id}/workers/routes`, { pattern: "other.test/*", script: "zoned" });
  assert.deepEqual(await made("GET", `/zones/${zone.id}/workers/routes`), [route]);
  assert.equal((await server.ask("api.zone.test", "/v1/x")).body, "zoned");
  assert.equal((await server.ask("api.zone.test", "/v2/x")).status, 404);

  const path = `/zones/${zone.id}/workers/routes/${route.id}`;
  await made("PUT", path, { pattern: "api.zone.test/v2/*", script: "zoned" });
  assert.equal((await server.ask("api.zone.test", "/v2/x")).body, "zoned");
  await made("DELETE", path);
  assert.equal((await server.ask("api.zone.test", "/v2/x")).status, 404);
  assert.deepEqual(await made("GET", `/zones/${zone.id}/workers/routes`), []);
});

test("custom domains move with leave only", async () => {
  await server.deploy("first", says("first"));
  await server.deploy("second", says("second"));
  const put = (name, hosts, more) => [
    "PUT", `${script(name)}/domains/records`, { origins: hosts.map((hostname) => ({ hostname })), ...more },
  ];
  await made(...put("first", ["a.test", "b.test"]));
  assert.equal((await server.ask("b.test")).body, "first");
  const plan = await made("POST", `${script("second")}/domains/changeset?replace_state=true`, [{ hostname: "b.test" }, { hostname: "c.test" }]);
  assert.deepEqual(
    [plan.added.map((domain) => domain.hostname), plan.conflicting.map((domain) => domain.service)],
    [["c.test"], ["first"]],
  );
  assert.match(await refused(409, 100116, ...put("second", ["b.test", "c.test"])), /b\.test.*first/);
  assert.equal((await server.ask("b.test")).body, "first");
  await made(...put("second", ["b.test", "c.test"], { override_existing_origin: true }));
  assert.equal((await server.ask("b.test")).body, "second");

  const domain = await made("PUT", "/accounts/default/workers/domains", { hostname: "d.test", service: "first" });
  assert.deepEqual(domain.map((row) => row.hostname).sort(), ["a.test", "d.test"]);
  const [found] = await made("GET", "/accounts/default/workers/domains?hostname=d.test");
  assert.equal(found.service, "first");
  await made("DELETE", `/accounts/default/workers/domains/${found.id}`);
  assert.equal((await server.ask("d.test")).status, 404);
  assert.equal((await server.ask("a.test")).body, "first");
});

/** A frame of text without a mask, which RFC 6455 forbids a client to send and wrangler sends. */
const unmasked = (text) => Buffer.concat([Buffer.from([0x81, text.length]), Buffer.from(text)]);

test("a tail: its filters, a frame without a mask, a bad secret, its end", async (t) => {
  await server.deploy("watched", "export default { fetch(request) { console.log(request.method); return new Response('ok'); } };");
  const tail = await made("POST", `${script("watched")}/tails`, { filters: [{ method: ["POST"] }] });
  assert.match(tail.url, new RegExp(`^ws://127\\.0\\.0\\.1:${server.adminPort}/`));
  assert.ok(Date.parse(tail.expires_at) > Date.now());
  assert.deepEqual((await made("GET", `${script("watched")}/tails`)).map((row) => row.id), [tail.id]);
  await refused(400, 10001, "POST", `${script("watched")}/tails`, { filters: [{ colour: "red" }] });

  const reader = new WebSocket(tail.url, "trace-v1");
  afterwards(t, () => reader.terminate());
  const events = [];
  reader.on("message", (data) => events.push(JSON.parse(data)));
  await new Promise((resolve, reject) => reader.once("open", resolve).once("error", reject));
  assert.equal(reader.protocol, "trace-v1");
  reader._socket.write(unmasked('{"debug":false}'));
  await until(async () => {
    await server.ask("watched");
    await server.ask("watched", "/", { method: "POST" });
    return events.length > 1;
  }, "events");
  assert.ok(events.every((event) => event.event.request.method === "POST"), JSON.stringify(events));
  assert.deepEqual(events[0].logs[0].message, ["POST"]);
  const pong = new Promise((resolve) => reader.once("pong", resolve));
  reader.ping("wrangler tail ping");
  assert.equal(String(await pong), "wrangler tail ping");

  const closed = new Promise((resolve) => reader.once("close", resolve));
  await made("DELETE", `${script("watched")}/tails/${tail.id}`);
  assert.equal(await closed, 1000);
  for (const url of [tail.url, tail.url.replace(/.$/, "!"), `${tail.url}00`]) {
    const late = new WebSocket(url, "trace-v1");
    const answer = await new Promise((resolve) => late.once("unexpected-response", (_, response) => resolve(response)).once("error", () => {}));
    assert.equal(answer.statusCode, 404);
    late.terminate();
  }
});

/** A WebSocket whose client never reads: {socket, ended}. */
async function deafReader(url) {
  const { hostname, port, pathname } = new URL(url);
  const socket = connect(Number(port), hostname);
  const key = randomBytes(16).toString("base64");
  socket.write(`GET ${pathname} HTTP/1.1\r\nHost: ${hostname}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
    `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\nSec-WebSocket-Protocol: trace-v1\r\n\r\n`);
  const head = await new Promise((resolve, reject) => socket.once("data", resolve).once("error", reject));
  const accept = createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
  assert.ok(head.includes(accept), String(head));
  socket.pause();
  return socket;
}

test("a reader that does not read is cut; its worker, and others who watch, notice nothing", async (t) => {
  await server.deploy("loud", "export default { fetch() { console.log('x'.repeat(50000)); return new Response('ok'); } };");
  const [deaf, other] = [await made("POST", `${script("loud")}/tails`), await made("POST", `${script("loud")}/tails`)];
  const socket = await deafReader(deaf.url);
  afterwards(t, () => socket.destroy());
  const reader = new WebSocket(other.url, "trace-v1");
  afterwards(t, () => reader.terminate());
  let seen = 0;
  reader.on("message", () => seen++);
  await new Promise((resolve, reject) => reader.once("open", resolve).once("error", reject));
  await until(async () => {
    const answer = await server.ask("loud");
    assert.equal(answer.status, 200);
    return (await made("GET", `${script("loud")}/tails`)).length === 1;
  }, "the end of the tail that is not read", 60_000);
  await until(() => seen > 10, "events for the one that reads");
});

test("at most ten tails of a worker", async () => {
  await server.deploy("popular", says("x"));
  for (let i = 0; i < 10; i++) await made("POST", `${script("popular")}/tails`, {});
  assert.equal((await server.api("POST", `${script("popular")}/tails`, {})).status, 429);
});

test("the log store keeps what went wrong or was said", async () => {
  await server.deploy("talker", `export default { fetch(request) {
    const { pathname } = new URL(request.url);
    if (pathname === "/say") console.log("needle in a haystack");
    if (pathname === "/throw") throw new Error("lost");
    return new Response("ok");
  } };`);
  const logs = (query = "") => made("GET", `${script("talker")}/logs${query}`);
  const stored = (count) =>
    until(async () => {
      const found = await logs();
      return found.length === count && found;
    }, `${count} events in the log store`);
  await server.ask("talker", "/quiet");
  await server.ask("talker", "/say");
  await stored(1);
  await server.ask("talker", "/throw");
  const all = await stored(2);
  assert.deepEqual(all.map((event) => event.outcome), ["exception", "ok"]);
  assert.deepEqual((await logs("?search=needle")).map((event) => event.logs[0].message[0]), ["needle in a haystack"]);
  assert.deepEqual((await logs("?outcome=exception")).map((event) => event.exceptions[0].message), ["lost"]);
  assert.deepEqual((await logs(`?limit=1&before=${all[0].id}`)).map((event) => event.id), [all[1].id]);
  assert.deepEqual(await logs("?to=2026-01-01"), []);
  await refused(400, 10001, "GET", `${script("talker")}/logs?from=yesterday`);
  await refused(400, 10001, "GET", `${script("talker")}/logs?limit=many`);
});

test("usage, and the invoice that comes of it; nothing used is nothing owed", async () => {
  await made("POST", "/accounts", { id: "payer", name: "Payer" });
  const invoice = () => made("GET", "/accounts/payer/billing/invoice");
  assert.deepEqual([(await invoice()).total, (await invoice()).workers], ["0.000000", []]);
  await server.deploy("shop", says("ok"), { account: "payer" });
  for (let i = 0; i < 7; i++) await server.ask("shop.payer.localhost");
  const usage = (query) => made("GET", `/accounts/payer/workers/usage${query}`);
  await until(async () => (await usage("")).rows[0]?.requests === 7, "seven requests in the usage");
  const [row] = (await usage("?script=shop&step=minute")).rows;
  assert.equal(row.requests, 7);
  assert.ok(row.cpu_us > 0 && row.bytes_out >= 14, JSON.stringify(row));
  assert.equal((await made("GET", `${script("shop", "payer")}/usage?step=day`)).rows[0].requests, 7);
  assert.deepEqual((await usage("?to=2026-01-01")).rows, []);
  await refused(400, 10001, "GET", "/accounts/payer/workers/usage?step=second");
  await refused(400, 10001, "GET", "/accounts/payer/workers/usage?from=2000-01-01&step=minute");
  await refused(400, 10001, "GET", "/accounts/payer/workers/usage?from=2026-02-02&to=2026-02-01");

  const owed = await invoice();
  assert.deepEqual([owed.currency, owed.total, owed.due], ["CHF", "7.000000", "7.00"]);
  assert.equal(owed.workers[0].items[0].amount, "7.000000");
  assert.equal((await made("GET", "/accounts/payer/billing/invoice?month=2026-01")).total, "0.000000");
  await refused(400, 10001, "GET", "/accounts/payer/billing/invoice?month=13");
});

test("scheduled() is run by hand, and what runs is told", async () => {
  await server.deploy("timed", `export default {
    fetch: () => new Response("ok"),
    scheduled(controller) { if (controller.cron === "1 1 1 1 *") throw new Error("not today"); },
  };`);
  assert.equal((await made("POST", `${script("timed")}/scheduled?cron=*/5+*+*+*+*`)).outcome, "ok");
  assert.equal((await made("POST", `${script("timed")}/scheduled?cron=1+1+1+1+*`)).outcome, "exception");
  await refused(400, 10100, "POST", `${script("timed")}/scheduled?cron=every+day`);
  const status = await made("GET", `${script("timed")}/status`);
  assert.deepEqual([status.lane, status.quarantine], ["fast", null]);
  assert.ok((await made("GET", "/server/status")).processes.length > 0);
});

test("schedules: at most 250, each valid", async () => {
  await server.deploy("often", says("x"));
  const path = `${script("often")}/schedules`;
  const crons = (count) => Array.from({ length: count }, (_, i) => ({ cron: `${i % 60} ${Math.floor(i / 60)} * * *` }));
  assert.equal((await made("PUT", path, crons(250))).schedules.length, 250);
  await refused(413, 10100, "PUT", path, crons(251));
  assert.match(await refused(400, 10100, "PUT", path, [{ cron: "* * * *" }]), /\* \* \* \*/);
  await refused(400, 10100, "PUT", path, [{ corn: "* * * * *" }]);
  assert.equal((await made("GET", path)).schedules.length, 250);
  assert.deepEqual((await made("PUT", path, [{ cron: "0 0 * * *" }, { cron: "0 0 * * *" }])).schedules.map((row) => row.cron), ["0 0 * * *"]);
  assert.deepEqual((await made("PUT", path, [])).schedules, []);
});

test("the audit log tells who did what, and no secret", async () => {
  await made("POST", "/accounts", { id: "audited", name: "Audited" });
  await server.deploy("logged", says("x"), { account: "audited" });
  await made("PUT", `${script("logged", "audited")}/secrets`, { name: "KEY", text: "hush-hush", type: "secret_text" });
  await refused(404, 10056, "DELETE", `${script("logged", "audited")}/secrets/NONE?url_encoded=true`);
  const log = await made("GET", "/accounts/audited/audit_logs");
  assert.deepEqual(log.map((entry) => entry.action.type), ["secret.put", "worker.deploy"]);
  assert.deepEqual([log[0].actor.name, log[0].target, log[0].metadata.set], ["admin", "logged", ["KEY"]]);
  assert.doesNotMatch(JSON.stringify(log), /hush/);
  const older = await made("GET", `/accounts/audited/audit_logs?before=${log[0].id}`);
  assert.deepEqual(older.map((entry) => entry.id), [log[1].id]);
  const whole = await made("GET", "/server/audit_logs?per_page=5");
  assert.equal(whole.length, 5);
});

test("the admin address knows no workers, and workers' addresses no API", async () => {
  assert.equal((await ask(server.adminPort, "shop.localhost")).status, 404);
  assert.equal((await server.ask("nobody.test", "/client/v4/accounts")).status, 404);
});
