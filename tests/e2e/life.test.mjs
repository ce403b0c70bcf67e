// The life of a worker from the command line: versions, deployments, rollback, secrets, routes, cron
// triggers, usage, its end. A real server, and the real binary that speaks to it.
import assert from "node:assert/strict";
import test, { after } from "node:test";
import { project, until } from "./atoll.mjs";
import { client, environment } from "./client.mjs";
import { form, serve } from "./serve.mjs";
import { inTerminal, KEY } from "./terminal.mjs";

const HELLO = (text) => `export default { fetch: (request, env) => new Response("${text} " + (env.KEY ?? "none")) };`;
const SCRIPTS = "/accounts/default/workers/scripts";

const servers = [];
after(() => Promise.all(servers.map((each) => each())));
const server = await serve({ after: (each) => servers.push(each) });

const { atoll, done, json } = client(() => server.base);

async function deploy(name, text = "hello", metadata = {}) {
  const answer = await server.deploy(name, HELLO(text), { metadata });
  assert.ok(answer.success, JSON.stringify(answer.errors));
  return answer.result.deployment_id;
}

async function upload(name, text, metadata = {}) {
  const answer = await server.api("POST", `${SCRIPTS}/${name}/versions`, form(HELLO(text), metadata));
  assert.ok(answer.success, JSON.stringify(answer.errors));
  return answer.result.id;
}

const says = async (name) => (await server.ask(name)).body;

// ---- versions ----

test("versions are listed and looked at", async (t) => {
  const first = await deploy("seen", "one", { annotations: { "workers/message": "the first\nof all", "workers/tag": "v1" } });
  const second = await upload("seen", "two", { bindings: [{ name: "MODE", type: "plain_text", text: "test" }] });
  const { stdout } = await done(t, ["versions", "list", "--name", "seen"]);
  const rows = stdout.trim().split("\n");
  assert.equal(rows.length, 3, stdout);
  assert.match(rows[0], /version +live +made +by +tag +message/);
  assert.ok(rows[1].includes(second.slice(0, 8)) && !rows[1].includes("%"), rows[1]);
  assert.match(rows[2], new RegExp(`1 +${first.slice(0, 8)} +100 % +.*(just now|ago) +\\S.* +v1 +the first$`));

  const items = await json(t, ["versions", "list", "--name", "seen"]);
  assert.deepEqual(items.map((item) => item.id), [second, first]);
  const newest = await json(t, ["versions", "list", "--name", "seen", "--limit", "1"]);
  assert.deepEqual(newest.map((item) => item.id), [second]);
  const { stderr } = await done(t, ["versions", "list", "--name", "seen", "--limit", "1"]);
  assert.match(stderr, /1 older ones: --limit/);

  const view = (await done(t, ["versions", "view", second.slice(0, 6), "--name", "seen"])).stdout;
  assert.match(view, new RegExp(`version +${second} \\(number 2\\)`));
  assert.match(view, /live +no/);
  assert.match(view, /handlers +fetch/);
  assert.match(view, /MODE +plain_text +test/);
  assert.match((await done(t, ["versions", "view", "live", "--name", "seen"])).stdout, /live +100 % of requests/);
  assert.equal((await json(t, ["versions", "view", "latest", "--name", "seen"])).id, second);
});

test("a version that is not there, or is not named well enough", async (t) => {
  const id = await deploy("missed");
  for (const [name, status, words] of [
    ["ffffffff-0000", 4, /no version "ffffffff-0000": atoll versions list/],
    [id.slice(0, 3), 1, /4 characters/],
    ["", 1, /4 characters/],
  ]) {
    const result = await atoll(t, ["versions", "view", name, "--name", "missed"]);
    assert.equal(result.status, status, result.stderr);
    assert.match(result.stderr, words);
    assert.equal(result.stdout, "");
  }
  assert.equal((await atoll(t, ["versions", "view"])).status, 2);
});

