// Logging in with OAuth 2.0: by HTTP, as every client does it; with the real wrangler; and with a real
// browser in front of the page.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { afterwards, project, root, until } from "./atoll.mjs";
import { browser } from "./browser.mjs";
import { serve, TOKEN } from "./serve.mjs";

const WRANGLER = join(root, "node_modules/wrangler/bin/wrangler.js");
const WRANGLER_ID = "54d11594-84e4-41aa-b438-e81b8fa78ee7";
const COMMAND_MS = 60_000;
const DESCRIPTION = /^[\x20\x21\x23-\x5b\x5d-\x7e]+$/; // RFC 6749 4.1.2.1 and 5.2
const VERIFIER = randomBytes(32).toString("base64url");
const CHALLENGE = createHash("sha256").update(VERIFIER).digest("base64url");
const ASKED = {
  response_type: "code",
  client_id: "atoll-cli",
  redirect_uri: "http://127.0.0.1:4567/done",
  scope: "account:read worker:write",
  state: "a state & more",
  code_challenge: CHALLENGE,
  code_challenge_method: "S256",
};
const server = await serve({ after });

/** A client of the server `on`: what a browser and a program do, step by step. */
function client(on = server) {
  const post = (path, fields, headers = {}) =>
    fetch(`${on.admin}${path}`, { method: "POST", redirect: "manual", body: new URLSearchParams(fields), headers });
  const json = async (answer) => ({ status: answer.status, ...(await answer.json()) });
  const self = {
    page: (asked) => fetch(`${on.admin}/oauth2/auth?${new URLSearchParams(asked)}`, { redirect: "manual" }),
    submit: (fields, headers) => post("/oauth2/auth", { decision: "allow", ...fields }, headers),
    token: async (fields) => json(await post("/oauth2/token", fields)),
    revoke: async (fields) => json(await post("/oauth2/revoke", fields)),
    refresh: (refresh_token, more = {}) =>
      self.token({ grant_type: "refresh_token", refresh_token, client_id: "atoll-cli", ...more }),
    exchange: (code, more = {}) => {
      const { client_id, redirect_uri } = ASKED;
      return self.token({ grant_type: "authorization_code", code, client_id, redirect_uri, code_verifier: VERIFIER, ...more });
    },
    code: async (asked = {}, token = TOKEN) => {
      const answer = await self.submit({ ...ASKED, ...asked, token });
      assert.equal(answer.status, 303, await answer.text());
      return new URL(answer.headers.get("location")).searchParams.get("code");
    },
    login: async (asked, token) => self.exchange(await self.code(asked, token)),
    whoami: (token) => on.api("GET", "/user", undefined, { token }),
  };
  return self;
}

/** A copy of an object without a member. */
const without = (object, name) => Object.fromEntries(Object.entries(object).filter(([key]) => key !== name));

async function newToken(body, on = server) {
  const path = body.account ? `/accounts/${body.account}/tokens` : "/user/tokens";
  const { result } = await on.api("POST", path, body);
  return result;
}

