// Logging in to servers, and being logged in: the real binary, a real server, a browser that is a
// program, credentials on disk.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { chmodSync, existsSync, readFileSync, statSync, symlinkSync, mkdirSync } from "node:fs";
import { createServer, request as ask } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { afterwards, binary, project, root, run, until, write } from "./atoll.mjs";
import { makeCertificates } from "./certificates.mjs";
import { serve, TOKEN } from "./serve.mjs";
import { inTerminal, KEY } from "./terminal.mjs";

const AUTH = 3;
const ABSENT = 4;
const UNREACHABLE = 5;
const server = await serve({ after });
const page = /http:\/\/127\.0\.0\.1:\d+\/oauth2\/auth\?\S+/;

/** A home of its own: `atoll(...)` runs there, `credentials` is its file. */
function person(t, files = {}) {
  const home = project(t, files);
  const env = { PATH: process.env.PATH, HOME: home, XDG_CONFIG_HOME: join(home, "config"), NO_COLOR: "1" };
  for (const name of ["ATOLL_ESBUILD", "ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS"])
    if (process.env[name]) env[name] = process.env[name];
  const file = join(home, "config/atoll/credentials.json");
  return {
    home,
    env,
    file,
    atoll: (args, options = {}) => run(args, { cwd: home, ...options, env: { ...env, ...options.env } }),
    credentials: () => JSON.parse(readFileSync(file, "utf8")),
    /** What the browser was shown in the end. */
    shown: () =>
      until(() => existsSync(join(home, "shown")) && readFileSync(join(home, "shown"), "utf8"), "the last page"),
    /** Changes the profile `name` in the file. */
    edit(name, change) {
      const all = this.credentials();
      Object.assign(all.profiles[name], change);
      write(home, "config/atoll/credentials.json", JSON.stringify(all));
      chmodSync(file, 0o600);
    },
    async login(...args) {
      const done = await this.atoll(["login", server.admin, "--token", TOKEN, ...args]);
      assert.equal(done.status, 0, done.stderr);
      return done;
    },
    /** Logs in as with a browser. */
    async browse(...args) {
      const BROWSER = browser(home);
      const done = await this.atoll(["login", server.admin, "--profile", "web", ...args], { env: { BROWSER } });
      assert.equal(done.status, 0, done.stderr);
      return done;
    },
  };
}

/** Says yes (or `decision`) on the server's page at `address`; returns where that leads. With `error`
 * that is what the server would say in place of its page. */
async function decide(address, { decision = "allow", token = TOKEN, error } = {}) {
  const url = new URL(address);
  const { state, redirect_uri } = Object.fromEntries(url.searchParams);
  if (error) return `${redirect_uri}?${new URLSearchParams({ error, error_description: "out of order", state })}`;
  const send = (fields) =>
    fetch(`${url.origin}/oauth2/auth`, { method: "POST", body: new URLSearchParams(fields), redirect: "manual" });
  let answer = await send({ ...Object.fromEntries(url.searchParams), token, decision });
  if (answer.status === 200) {
    const [, ticket] = (await answer.text()).match(/name="ticket" value="([^"]+)"/);
    answer = await send({ ticket, account: "default", decision });
  }
  assert.equal(answer.status, 303);
  return answer.headers.get("location");
}

/** A command for $BROWSER that plays a person who decides, and follows where that leads. */
function browser(home, options = {}) {
  const text = `
    const decide = ${decide};
    const TOKEN = ${JSON.stringify(TOKEN)};
    const assert = (await import("node:assert/strict")).default;
    const shown = await fetch(await decide(process.argv[2], ${JSON.stringify(options)}));
    (await import("node:fs")).writeFileSync(${JSON.stringify(join(home, "shown"))}, shown.status + " " + await shown.text());
  `;
  write(home, "browser.mjs", text);
  write(home, "browser", `#!/bin/sh\nexec ${process.execPath} ${join(home, "browser.mjs")} "$1"\n`);
  chmodSync(join(home, "browser"), 0o755);
  return join(home, "browser");
}

function withResolvers() {
  let resolve;
  const promise = new Promise((done) => (resolve = done));
  return { promise, resolve };
}