test("versions go live, whole and in parts", async (t) => {
  const first = await deploy("parts", "one");
  const second = await upload("parts", "two");
  const deployed = await done(t, ["versions", "deploy", "latest@25", "--name", "parts", "--message", "a try"]);
  assert.match(deployed.stdout, new RegExp(`live ${second.slice(0, 8)} 25 % \\+ ${first.slice(0, 8)} 75 % of parts`));
  assert.match(deployed.stderr, /25 % of requests \(now 0 %\)/);
  let [live] = await json(t, ["deployments", "--name", "parts"]);
  assert.deepEqual(live.versions, [
    { version_id: second, percentage: 25 },
    { version_id: first, percentage: 75 },
  ]);
  assert.equal(live.annotations["workers/message"], "a try");

  await done(t, ["versions", "deploy", first, `${second}@90%`, "--name", "parts", "--yes"]);
  live = await json(t, ["deployments", "status", "--name", "parts"]);
  assert.deepEqual(live.versions.map((each) => each.percentage), [10, 90]);
  await done(t, ["versions", "deploy", second, first, "--name", "parts"]);
  live = await json(t, ["deployments", "status", "--name", "parts"]);
  assert.deepEqual(live.versions.map((each) => each.percentage), [50, 50]);
  await done(t, ["versions", "deploy", "latest", "--name", "parts"]);
  await until(async () => (await says("parts")).startsWith("two"), "the second version");

  for (const [specs, words] of [
    [["latest@60", `${first}@60`], /make 120 % together, not 100/],
    [["latest@50"], /make 50 % together, not 100/],
    [["latest@101"], /from 0 to 100/],
    [["latest@x"], /from 0 to 100/],
    [["latest@10", second], /both are the same version/],
  ]) {
    const result = await atoll(t, ["versions", "deploy", ...specs, "--name", "parts"]);
    assert.equal(result.status, 1, result.stdout);
    assert.match(result.stderr, words);
  }
  const unsaid = await atoll(t, ["versions", "deploy", "--name", "parts"]);
  assert.equal(unsaid.status, 1);
  assert.match(unsaid.stderr, /say which version/);
  assert.equal((await json(t, ["deployments", "status", "--name", "parts"])).versions.length, 1);
});

// ---- deployments, rollback ----

test("deployments are listed, and rolled back", async (t) => {
  const first = await deploy("back", "one");
  const second = await deploy("back", "two", { annotations: { "workers/message": "worse" } });
  const { stdout } = await done(t, ["deployments", "--name", "back"]);
  const rows = stdout.trim().split("\n");
  assert.equal(rows.length, 3);
  assert.ok(rows[1].includes("live") && rows[1].includes(second.slice(0, 8)) && rows[1].includes("worse"), stdout);
  assert.ok(!rows[2].includes("live") && rows[2].includes(first.slice(0, 8)), stdout);
  assert.deepEqual(await json(t, ["deployments", "list", "--name", "back"]), await json(t, ["deployments", "--name", "back"]));
  assert.match((await done(t, ["deployments", "status", "--name", "back"])).stdout, new RegExp(`back was deployed .* by .*: worse\n +100 % ${second}`));

  const rolled = await done(t, ["rollback", "--name", "back", "--message", "it was worse"]);
  assert.match(rolled.stderr, new RegExp(`from ${second.slice(0, 8)}, made .*: worse\n +to ${first.slice(0, 8)}`));
  assert.equal(rolled.stdout, `rolled back back to ${first.slice(0, 8)}\n`);
  await until(async () => (await says("back")).startsWith("one"), "the first version");
  const [live] = await json(t, ["deployments", "--name", "back"]);
  assert.equal(live.annotations["workers/triggered_by"], "rollback");
  assert.equal(live.annotations["workers/message"], "it was worse");

  // What was live before is the second one again.
  await done(t, ["rollback", "--name", "back"]);
  assert.equal((await json(t, ["deployments", "status", "--name", "back"])).versions[0].version_id, second);
  assert.match((await done(t, ["rollback", second, "--name", "back"])).stderr, /is live already/);
  await done(t, ["rollback", first.slice(0, 10), "--name", "back"]);
  assert.equal((await json(t, ["deployments", "status", "--name", "back"])).versions[0].version_id, first);
});

test("nothing to roll back to", async (t) => {
  await deploy("single");
  const result = await atoll(t, ["rollback", "--name", "single"]);
  assert.equal(result.status, 4);
  assert.match(result.stderr, /no other version of single was live before/);
});