describe("the page", () => {
  const { page, submit, whoami } = client();

  test("says who asks for what, allows no script and no frame, and is not stored", async () => {
    const answer = await page(ASKED), html = await answer.text();
    assert.equal(answer.status, 200);
    for (const text of ["<b>atoll</b> wants to log in", "Deploy, change and delete workers", "http://127.0.0.1:4567", 'type="password"'])
      assert.ok(html.includes(text), text);
    assert.doesNotMatch(html, /<script|style=|\{\{/);
    const { headers } = answer;
    assert.match(headers.get("content-type"), /^text\/html; charset=utf-8$/);
    assert.equal(headers.get("cache-control"), "no-store");
    assert.equal(headers.get("referrer-policy"), "no-referrer");
    assert.equal(headers.get("x-frame-options"), "DENY");
    const policy = headers.get("content-security-policy");
    for (const rule of ["default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self' http://127.0.0.1:4567;"])
      assert.ok(policy.includes(rule), policy);
    const css = await fetch(`${server.admin}/oauth2/page.css`);
    assert.match(css.headers.get("content-type"), /^text\/css/);
    assert.match(await css.text(), /prefers-color-scheme: dark/);
  });

  test("wrangler's form may lead on to where wrangler leads; [::1] has no notation in the policy", async () => {
    const policy = async (asked) => (await page({ ...ASKED, ...asked })).headers.get("content-security-policy");
    const known = await policy({ client_id: WRANGLER_ID, redirect_uri: "http://localhost:8976/oauth/callback" });
    assert.match(known, /form-action 'self' http:\/\/localhost:8976 https:\/\/welcome\.developers\.workers\.dev;/);
    assert.match(await policy({ redirect_uri: "http://[::1]:9/x" }), /form-action 'self' http:;/);
  });

  test("what comes from outside is escaped", async () => {
    const html = await (await page({ ...ASKED, state: `"><script>alert('x')</script>`, client_id: "some.Thing_1" })).text();
    assert.ok(html.includes("&quot;&gt;&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;"));
    assert.ok(html.includes("<b>some.Thing_1</b> wants to log in"));
    assert.doesNotMatch(html, /<script/);
  });

  test("nobody is redirected to where the answer does not belong", async () => {
    const wrong = [
      without(ASKED, "client_id"),
      { ...ASKED, client_id: "<b>" },
      without(ASKED, "redirect_uri"),
      ...[
        ...["https://evil.test/", "http://evil.test/", "http://localhost.evil.test/", "http://localhost@evil.test/", "//localhost/"],
        ...["http://localhost:0/", "http://localhost:70000/", "http://localhost/#x", "javascript:alert(1)", "http://localhost/\r\nx: y"],
        ...["http://127.0.0.1:1/'; script-src *", "https://localhost/", "http://10.0.0.1/", "http://[::2]/"],
      ].map((redirect_uri) => ({ ...ASKED, redirect_uri })),
    ];
    for (const asked of wrong)
      for (const answer of [await page(asked), await submit({ ...asked, token: TOKEN })]) {
        assert.equal(answer.status, 400, JSON.stringify(asked));
        assert.equal(answer.headers.get("location"), null);
        assert.match(await answer.text(), /This does not work/);
      }
  });

  test("the client is told what is wrong with its request", async () => {
    const wrong = [
      [without(ASKED, "response_type"), "invalid_request"],
      [{ ...ASKED, response_type: "token" }, "unsupported_response_type"],
      [{ ...ASKED, scope: "pages:write offline_access" }, "invalid_scope"],
      [{ ...ASKED, scope: 'a"b' }, "invalid_scope"],
      [without(ASKED, "code_challenge"), "invalid_request"],
      [without(ASKED, "code_challenge_method"), "invalid_request"],
      [{ ...ASKED, code_challenge_method: "plain" }, "invalid_request"],
      [{ ...ASKED, code_challenge: "short" }, "invalid_request"],
    ];
    for (const [asked, error] of wrong)
      for (const answer of [await page(asked), await submit({ ...asked, token: TOKEN })]) {
        assert.equal(answer.status, 303, JSON.stringify(asked));
        const url = new URL(answer.headers.get("location"));
        assert.equal(url.origin + url.pathname, ASKED.redirect_uri);
        assert.equal(url.searchParams.get("error"), error);
        assert.match(url.searchParams.get("error_description"), DESCRIPTION);
        assert.equal(url.searchParams.get("state"), ASKED.state);
        assert.equal(url.searchParams.get("code"), null);
      }
    const twice = await fetch(`${server.admin}/oauth2/auth?${new URLSearchParams(ASKED)}&scope=x`, { redirect: "manual" });
    assert.equal(new URL(twice.headers.get("location")).searchParams.get("error"), "invalid_request");
  });

  test("deny tells the client so, without a token", async () => {
    const answer = await submit({ ...ASKED, decision: "deny" });
    const url = new URL(answer.headers.get("location"));
    assert.equal(answer.status, 303);
    assert.equal(url.searchParams.get("error"), "access_denied");
    assert.equal(url.searchParams.get("state"), ASKED.state);
  });

  test("a wrong token, none, one that may do nothing of it, one of a login, a form of another site", async () => {
    const usage = await newToken({ name: "usage", scopes: ["usage:read"] });
    const { access_token } = await client().login();
    const rows = [
      [{ token: "wrong" }, {}, 401, /wrong, was deleted or has expired/],
      [{}, {}, 400, /Type an API token/],
      [{ token: usage.value }, {}, 403, /may do nothing of what is asked for/],
      [{ token: access_token }, {}, 403, /one of a login itself/],
      [{ token: TOKEN }, { "sec-fetch-site": "cross-site" }, 403, /sent by another site/],
      [{ token: TOKEN }, { "content-type": "text/plain" }, 400, /not the form/],
    ];
    for (const [fields, headers, status, text] of rows) {
      const answer = await submit({ ...ASKED, ...fields }, headers);
      assert.equal(answer.status, status, JSON.stringify([fields, headers]));
      assert.match(await answer.text(), text);
      assert.equal(answer.headers.get("location"), null);
    }
    assert.equal((await whoami(access_token)).status, 200);
  });

  test("the longest there is gets its answer; names of all the world are fine", async () => {
    const longest = { state: "\u00e9".repeat(512), redirect_uri: `http://localhost/${"a".repeat(495)}`, client_id: "a".repeat(64) };
    const owner = await newToken({ name: "a" + "\u00e9\u6f22\u{1f3dd}".repeat(28), scopes: ["*:write"] });
    const answer = await submit({ ...ASKED, ...longest, token: owner.value });
    assert.equal(answer.status, 303);
    const code = new URL(answer.headers.get("location")).searchParams.get("code");
    const given = await client().exchange(code, { client_id: longest.client_id, redirect_uri: longest.redirect_uri });
    assert.match((await whoami(given.access_token)).result.email, /^a+ login of a\u00e9\u6f22/);
    assert.equal((await page({ ...ASKED, ...longest, state: "x".repeat(1025) })).status, 303);
    assert.equal((await page({ ...ASKED, redirect_uri: `http://localhost/${"a".repeat(496)}` })).status, 400);
  });

  test("pages of other sites cannot make a browser guess, and so lock its address out", async () => {
    const guess = new URLSearchParams({ grant_type: "refresh_token", refresh_token: "x", client_id: "x" });
    const foreign = [{ "sec-fetch-site": "cross-site" }, { "sec-fetch-site": "same-site" }, { origin: "https://evil.test" }, { origin: "null" }];
    for (let i = 0; i < 40; i++)
      for (const path of ["token", "revoke", "auth"]) {
        const headers = foreign[i % (path === "auth" ? 3 : 4)];
        const body = path === "auth" ? new URLSearchParams({ ...ASKED, token: "wrong", decision: "allow" }) : guess;
        const answer = await fetch(`${server.admin}/oauth2/${path}`, { method: "POST", body, headers });
        assert.equal(answer.status, 403, `${path} ${JSON.stringify(headers)}`);
      }
    assert.equal((await whoami(TOKEN)).status, 200);
    const own = await submit({ ...ASKED, token: TOKEN }, { origin: server.admin });
    assert.equal(own.status, 303, "a form of its own page");
  });

  test("long bodies are refused before they are read", async () => {
    const answer = await submit({ ...ASKED, token: "x".repeat(70_000) });
    assert.equal(answer.status, 413);
  });
});

describe("codes", async () => {
  const own = await serve({ after }), c = client(own);

  test("the endpoints are told", async () => {
    const metadata = await (await fetch(`${own.admin}/.well-known/oauth-authorization-server`)).json();
    assert.equal(metadata.issuer, own.admin);
    for (const [name, path] of Object.entries({ authorization: "auth", token: "token", revocation: "revoke" }))
      assert.equal(metadata[`${name}_endpoint`], `${own.admin}/oauth2/${path}`);
    assert.deepEqual(metadata.code_challenge_methods_supported, ["S256"]);
    assert.deepEqual(metadata.grant_types_supported, ["authorization_code", "refresh_token"]);
    const proxied = await fetch(`${own.admin}/.well-known/oauth-authorization-server`, { headers: { "x-forwarded-proto": "https" } });
    assert.match((await proxied.json()).token_endpoint, /^https:/);
  });

  test("a code gives a token of its own, for what was asked, which ends", async () => {
    const given = await c.login();
    assert.equal(given.status, 200);
    assert.equal(given.token_type, "bearer");
    assert.equal(given.expires_in, 3600);
    assert.equal(given.scope, ASKED.scope);
    assert.match((await c.whoami(given.access_token)).result.email, /^atoll login of admin on \d{4}-\d\d-\d\d$/);
    const may = async (method, path) => (await own.api(method, path, undefined, { token: given.access_token })).status;
    assert.equal(await may("GET", "/accounts/default/workers/scripts"), 200);
    assert.equal(await may("GET", "/accounts/default/tokens"), 403);
    assert.equal(await may("GET", "/server/status"), 403, "it is for one account");
    const verified = await own.api("GET", "/user/tokens/verify", undefined, { token: given.access_token });
    assert.ok(Date.parse(verified.result.expires_on) - Date.now() <= 3_600_000);
    assert.equal((await newToken({ name: "plain", scopes: ["worker:read"] }, own)).status, "active");
    const listed = (await own.api("GET", "/user/tokens")).result;
    assert.ok(listed.every((token) => !token.name.includes("login")), "tokens of logins are not listed as API tokens");
  });

  test("a code that is used again takes back what it gave", async () => {
    const code = await c.code(), first = await c.exchange(code);
    assert.equal((await c.whoami(first.access_token)).status, 200);
    const second = await c.exchange(code);
    assert.deepEqual([second.status, second.error], [400, "invalid_grant"]);
    assert.equal((await c.whoami(first.access_token)).status, 401);
    assert.equal((await c.refresh(first.refresh_token)).error, "invalid_grant");
    const log = (await own.api("GET", "/accounts/default/audit_logs")).result;
    assert.equal(log[0].action.type, "login.code_reused");
  });

  test("a code is worth nothing without its verifier, its client, its redirect URI", async () => {
    for (const wrong of [{ code_verifier: "x".repeat(43) }, { code_verifier: "short" }, { client_id: "other" }, { redirect_uri: "http://127.0.0.1:4567/" }]) {
      const code = await c.code();
      assert.equal((await c.exchange(code, wrong)).error, "invalid_grant", JSON.stringify(wrong));
      assert.equal((await c.exchange(code)).error, "invalid_grant", "it was tried once");
    }
    assert.equal((await c.exchange("made-up")).error, "invalid_grant");
  });

  test("requests that are none", async () => {
    const whole = { grant_type: "authorization_code", code: "x", client_id: "x", redirect_uri: "x", code_verifier: "x" };
    for (const name of Object.keys(whole)) {
      const answer = await c.token(without(whole, name));
      assert.deepEqual([answer.status, answer.error], [400, "invalid_request"], name);
      assert.ok(answer.error_description.includes(name));
      assert.match(answer.error_description, DESCRIPTION);
    }
    assert.equal((await c.token({ grant_type: "refresh_token", client_id: "x" })).error, "invalid_request");
    assert.equal((await c.token({ grant_type: "password" })).error, "unsupported_grant_type");
    const post = (body, type) => fetch(`${own.admin}/oauth2/token`, { method: "POST", body, headers: { "content-type": type } });
    assert.equal((await (await post("grant_type=a&grant_type=b", "application/x-www-form-urlencoded")).json()).error, "invalid_request");
    const wrong = await post('{"grant_type":"refresh_token"}', "application/json");
    assert.equal(wrong.status, 400);
    assert.equal(wrong.headers.get("cache-control"), "no-store");
    assert.equal((await wrong.json()).error, "invalid_request");
    assert.equal((await fetch(`${own.admin}/oauth2/token`)).status, 405);
  });
});

describe("logins", async () => {
  const own = await serve({ after }), c = client(own);

  test("a refresh token is replaced; two at once get the same; an old one ends the login", async () => {
    const first = await c.login();
    const [second, twin] = await Promise.all([c.refresh(first.refresh_token), c.refresh(first.refresh_token)]);
    assert.deepEqual([second.status, second.scope, second.expires_in], [200, ASKED.scope, 3600]);
    assert.notEqual(second.refresh_token, first.refresh_token);
    assert.equal(twin.refresh_token, second.refresh_token);
    for (const token of [first, second, twin]) assert.equal((await c.whoami(token.access_token)).status, 200);
    assert.equal((await c.refresh(second.refresh_token, { client_id: "other" })).error, "invalid_grant");
    const third = await c.refresh(second.refresh_token);
    assert.equal(third.status, 200);
    const reused = await c.refresh(first.refresh_token);
    assert.deepEqual([reused.status, reused.error], [400, "invalid_grant"]);
    assert.match(reused.error_description, /copied/);
    for (const token of [first, second, third]) assert.equal((await c.whoami(token.access_token)).status, 401);
    assert.equal((await c.refresh(third.refresh_token)).error, "invalid_grant");
  });

  test("revoking either token ends the login; what is no token is as good as revoked", async () => {
    for (const name of ["refresh_token", "access_token"]) {
      const given = await c.login();
      const fields = { client_id: "atoll-cli", token: given[name], token_type_hint: name };
      assert.equal((await c.revoke({ ...fields, client_id: "other" })).status, 400);
      assert.equal((await c.whoami(given.access_token)).status, 200);
      for (const again of [1, 2]) assert.equal((await c.revoke(fields)).status, 200, `${name} ${again}`);
      assert.equal((await c.whoami(given.access_token)).status, 401);
      assert.equal((await c.refresh(given.refresh_token)).error, "invalid_grant");
    }
    assert.equal((await c.revoke({ client_id: "atoll-cli", token: TOKEN })).status, 200);
    assert.equal((await c.whoami(TOKEN)).status, 200, "an API token is none of its business");
    assert.equal((await c.revoke({ client_id: "atoll-cli" })).error, "invalid_request");
  });

  test("never more than the token that proves it, and it ends with that", async () => {
    const reader = await newToken({ name: "reader", scopes: ["worker:read", "tail:read"] }, own);
    const given = await c.login({ scope: "workers:write workers_tail:read pages:write worker:write" }, reader.value);
    assert.equal(given.scope, "workers_tail:read pages:write worker:read");
    const may = async (method, path) => (await own.api(method, path, {}, { token: given.access_token })).status;
    assert.equal(await may("DELETE", "/accounts/default/workers/scripts/none"), 403);
    await own.api("DELETE", `/user/tokens/${reader.id}`);
    assert.equal((await c.whoami(given.access_token)).status, 401);
    assert.equal((await c.refresh(given.refresh_token)).error, "invalid_grant");
  });

  test("logins are listed, ended, and in the audit log without a secret", async () => {
    const given = await c.login();
    const { result } = await own.api("GET", "/accounts/default/oauth/grants");
    const login = result.at(-1);
    assert.deepEqual(login.client, { id: "atoll-cli", name: "atoll" });
    assert.deepEqual(login.scopes, ["account:read", "worker:write"]);
    assert.equal((await own.api("GET", "/user/oauth/grants")).result.at(-1).id, login.id);
    assert.equal((await own.api("GET", "/user/oauth/grants", undefined, { token: given.access_token })).status, 403);
    assert.equal((await own.api("DELETE", `/accounts/default/oauth/grants/${login.id}`)).status, 200);
    assert.equal((await own.api("DELETE", `/accounts/default/oauth/grants/${login.id}`)).errors[0].code, 1001);
    assert.equal((await c.whoami(given.access_token)).status, 401);
    const log = (await own.api("GET", "/accounts/default/audit_logs")).result;
    const [deleted, created] = log.filter((entry) => entry.target === login.id);
    assert.equal(deleted.action.type, "login.delete");
    assert.equal(created.action.type, "login.create");
    assert.match(created.actor.name, /^atoll login of admin/);
    const text = JSON.stringify(log);
    for (const secret of [given.access_token, given.refresh_token, TOKEN]) assert.ok(!text.includes(secret));
    for (const action of ["login.revoke", "login.refresh_reused"])
      assert.ok(text.includes(action), action);
  });
});

describe("accounts", async () => {
  const own = await serve({ after }), c = client(own);
  await own.api("POST", "/accounts", { id: "shop", name: "The <shop>" });
  const ticketOf = (html) => html.match(/name="ticket" value="([^"]+)"/)[1];
  const accountsOf = async (token) => (await own.api("GET", "/accounts", undefined, { token })).result.map(({ id }) => id);

  async function pick(account, more = {}) {
    const html = await (await c.submit({ ...ASKED, ...more, token: TOKEN })).text();
    const answer = await c.submit({ ticket: ticketOf(html), account });
    assert.equal((await c.submit({ ticket: ticketOf(html), account })).status, 400, "a ticket works once");
    return answer;
  }

  test("a token for all accounts picks one, or all", async () => {
    const page = await (await c.submit({ ...ASKED, token: TOKEN })).text();
    assert.match(page, /<option value="shop">The &lt;shop&gt; \(shop\)<\/option>/);
    for (const [account, seen] of [["shop", ["shop"]], ["*", ["default", "shop"]]]) {
      const code = new URL((await pick(account)).headers.get("location")).searchParams.get("code");
      assert.deepEqual(await accountsOf((await c.exchange(code)).access_token), seen);
    }
    assert.equal((await pick("nobody")).status, 404);
    assert.equal((await c.submit({ ticket: "made-up", account: "shop" })).status, 400);
    const denied = await c.submit({ ticket: ticketOf(page), decision: "deny" });
    assert.match(denied.headers.get("location"), /error=access_denied/);
  });

  test("a token of one account is not asked", async () => {
    const token = await newToken({ name: "shop's", account: "shop", scopes: ["worker:write"] }, own);
    const given = await c.login({ scope: "worker:write" }, token.value);
    assert.deepEqual(await accountsOf(given.access_token), ["shop"]);
    const others = await own.api("GET", "/accounts/default/workers/scripts", undefined, { token: given.access_token });
    assert.equal(others.status, 403);
    await own.api("DELETE", "/accounts/shop");
    assert.equal((await c.whoami(given.access_token)).status, 401, "it ends with its account");
  });

  test("who administers the server picks even when there is one account", async () => {
    assert.deepEqual((await own.api("GET", "/accounts")).result.map(({ id }) => id), ["default"]);
    const answer = await pick("*", { scope: "*:write" });
    const given = await c.exchange(new URL(answer.headers.get("location")).searchParams.get("code"));
    assert.equal(given.scope, "*:write");
    assert.equal((await own.api("GET", "/server/status", undefined, { token: given.access_token })).status, 200);
  });

  test("logins survive a new start and a backup has them; guessing ends", async (t) => {
    const html = await (await c.submit({ ...ASKED, scope: "*:write", token: TOKEN })).text();
    const code = new URL((await c.submit({ ticket: ticketOf(html), account: "*" })).headers.get("location")).searchParams.get("code");
    const given = await c.exchange(code), directory = join(own.own, "backup");
    assert.equal((await own.api("POST", "/server/backup", { directory })).status, 200);
    const copy = await serve(t, { data: directory });
    const again = await client(copy).refresh(given.refresh_token);
    assert.equal(again.status, 200);
    assert.equal((await client(copy).whoami(again.access_token)).status, 200);

    for (let i = 0; i < 30; i++) await client(copy).exchange(`guess-${i}`);
    const late = await client(copy).refresh(again.refresh_token);
    assert.deepEqual([late.status, late.error], [429, "temporarily_unavailable"]);
    const page = await client(copy).submit({ ...ASKED, token: TOKEN });
    assert.equal(page.status, 429);
    assert.match(await page.text(), /Too many wrong tokens/);
  });
});

/** One can type the token at once. */
const TYPING = "document.activeElement.id === 'token'";

/** A port that was free a moment ago. */
async function freePort() {
  const listener = createServer().listen(0, "127.0.0.1");
  await once(listener, "listening");
  const { port } = listener.address();
  await new Promise((resolve) => listener.close(resolve));
  return port;
}

describe("in a browser", () => {
  test("somebody mistypes the token, types it right, allows; the client gets its code", async (t) => {
    const asked = [], own = createServer((request, answer) => {
      asked.push(request.url);
      answer.setHeader("content-type", "text/html").end("<p>You may close this page.");
    }).listen(0, "127.0.0.1");
    afterwards(t, () => (own.close(), own.closeAllConnections()));
    await once(own, "listening");
    const redirect_uri = `http://127.0.0.1:${own.address().port}/done`;
    const { page: open } = await browser(t), page = await open(), c = client();

    await page.look({ width: 375, height: 812, scheme: "dark" });
    await page.open(`${server.admin}/oauth2/auth?${new URLSearchParams({ ...ASKED, redirect_uri })}`);
    await page.shows("atoll wants to log in");
    await page.holds(TYPING);
    assert.equal(await page.value("document.querySelector('label[for=token]').innerText"), "API token of this server");
    assert.equal(await page.value("document.documentElement.scrollWidth <= innerWidth"), true, "it fits a phone");
    assert.equal(await page.value("getComputedStyle(document.body).backgroundColor"), "rgb(24, 32, 40)");
    await page.look({ scheme: "light" });
    assert.equal(await page.value("getComputedStyle(document.body).backgroundColor"), "rgb(242, 245, 247)");

    await page.click(".allow");
    assert.equal(await page.value("document.querySelector('#token').validity.valueMissing"), true);
    await page.type("not-the-token");
    await page.press("Enter", 13, "\r");
    await page.shows("This token is wrong, was deleted or has expired.");
    await page.holds(`${TYPING} && document.activeElement.value === ""`);
    await page.type(TOKEN);
    await page.click(".allow");
    await page.shows("You may close this page.");
    const url = new URL(asked.find((path) => path.startsWith("/done")), redirect_uri);
    assert.equal(url.searchParams.get("state"), ASKED.state);
    assert.equal((await c.exchange(url.searchParams.get("code"), { redirect_uri })).status, 200);
    assert.deepEqual(page.complaints.filter((text) => /Content Security Policy|Refused/.test(text)), []);

    await page.open(`${server.admin}/oauth2/auth?${new URLSearchParams({ ...ASKED, redirect_uri })}`);
    await page.shows("atoll wants to log in");
    await page.click("button[value=deny]");
    await until(() => asked.some((path) => path.includes("error=access_denied")), "the denial");
  });
});

/**
 * wrangler as somebody logged in runs it: no token in its environment, and a home that is not the
 * project, in which a directory .wrangler would be taken for the one with its logins.
 */
function wrangler(directory, args) {
  const auth = `${server.admin}/oauth2`;
  const child = spawn(process.execPath, [WRANGLER, ...args], {
    cwd: directory,
    env: {
      PATH: process.env.PATH,
      HOME: join(directory, "home"),
      XDG_CONFIG_HOME: join(directory, "home/.config"),
      CI: "1",
      NO_COLOR: "1",
      WRANGLER_SEND_METRICS: "false",
      WRANGLER_HIDE_BANNER: "true",
      WRANGLER_AUTH_DOMAIN: new URL(server.admin).host,
      WRANGLER_AUTH_URL: `${auth}/auth`,
      WRANGLER_TOKEN_URL: `${auth}/token`,
      WRANGLER_REVOKE_URL: `${auth}/revoke`,
      CLOUDFLARE_API_BASE_URL: server.base,
    },
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  const running = { out: "" };
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (text) => (running.out += text));
  const late = setTimeout(() => process.kill(-child.pid, "SIGKILL"), COMMAND_MS);
  running.closed = new Promise((resolve) => child.on("close", (status) => resolve((clearTimeout(late), (running.ended = true), status))));
  running.ends = async (status = 0) => {
    assert.equal(await running.closed, status, `wrangler ${args.join(" ")}\n${running.out}`);
    return running.out;
  };
  return running;
}

describe("wrangler", () => {
  test("login in a browser, whoami, deploy, a token that has expired, logout", async (t) => {
    const directory = project(t, {
      "wrangler.jsonc": JSON.stringify({ name: "logged-in", main: "index.js", compatibility_date: "2026-04-01" }),
      "index.js": "export default { fetch: () => new Response('deployed after a login') };",
    });
    // wrangler always names localhost:8976; here it listens, and the browser goes, somewhere free.
    const port = await freePort();
    const { page: open } = await browser(t, { hosts: [`MAP localhost:8976 127.0.0.1:${port}`] });
    const login = wrangler(directory, ["login", "--browser=false", "--callback-host=127.0.0.1", `--callback-port=${port}`]);
    const [, url] = await until(() => {
      if (login.ended) throw new Error(login.out);
      return login.out.match(/Visit this link to authenticate: (\S+)/);
    }, "the link", COMMAND_MS);
    const page = await open();
    await page.open(url);
    await page.shows("wrangler wants to log in");
    await page.holds(TYPING);
    await page.type(TOKEN);
    await page.click(".allow");
    assert.match(await login.ends(), /Successfully logged in/);
    assert.deepEqual(page.complaints.filter((text) => /Content Security Policy|Refused/.test(text)), [], "the page lets it go on");

    const who = await wrangler(directory, ["whoami"]).ends();
    assert.match(who, /logged in with an OAuth Token, associated with the email wrangler login of admin on/);
    assert.match(who, /default/);
    assert.doesNotMatch(who, /missing/i);
    await wrangler(directory, ["deploy"]).ends();
    assert.equal((await server.ask("logged-in", "/")).body, "deployed after a login");

    const file = join(directory, "home/.config/.wrangler/config/default.toml");
    const stored = readFileSync(file, "utf8"), value = (text, name) => text.match(new RegExp(`^${name} = "(.*)"$`, "m"))[1];
    assert.ok(!stored.includes(TOKEN));
    writeFileSync(file, stored.replace(/^expiration_time = .*$/m, 'expiration_time = "2020-01-01T00:00:00.000Z"'));
    assert.match(await wrangler(directory, ["deployments", "status"]).ends(), /100%/);
    const renewed = readFileSync(file, "utf8");
    for (const name of ["oauth_token", "refresh_token"]) assert.notEqual(value(renewed, name), value(stored, name));

    assert.match(await wrangler(directory, ["logout"]).ends(), /Successfully logged out/);
    assert.equal((await client().whoami(value(renewed, "oauth_token"))).status, 401);
    assert.equal((await client().whoami(value(stored, "oauth_token"))).status, 401);
  });
});