/** A server of the test's own: `answer(request, response)`; its address. */
async function other(t, answer) {
  const made = createServer(answer);
  await new Promise((resolve) => made.listen(0, "127.0.0.1", resolve));
  afterwards(t, () => (made.closeAllConnections(), made.close()));
  return `http://127.0.0.1:${made.address().port}`;
}

/** `atoll` with `input` on its standard input. */
function piped(someone, args, input) {
  const child = spawn(binary, args, { cwd: someone.home, env: someone.env, stdio: ["pipe", "pipe", "pipe"] });
  const out = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"]) child[name].setEncoding("utf8").on("data", (text) => (out[name] += text));
  child.stdin.end(input);
  return new Promise((resolve) => child.on("close", (status) => resolve({ status, ...out })));
}

describe("with a token", () => {
  test("it is checked, stored for its owner only, used, forgotten", async (t) => {
    const me = person(t);
    const before = await me.atoll(["whoami"]);
    assert.equal(before.status, AUTH);
    assert.match(before.stderr, /not logged in: atoll login http:\/\/127\.0\.0\.1:8790/);

    const done = await piped(me, ["login", `127.0.0.1:${server.adminPort}/client/v4/`, "--token", "-"], `${TOKEN}\n`);
    assert.equal(done.status, 0, done.stderr);
    assert.match(done.stdout, /logged in to http:\/\/127\.0\.0\.1:\d+ as admin\naccount  default\nscopes   \*:write\n/);
    assert.equal(statSync(me.file).mode & 0o777, 0o600);
    assert.equal(statSync(join(me.file, "..")).mode & 0o777, 0o700);

    const who = await me.atoll(["whoami"]);
    assert.equal(who.status, 0, who.stderr);
    assert.match(who.stdout, /^server +http:\/\/127\.0\.0\.1:\d+\/client\/v4 \(atoll \d+\.\d+\.\d+\)\n/);
    assert.match(who.stdout, /\naccount +default\ntoken +admin\n/);
    const json = JSON.parse((await me.atoll(["whoami", "--json"])).stdout);
    assert.equal(json.url, server.base);
    assert.deepEqual(json.token.scopes, ["*:write"]);
    assert.equal(json.accounts[0].id, "default");
    assert.ok(!JSON.stringify(json).includes(TOKEN));

    assert.match((await me.atoll(["logout"])).stdout, /logged out of http/);
    assert.equal((await me.atoll(["whoami"])).status, AUTH);
    assert.ok(!readFileSync(me.file, "utf8").includes(TOKEN));
    assert.equal((await server.api("GET", "/accounts")).status, 200, "the token itself lives on");
  });

  test("a wrong one is not stored", async (t) => {
    const me = person(t);
    const done = await me.atoll(["login", server.admin, "--token", "nonsense"]);
    assert.equal(done.status, AUTH);
    assert.match(done.stderr, /does not take this token: Invalid API Token/);
    assert.ok(!existsSync(me.file));
    const blank = await me.atoll(["login", server.admin, "--token", "two words"]);
    assert.equal(blank.status, 1);
    assert.match(blank.stderr, /the token has a blank/);
    assert.equal((await piped(me, ["login", server.admin, "--token", "-"], "")).status !== 0, true);
  });

  test("one of an account works in that account", async (t) => {
    const me = person(t);
    await server.api("POST", "/accounts", { name: "acme", id: "acme" });
    const wanted = { name: "ci", scopes: ["worker:write", "account:read"] };
    const { result } = await server.api("POST", "/accounts/acme/tokens", wanted);
    const done = await me.atoll(["login", server.admin, "--token", result.value]);
    assert.equal(done.status, 0, done.stderr);
    assert.match(done.stdout, /as ci\naccount  acme\nscopes   worker:write account:read\n/);
    const wrong = await me.atoll(["login", server.admin, "--token", result.value, "--account", "default"]);
    assert.equal(wrong.status, ABSENT);
    const named = await me.atoll(["login", server.admin, "--token", TOKEN, "--account", "acme"]);
    assert.match(named.stdout, /account {2}acme\n/);
    assert.equal(me.credentials().profiles[new URL(server.admin).host].account, "acme");
  });

  test("it is asked for unseen at a terminal", async (t) => {
    const me = person(t);
    const terminal = await inTerminal(t, ["login", server.admin, "--token", "-"], { cwd: me.home, env: me.env });
    await terminal.shows("token:");
    terminal.type(TOKEN, KEY.enter);
    await terminal.shows("logged in");
    assert.equal(await terminal.status(), 0);
    assert.ok(!terminal.output.includes(TOKEN));
  });

  test("through a proxy with TLS", async (t) => {
    const me = person(t);
    const { caFile, trusted } = makeCertificates(t);
    const proxy = createTlsServer(trusted, (from, to) => {
      const { method, url: path } = from;
      const headers = { ...from.headers, "x-forwarded-proto": "https" };
      const on = ask({ host: "127.0.0.1", port: server.adminPort, method, path, headers }, (answer) =>
        answer.pipe(to.writeHead(answer.statusCode, answer.headers)),
      );
      from.pipe(on);
    });
    await new Promise((resolve) => proxy.listen(0, "127.0.0.1", resolve));
    afterwards(t, () => (proxy.closeAllConnections(), proxy.close()));
    const url = `https://localhost:${proxy.address().port}`;
    const distrusted = await me.atoll(["login", url, "--token", TOKEN]);
    assert.equal(distrusted.status, UNREACHABLE);
    assert.match(distrusted.stderr, /certificate[^]*ATOLL_CA_FILE may name/);
    const done = await me.atoll(["login", url, "--token", TOKEN], { env: { ATOLL_CA_FILE: caFile } });
    assert.equal(done.status, 0, done.stderr);
    assert.equal((await me.atoll(["whoami"], { env: { ATOLL_CA_FILE: caFile } })).status, 0);
    assert.equal((await me.atoll(["logout"])).status, 0);
  });

  test("a plain address of another machine is a warning", async (t) => {
    const me = person(t);
    const done = await me.atoll(["login", `http://0.0.0.0:${server.adminPort}`, "--token", TOKEN]);
    assert.match(done.stderr, /warning: http:\/\/0\.0\.0\.0:\d+ is not encrypted/);
  });
});