test("a rollback says which secrets it takes away", async (t) => {
  await deploy("sealed");
  await done(t, ["secret", "put", "KEY", "--name", "sealed"], { input: "x" });
  assert.match((await done(t, ["rollback", "--name", "sealed"])).stderr, /does not have the secret KEY/);
  await until(async () => (await says("sealed")).endsWith("none"), "the version without the secret");
  assert.match((await done(t, ["rollback", "--name", "sealed"])).stderr, /brings back the secret KEY/);
});

// ---- secrets ----

test("secrets come from standard input and are never shown", async (t) => {
  await deploy("vault");
  assert.match((await done(t, ["secret", "list", "--name", "vault"])).stderr, /no secrets yet: atoll secret put NAME/);
  const put = await done(t, ["secret", "put", "KEY", "--name", "vault"], { input: "s3cret\n" });
  assert.equal(put.stdout, "set the secret KEY of vault; a version with it is live\n");
  await until(async () => (await says("vault")) === "hello s3cret", "the secret");
  assert.match((await done(t, ["secret", "list", "--name", "vault"])).stdout, /^secret +type\nKEY +secret_text\n$/);
  assert.deepEqual(await json(t, ["secret", "list", "--name", "vault"]), [{ name: "KEY", type: "secret_text" }]);
  assert.ok(!(await done(t, ["versions", "view", "live", "--name", "vault"])).stdout.includes("s3cret"));

  const empty = await atoll(t, ["secret", "put", "KEY", "--name", "vault"], { input: "" });
  assert.equal(empty.status, 1);
  assert.equal((await atoll(t, ["secret", "put", "--name", "vault"], { input: "x" })).status, 2);
  const shown = await atoll(t, ["secret", "put", "KEY", "pssst", "--name", "vault"], { input: "x" });
  assert.equal(shown.status, 2);
  assert.match(shown.stderr, /asked for, or read from standard input/);
  assert.ok(!shown.stderr.includes("pssst"));
  const bytes = await atoll(t, ["secret", "put", "KEY", "--name", "vault"], { input: Buffer.from([0xff, 0xfe]) });
  assert.equal(bytes.status, 1);
  assert.match(bytes.stderr, /no UTF-8/);

  const unasked = await atoll(t, ["secret", "delete", "KEY", "--name", "vault"]);
  assert.equal(unasked.status, 2);
  assert.match(unasked.stderr, /--yes/);
  assert.equal(await says("vault"), "hello s3cret");
  await done(t, ["secret", "delete", "KEY", "--name", "vault", "--yes"]);
  await until(async () => (await says("vault")) === "hello none", "its end");
  const gone = await atoll(t, ["secret", "delete", "KEY", "--name", "vault", "--yes"]);
  assert.equal(gone.status, 4);
  assert.match(gone.stderr, /no secret "KEY"/);
});

test("many secrets at once", async (t) => {
  await deploy("bulk");
  const cwd = project(t, { ".env.bulk": "# a comment\nKEY=\"from a file\"\nOTHER=1\n", "bad.json": '{"A": 1}', "none": "\n" });
  const names = async () => (await json(t, ["secret", "list", "--name", "bulk"])).map((each) => each.name).sort();
  assert.match((await done(t, ["secret", "bulk", ".env.bulk", "--name", "bulk"], { cwd })).stdout, /^set 2 secrets of bulk;/);
  await until(async () => (await says("bulk")) === "hello from a file", "the secret");
  assert.deepEqual(await names(), ["KEY", "OTHER"]);
  const changed = await done(t, ["secret", "bulk", "--name", "bulk"], { input: '{"KEY": "again", "OTHER": null, "MORE": "x"}' });
  assert.equal(changed.stdout, "set 2 secrets of bulk, deleted 1 secret; a version with them is live\n");
  assert.deepEqual(await names(), ["KEY", "MORE"]);
  for (const [file, words] of [
    ["bad.json", /bad\.json: the value of "A" is neither a string nor null/],
    ["none", /there is no secret in it/],
    ["absent", /absent/],
  ]) {
    const result = await atoll(t, ["secret", "bulk", file, "--name", "bulk"], { cwd });
    assert.equal(result.status, 1, result.stderr);
    assert.match(result.stderr, words);
  }
});

// ---- routes, cron triggers ----

test("routes and custom domains come and go", async (t) => {
  await deploy("placed");
  const own = /^address +what it is +zone\nhttp:\/\/placed\.localhost:\d+ +the worker's own\n/;
  assert.match((await done(t, ["routes", "--name", "placed"])).stdout, own);
  assert.equal((await done(t, ["routes", "add", "a.test/api/*", "--name", "placed"])).stdout, "added the route a.test/api/* to placed\n");
  await done(t, ["routes", "add", "*.b.test/*", "--name", "placed"]);
  assert.match((await done(t, ["routes", "add", "shop.test", "--name", "placed"])).stdout, /added the custom domain shop\.test/);
  assert.equal((await server.ask("a.test", "/api/x")).body, "hello none");
  assert.equal((await server.ask("x.b.test")).body, "hello none");
  assert.equal((await server.ask("shop.test")).body, "hello none");
  const places = await json(t, ["routes", "--name", "placed"]);
  assert.match(places.url, /^http:\/\/placed\.localhost:/);
  assert.deepEqual(places.routes.map((each) => each.pattern).sort(), ["*.b.test/*", "a.test/api/*"]);
  assert.deepEqual(places.domains.map((each) => each.hostname), ["shop.test"]);

  const listed = (await json(t, ["list"])).find((each) => each.id === "placed");
  assert.equal(listed.urls.length, 4);
  assert.equal(listed.urls[0], places.url);

  await done(t, ["routes", "remove", "a.test/api/*", "--name", "placed"]);
  await done(t, ["routes", "remove", "shop.test", "--name", "placed"]);
  assert.equal((await server.ask("a.test", "/api/x")).status, 404);
  assert.equal((await server.ask("shop.test")).status, 404);
  const gone = await atoll(t, ["routes", "remove", "shop.test", "--name", "placed"]);
  assert.equal(gone.status, 4);
  assert.match(gone.stderr, /no route or custom domain "shop\.test"/);

  await deploy("elsewhere");
  const taken = await atoll(t, ["routes", "add", "*.b.test/*", "--name", "elsewhere"]);
  assert.equal(taken.status, 1);
  assert.match(taken.stderr, /code: 10020/);
  const malformed = await atoll(t, ["routes", "add", "a.*.test/*", "--name", "placed"]);
  assert.equal(malformed.status, 1);
});

const CRON = `export default {
  async scheduled(controller) {
    console.log("ran", controller.cron, controller.scheduledTime);
    if (controller.cron === "1 1 1 1 *") throw new TypeError("not today");
  },
};`;

test("cron triggers are listed, and run at once", async (t) => {
  await server.deploy("clock", CRON);
  assert.match((await done(t, ["cron", "list", "--name", "clock"])).stderr, /clock has no cron triggers/);
  await server.api("PUT", `${SCRIPTS}/clock/schedules`, [{ cron: "0 3 * * *" }]);
  assert.match((await done(t, ["cron", "list", "--name", "clock"])).stdout, /0 3 \* \* \* +(in \d+ \S+|just now) +\d{4}-\d\d-\d\d/);
  assert.equal((await json(t, ["cron", "list", "--name", "clock"]))[0].cron, "0 3 * * *");

  const ran = await done(t, ["cron", "trigger", "--name", "clock", "--time", "2026-11-21T03:00:00Z"]);
  assert.equal(ran.stdout, "scheduled() of clock ended: ok\n");
  assert.match(ran.stderr, /atoll logs clock --since 1m/);
  const failed = await atoll(t, ["cron", "trigger", "--name", "clock", "--cron", "1 1 1 1 *", "--json"]);
  assert.equal(failed.status, 1);
  assert.equal(JSON.parse(failed.stdout).outcome, "exception");

  const { stdout } = await until(async () => {
    const logs = await done(t, ["logs", "clock", "--since", "1h"]);
    return logs.stdout.includes("not today") && logs;
  }, "both runs in the log");
  assert.match(stdout, /^"0 3 \* \* \*" - Ok @ [\d: -]+ \(.*\)\n {2}\(log\) ran 0 3 \* \* \* 1795230000000\n"1 1 1 1 \*" - Exception Thrown/);

  for (const [args, status, words] of [
    [["--cron", "every day"], 1, /code: 10100/],
    [["--time", "soon"], 2, /no time/],
  ]) {
    const result = await atoll(t, ["cron", "trigger", "--name", "clock", ...args]);
    assert.equal(result.status, status, result.stderr);
    assert.match(result.stderr, words);
  }
});