describe("with a browser", () => {
  test("it opens, the person agrees, tokens come", async (t) => {
    const me = person(t);
    const done = await me.browse();
    assert.match(done.stderr, /Your browser shows a page/);
    assert.match(done.stdout, /logged in to http.*\naccount {2}default\n/);
    const profile = me.credentials().profiles.web;
    assert.ok(profile.refresh_token && profile.expires_ms > Date.now());
    assert.ok(!done.stderr.includes(profile.token) && !done.stdout.includes(profile.token));
    assert.match(await me.shown(), /^200 .*logged in/s);
    assert.equal((await me.atoll(["whoami"])).status, 0);

    assert.equal((await me.atoll(["logout"])).status, 0);
    const answer = await fetch(`${server.base}/accounts`, { headers: { authorization: `Bearer ${profile.token}` } });
    assert.equal(answer.status, 401, "the login was taken back");
  });

  test("a login again takes the one before back", async (t) => {
    const me = person(t);
    await me.browse();
    const { token } = me.credentials().profiles.web;
    await me.browse();
    assert.equal((await fetch(`${server.base}/accounts`, { headers: { authorization: `Bearer ${token}` } })).status, 401);
    assert.equal((await me.atoll(["whoami"])).status, 0);
  });

  test("refused on the page", async (t) => {
    const me = person(t);
    const BROWSER = browser(me.home, { decision: "deny" });
    const done = await me.atoll(["login", server.admin], { env: { BROWSER } });
    assert.equal(done.status, AUTH);
    assert.match(done.stderr, /the login was refused on the server's page/);
    assert.match(await me.shown(), /^400 .*not logged in/s);
    assert.ok(!existsSync(me.file));
  });

  test("what other pages send here counts for nothing", async (t) => {
    const me = person(t);
    const terminal = await inTerminal(t, ["login", server.admin, "--no-browser"], { cwd: me.home, env: me.env, columns: 2000 });
    const [address] = (await terminal.shows(page)).match(page);
    const back = new URL(address).searchParams.get("redirect_uri");
    for (const path of ["?code=stolen&state=wrong", "?error=access_denied", ""])
      assert.equal((await fetch(back + path)).status, 400);
    assert.equal((await fetch(new URL("/other", back))).status, 404);
    await terminal.shows("waiting for the browser");
    const location = await decide(address);
    assert.equal((await fetch(location)).status, 200);
    assert.equal(await terminal.status(), 0);
  });

  test("from another machine: the address is pasted", async (t) => {
    const me = person(t);
    const terminal = await inTerminal(t, ["login", server.admin, "--no-browser"], { cwd: me.home, env: me.env, columns: 2000 });
    const [address] = (await terminal.shows(page)).match(page);
    terminal.type("http://127.0.0.1/callback?code=x&state=wrong", KEY.enter);
    await terminal.shows("warning: that was not the answer to this login");
    terminal.type(await decide(address), KEY.enter);
    await terminal.shows("logged in");
    assert.equal(await terminal.status(), 0);
  });

  test("Ctrl-C ends the waiting", async (t) => {
    const me = person(t);
    const terminal = await inTerminal(t, ["login", server.admin, "--no-browser"], { cwd: me.home, env: me.env });
    await terminal.shows("waiting for the browser");
    terminal.type(KEY.interrupt);
    assert.equal(await terminal.status(), 130);
    assert.ok(!existsSync(me.file));
  });

  test("a server without such a login", async (t) => {
    const me = person(t);
    const url = await other(t, (_, response) => response.writeHead(404).end("what?"));
    const done = await me.atoll(["login", url]);
    assert.equal(done.status, 1);
    assert.match(done.stderr, /has no login by browser \(status 404\)[^]*--token -/);
  });

  test("endpoints of somebody else are not used", async (t) => {
    const me = person(t);
    const [authorization_endpoint, token_endpoint] = ["auth", "token"].map((name) => `${server.admin}/oauth2/${name}`);
    const url = await other(t, (_, response) => response.end(JSON.stringify({ authorization_endpoint, token_endpoint })));
    const done = await me.atoll(["login", url]);
    assert.equal(done.status, 1);
    assert.match(done.stderr, /login pages of http.* are not below this address/);
  });
});

describe("tokens that end", () => {
  test("one that is about to expire is renewed and stored", async (t) => {
    const me = person(t);
    await me.browse();
    const { token, refresh_token } = me.credentials().profiles.web;
    me.edit("web", { expires_ms: Date.now() + 1000 });
    assert.equal((await me.atoll(["whoami"])).status, 0);
    const now = me.credentials().profiles.web;
    assert.notEqual(now.token, token);
    assert.notEqual(now.refresh_token, refresh_token);
    assert.ok(now.expires_ms > Date.now() + 60_000);
    assert.equal((await me.atoll(["whoami"])).status, 0);
    assert.equal(me.credentials().profiles.web.token, now.token, "a fresh one stays");
  });

  test("one that the server refuses before its time is renewed, too", async (t) => {
    const me = person(t);
    await me.browse();
    me.edit("web", { token: "of-another-time" });
    const who = await me.atoll(["whoami"]);
    assert.equal(who.status, 0, who.stderr);
    assert.notEqual(me.credentials().profiles.web.token, "of-another-time");
  });

  test("commands at the same time renew it once, and none loses the login", async (t) => {
    const me = person(t);
    await me.browse();
    me.edit("web", { expires_ms: 1 });
    const all = await Promise.all(Array.from({ length: 8 }, () => me.atoll(["whoami", "--json"])));
    for (const one of all) assert.equal(one.status, 0, one.stderr);
    assert.equal((await me.atoll(["whoami"])).status, 0);
  });

  test("a login that was ended says how to log in again", async (t) => {
    const me = person(t);
    await me.browse();
    const { refresh_token } = me.credentials().profiles.web;
    const body = new URLSearchParams({ token: refresh_token, client_id: "atoll-cli" });
    await fetch(`${server.admin}/oauth2/revoke`, { method: "POST", body });
    me.edit("web", { expires_ms: 1 });
    const who = await me.atoll(["whoami"]);
    assert.equal(who.status, AUTH);
    assert.match(who.stderr, /your login at http:\/\/[\d.:]+ has ended: atoll login http:\/\/[\d.:]+ --profile web/);
  });

  test("a token that was deleted", async (t) => {
    const me = person(t);
    const { result } = await server.api("POST", "/user/tokens", { name: "short", scopes: ["account:read"] });
    await me.atoll(["login", server.admin, "--token", result.value, "--profile", "short"]);
    await server.api("DELETE", `/user/tokens/${result.id}`);
    const who = await me.atoll(["whoami"]);
    assert.equal(who.status, AUTH);
    assert.match(who.stderr, /log in again: atoll login http:\/\/127\.0\.0\.1:\d+ --profile short/);
  });
});

describe("several servers", () => {
  test("profiles are listed, chosen, used for one command, left", async (t) => {
    const me = person(t);
    const second = await serve(t, { env: { ATOLL_ADMIN_TOKEN: "another-token" } });
    await me.login("--profile", "home");
    const done = await me.atoll(["login", second.admin, "--token", "another-token", "--profile", "work"]);
    assert.equal(done.status, 0, done.stderr);
    const whoami = (args, env) => me.atoll(["whoami", "--json", ...args], { env });
    const server_of = async (args = [], env = {}) => JSON.parse((await whoami(args, env)).stdout).url;

    assert.equal(await server_of(), second.base, "the last login is current");
    assert.equal(await server_of(["--profile", "home"]), server.base);
    assert.equal(await server_of([], { ATOLL_PROFILE: "home" }), server.base);
    assert.match((await me.atoll(["profiles"])).stdout, /\n {3}home .*\n\* {2}work /);
    assert.equal((await me.atoll(["profiles", "home"])).status, 0);
    assert.equal(await server_of(), server.base);
    const list = JSON.parse((await me.atoll(["profiles", "--json"])).stdout);
    const rows = list.map(({ name, current, login }) => `${name} ${current} ${login}`);
    assert.deepEqual(rows, ["home true token", "work false token"]);

    const unknown = await me.atoll(["whoami", "--profile", "nowhere"]);
    assert.equal(unknown.status, AUTH);
    assert.match(unknown.stderr, /there is no profile "nowhere"/);
    assert.equal((await me.atoll(["profiles", "nowhere"])).status, ABSENT);

    assert.match((await me.atoll(["logout"])).stdout, /the current server is http:.* now/);
    assert.equal(await server_of(), second.base);
    assert.equal((await me.atoll(["logout", "--all"])).status, 0);
    assert.match((await me.atoll(["profiles"])).stdout, /not logged in anywhere/);
  });

  test("a server that is down", async (t) => {
    const me = person(t);
    const url = await other(t, (_, response) => response.end());
    await me.login("--profile", "down");
    me.edit("down", { url: "http://127.0.0.1:1" });
    const who = await me.atoll(["whoami"]);
    assert.equal(who.status, UNREACHABLE);
    assert.match(who.stderr, /http:\/\/127\.0\.0\.1:1 does not answer: connect ECONNREFUSED[^]*from the profile down/);
    assert.equal((await me.atoll(["login", "http://127.0.0.1:1"])).status, UNREACHABLE);
    me.edit("down", { url });
    const nonsense = await me.atoll(["whoami"]);
    assert.equal(nonsense.status, 1);
    assert.match(nonsense.stderr, /does not speak the API \(status 200\): an empty answer/);
  });

  test("one that is slow", async (t) => {
    const me = person(t);
    const { promise, resolve } = withResolvers();
    const url = await other(t, (_, response) => promise.then(() => response.end(JSON.stringify({ success: true, result: [] }))));
    await me.login("--profile", "slow");
    me.edit("slow", { url });
    const terminal = await inTerminal(t, ["whoami"], { cwd: me.home, env: me.env });
    await terminal.shows(`waiting for ${new URL(url).host}`);
    resolve();
    assert.equal(await terminal.status(), 0);
    assert.match(terminal.text(), /server +http/);
  });

  test("an answer cannot steer the terminal", async (t) => {
    const me = person(t);
    const url = await other(t, (_, response) =>
      response.writeHead(400).end(JSON.stringify({ success: false, errors: [{ code: 1, message: "bad \u001b[2J\u009b2J" }] })),
    );
    await me.login("--profile", "bad");
    me.edit("bad", { url });
    const who = await me.atoll(["whoami"]);
    assert.match(who.stderr, /bad \\x1b\[2J/);
    assert.ok(!/[\u001b\u009b]/.test(who.stderr));
  });
});

test("accounts that are none, and pages that never end", async (t) => {
  const me = person(t);
  let result = [{ id: 7 }, null, { id: "two" }, { id: "three", name: "Three" }], pages = 0;
  const url = await other(t, (request, response) => {
    pages += request.url.includes("/workers/scripts?");
    response.end(JSON.stringify({ success: true, result, result_info: { page: 1e15, per_page: 1e15, total_count: 3 } }));
  });
  await me.login("--profile", "odd");
  me.edit("odd", { url, account: undefined });
  assert.match((await me.atoll(["list"])).stderr, /say which[^]*\n {4}two {2}\n {4}three {2}Three\n$/);
  result = [{ id: "one" }];
  pages = 0;
  me.edit("odd", { url, account: "a" });
  assert.equal((await me.atoll(["list"])).status, 0);
  assert.equal(pages, 3, "it is asked for as many rows as there are said to be");
});

test("a server's own error in the browser's answer ends the wait", async (t) => {
  const me = person(t);
  const BROWSER = browser(me.home, { error: "server_error" });
  const login = await me.atoll(["login", server.admin], { env: { BROWSER } });
  assert.match(login.stderr, /out of order/);
  assert.notEqual(login.status, 0);
});

describe("the file", () => {
  test("a broken one is said to be, and stays", async (t) => {
    const me = person(t, { "config/atoll/credentials.json": '{"profiles": {' });
    for (const args of [["whoami"], ["profiles"], ["logout"], ["login", server.admin, "--token", TOKEN]]) {
      const done = await me.atoll(args);
      assert.equal(done.status, 1, args.join(" "));
      assert.match(done.stderr, /credentials\.json:1:\d+: .*\n.*move the file away/);
    }
    assert.equal(readFileSync(me.file, "utf8"), '{"profiles": {');
  });

  test("rights that are too wide are taken away", async (t) => {
    const me = person(t);
    await me.login();
    chmodSync(me.file, 0o644);
    const who = await me.atoll(["whoami"]);
    assert.equal(who.status, 0);
    assert.match(who.stderr, /others could read .*credentials\.json; now only you can/);
    assert.equal(statSync(me.file).mode & 0o777, 0o600);
    assert.equal((await me.atoll(["whoami"])).stderr, "");
  });
});

describe("the environment", () => {
  test("address, token and account, as wrangler reads them", async (t) => {
    const me = person(t);
    const env = { CLOUDFLARE_API_BASE_URL: server.base, CLOUDFLARE_API_TOKEN: TOKEN };
    const who = await me.atoll(["whoami", "--json"], { env });
    assert.equal(JSON.parse(who.stdout).source, "the environment");
    assert.equal(JSON.parse(who.stdout).account, "default", "of several, the default one");
    const keys = { CLOUDFLARE_API_BASE_URL: server.base, CLOUDFLARE_API_KEY: TOKEN, CLOUDFLARE_EMAIL: "a@b" };
    const key = await me.atoll(["whoami"], { env: keys });
    assert.equal(key.status, 0, key.stderr);
    assert.ok(!existsSync(me.file));
  });

  test("an .env sends no token but its own", async (t) => {
    let asked = 0;
    const url = await other(t, (_, response) => (asked++, response.end()));
    const me = person(t, { ".env": `CLOUDFLARE_API_BASE_URL=${url}\n` });
    const who = await me.atoll(["whoami"], { env: { CLOUDFLARE_API_TOKEN: TOKEN } });
    assert.equal(who.status, AUTH);
    assert.match(who.stderr, /sent only to the server it was set with/);
    await me.login();
    assert.equal((await me.atoll(["whoami"])).status, AUTH);
    assert.equal(asked, 0);
  });
});

describe("link", () => {
  const script = { "index.js": 'export default { fetch: () => new Response("linked") };\n' };
  const settings = { name: "linked", main: "index.js", compatibility_date: "2026-04-01" };

  function wrangler(me, args) {
    mkdirSync(join(me.home, "node_modules"), { recursive: true });
    if (!existsSync(join(me.home, "node_modules/esbuild")))
      symlinkSync(join(root, "node_modules/esbuild"), join(me.home, "node_modules/esbuild"));
    const child = spawn(process.execPath, [join(root, "node_modules/wrangler/bin/wrangler.js"), ...args], {
      cwd: me.home,
      env: { PATH: process.env.PATH, HOME: me.home, XDG_CONFIG_HOME: join(me.home, "config"), NO_COLOR: "1", CI: "1" },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let out = "";
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (text) => (out += text));
    return new Promise((resolve) => child.on("close", (status) => resolve({ status, out })));
  }

  test("wrangler deploys with nothing exported", async (t) => {
    const me = person(t, { ...script, "wrangler.jsonc": JSON.stringify(settings) });
    await me.browse();
    const done = await me.atoll(["link"]);
    assert.equal(done.status, 0, done.stderr);
    assert.match(done.stdout, /added \.env to \.gitignore\nmade a token for it: "wrangler in .*"\n/);
    assert.match(done.stdout, /\nwrote .*\.env: wrangler talks to/);
    assert.equal(statSync(join(me.home, ".env")).mode & 0o777, 0o600);
    const lines = readFileSync(join(me.home, ".env"), "utf8");
    assert.ok(!lines.includes(me.credentials().profiles.web.token), "a token of its own");

    const who = await wrangler(me, ["whoami"]);
    assert.equal(who.status, 0, who.out);
    const deployed = await wrangler(me, ["deploy"]);
    assert.equal(deployed.status, 0, deployed.out);
    assert.equal((await server.ask("linked")).body, "linked");

    assert.equal((await me.atoll(["link"])).status, 0);
    assert.equal(readFileSync(join(me.home, ".env"), "utf8"), lines, "a second time changes nothing");
    const undone = await me.atoll(["link", "--unlink"]);
    assert.match(undone.stdout, /the token made for it is worth nothing now\nremoved/);
    assert.ok(!existsSync(join(me.home, ".env")));
    const token = lines.match(/TOKEN=(\S+)/)[1];
    assert.equal((await server.api("GET", "/accounts", undefined, { token })).status, 401);
  });

  test("other lines stay as they are", async (t) => {
    const env = '# mine\nCLOUDFLARE_API_TOKEN="old\none"\nOTHER=1';
    const me = person(t, { "app/.env": env, "app/.gitignore": "node_modules", "app/.git/HEAD": "" });
    await me.login();
    assert.equal((await me.atoll(["link", "app"])).status, 0);
    assert.equal(
      readFileSync(join(me.home, "app/.env"), "utf8"),
      `# mine\nCLOUDFLARE_API_TOKEN=${TOKEN}\nOTHER=1\nCLOUDFLARE_API_BASE_URL=${server.base}\n` +
        "CLOUDFLARE_ACCOUNT_ID=default\nWRANGLER_SEND_METRICS=false\nWRANGLER_HIDE_BANNER=true\n",
    );
    assert.equal(readFileSync(join(me.home, "app/.gitignore"), "utf8"), "node_modules\n.env\n");
    assert.equal((await me.atoll(["link", "app", "--unlink"])).status, 0);
    assert.equal(readFileSync(join(me.home, "app/.env"), "utf8"), "# mine\nOTHER=1\n");
    assert.equal((await server.api("GET", "/accounts")).status, 200, "a token that is not its own is not taken back");
  });

  test("what ignores it already is enough", async (t) => {
    const me = person(t, { ".gitignore": ".env*\n", ".git/HEAD": "", "app/x": "" });
    await me.login();
    const done = await me.atoll(["link", "app"]);
    assert.equal(done.status, 0, done.stderr);
    assert.ok(!existsSync(join(me.home, "app/.gitignore")));
  });

  test("a login that may not make tokens says so", async (t) => {
    const me = person(t);
    const { result } = await server.api("POST", "/user/tokens", { name: "narrow", scopes: ["account:read", "worker:write"] });
    const BROWSER = browser(me.home, { token: result.value });
    const login = await me.atoll(["login", server.admin], { env: { BROWSER } });
    assert.equal(login.status, 0, login.stderr);
    const done = await me.atoll(["link"]);
    assert.equal(done.status, AUTH);
    assert.match(done.stderr, /this login cannot make one; log in with one: atoll login http:\/\/127\.0\.0\.1:\d+ --token -/);
    assert.ok(!existsSync(join(me.home, ".env")));
  });
});