// ---- the account ----

test("a worker that is not there", async (t) => {
  await deploy("checkout");
  for (const args of [
    ["versions", "list", "--name", "chekout"],
    ["versions", "view", "live", "--name", "chekout"],
    ["versions", "deploy", "latest", "--name", "chekout"],
    ["deployments", "--name", "chekout"],
    ["deployments", "status", "--name", "chekout"],
    ["rollback", "--name", "chekout"],
    ["secret", "list", "--name", "chekout"],
    ["secret", "delete", "A", "--yes", "--name", "chekout"],
    ["routes", "--name", "chekout"],
    ["cron", "list", "--name", "chekout"],
    ["cron", "trigger", "--name", "chekout"],
    ["delete", "chekout", "--yes"],
    ["tail", "chekout"],
    ["logs", "chekout"],
    ["logs", "chekout", "--follow"],
  ]) {
    const result = await atoll(t, args);
    assert.equal(result.status, 4, `${args}: ${result.stderr}`);
    assert.match(result.stderr, /no worker "chekout"; did you mean "checkout"\?/, `${args}`);
    assert.equal(result.stdout, "");
  }
  assert.match((await atoll(t, ["tail", "zzzzzzzz"])).stderr, /no worker "zzzzzzzz"; there are: /);
});

test("the configuration names the worker", async (t) => {
  await deploy("named");
  await deploy("named-staging");
  const cwd = project(t, {
    "wrangler.json": JSON.stringify({ name: "named", main: "index.js", compatibility_date: "2026-04-01", env: { staging: {} } }),
    "index.js": HELLO("x"),
  });
  assert.match((await done(t, ["deployments", "status"], { cwd })).stdout, /^named was deployed/);
  assert.match((await done(t, ["deployments", "status", "--env", "staging"], { cwd })).stdout, /^named-staging was deployed/);
  const nameless = await atoll(t, ["deployments", "status"]);
  assert.equal(nameless.status, 2);
  assert.match(nameless.stderr, /--name/);
});

test("workers are listed and deleted; an account without any says so", async (t) => {
  const account = { CLOUDFLARE_ACCOUNT_ID: "empty" };
  await server.api("POST", "/accounts", { id: "empty", name: "Empty" });
  const none = await done(t, ["list"], { env: account });
  assert.match(none.stderr, /no workers yet in the account "empty": atoll deploy/);
  assert.equal((await done(t, ["list", "--json"], { env: account })).stdout, "[]\n");
  assert.match((await atoll(t, ["tail", "x"], { env: account })).stderr, /no worker "x"; there are none yet: atoll deploy/);

  const id = (await server.deploy("mine", HELLO("mine"), { account: "empty" })).result.deployment_id;
  await server.api("PUT", "/accounts/empty/workers/scripts/mine/secrets", { name: "A", text: "b", type: "secret_text" });
  const [live] = (await json(t, ["versions", "list", "--name", "mine"], { env: account })).map((each) => each.id);
  assert.notEqual(live, id);
  assert.match((await done(t, ["list"], { env: account })).stdout, new RegExp(`\nmine +${live.slice(0, 8)} +(just now|.* ago) +0 +0 +http://mine\\.empty\\.localhost:\\d+\n$`));

  const unasked = await atoll(t, ["delete", "mine"], { env: account });
  assert.equal(unasked.status, 2);
  assert.match(unasked.stderr, /mine goes from the account "empty" with 2 versions, 1 secret, and its logs; what it used stays/);
  assert.match(unasked.stderr, /--yes/);
  assert.equal((await json(t, ["list"], { env: account })).length, 1);
  assert.equal((await done(t, ["delete", "mine", "-y"], { env: account })).stdout, "deleted mine\n");
  assert.deepEqual(await json(t, ["list"], { env: account }), []);
});

test("usage and the bill", async (t) => {
  const priced = await serve(t, {
    config: '[prices]\ncurrency = "EUR"\nmillion_requests = 1000000\nmillion_cpu_ms = 0\ngb_s = 0\n',
  });
  const env = { CLOUDFLARE_API_BASE_URL: priced.base };
  const nothing = await done(t, ["usage"], { env });
  assert.match(nothing.stderr, /nothing ran in this time/);
  await priced.deploy("busy", HELLO("x"));
  await priced.deploy("failing", "export default { fetch() { throw new Error('no'); } };");
  for (let i = 0; i < 3; i++) await priced.ask("busy");
  await priced.ask("failing");
  const both = await until(async () => {
    const answer = await json(t, ["usage", "--days", "1"], { env });
    return answer.usage.rows.reduce((sum, row) => sum + row.requests, 0) === 4 && answer;
  }, "four requests in the usage");
  assert.equal(both.invoice.due, "4.00");
  const { stdout } = await done(t, ["usage"], { env });
  assert.match(stdout, /^account default, from \d{4}-\d\d-01T00:00 to \S+ UTC\n/);
  assert.match(stdout, /\nworker +requests +errors +CPU +GB-s +in +out +amount\n/);
  assert.match(stdout, /\nbusy +3 +0 +\S+ \S+ +\S+ +\S+ k?B +\S+ k?B +3\.000000\n/);
  assert.match(stdout, /\nfailing +1 +1 +/);
  assert.match(stdout, /\nall +4 +1 .* 4\.000000\n/);
  assert.match(stdout, /\nrequests +4 requests at 1,000,000 EUR a million: 4\.000000\n/);
  assert.match(stdout, /\ndue +4\.00 EUR\n$/);
  const one = (await done(t, ["usage", "--name", "busy"], { env })).stdout;
  assert.ok(one.includes("busy") && !one.includes("failing") && !one.includes("due"), one);
  assert.match((await done(t, ["usage", "--month", "2020-01"], { env })).stderr, /nothing ran/);
  for (const args of [["--month", "november"], ["--days", "0"], ["--days", "1", "--month", "2026-11"]])
    assert.equal((await atoll(t, ["usage", ...args], { env })).status, 2, `${args}`);
});

// ---- at a terminal ----

const atTerminal = (t, args) => {
  const cwd = project(t);
  return inTerminal(t, args, { cwd, env: { ...environment(server.base, cwd), NO_COLOR: "" } });
};

test("a version is picked at a terminal", async (t) => {
  const first = await deploy("picked", "one");
  const second = await upload("picked", "two");
  const terminal = await atTerminal(t, ["versions", "deploy", "--name", "picked"]);
  await terminal.shows("version to deploy");
  const text = terminal.text();
  assert.match(text, new RegExp(`1 +${second.slice(0, 8)}.*\n +2 +${first.slice(0, 8)} .* live`));
  terminal.type("1@40", KEY.enter);
  await terminal.shows("deploy this? [y/N]");
  assert.match(terminal.text(), new RegExp(`${second.slice(0, 8)} +40 % of requests \\(now 0 %\\)`));
  terminal.type("y", KEY.enter);
  await terminal.shows(`${second.slice(0, 8)} 40 % + ${first.slice(0, 8)} 60 % of picked`);
  assert.equal(await terminal.status(), 0);
});

test("questions can be answered with no", async (t) => {
  await deploy("asked", "one");
  const second = await deploy("asked", "two");
  for (const [args, question] of [
    [["rollback", "--name", "asked"], "roll back?"],
    [["delete", "asked"], "delete asked?"],
    [["versions", "deploy", second, "--name", "asked"], "deploy this?"],
  ]) {
    const terminal = await atTerminal(t, args);
    await terminal.shows(question);
    terminal.type(KEY.enter);
    await terminal.shows("nothing was done");
    assert.equal(await terminal.status(), 1);
  }
  assert.equal(await says("asked"), "two none");
});

test("a secret is typed unseen, and colours are shown", async (t) => {
  await deploy("typed");
  const terminal = await atTerminal(t, ["secret", "put", "KEY", "--name", "typed"]);
  await terminal.shows("the value of KEY:");
  terminal.type("pssst", KEY.enter);
  await terminal.shows("set the secret KEY");
  assert.equal(await terminal.status(), 0);
  assert.ok(!terminal.output.includes("pssst"), terminal.output);
  await until(async () => (await says("typed")) === "hello pssst", "the secret");
  const list = await atTerminal(t, ["list"]);
  await list.status();
  assert.match(list.output, /\x1b\[1mtyped\x1b\[0m/);
});
