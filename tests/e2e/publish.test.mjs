// Published buckets: the managed address, custom domains with a cache, purges across processes, who may do what.
// Rules by themselves: tests/unit/bindings/test_publish_rule.c.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { get } from "node:http";
import { after, test } from "node:test";
import { project, until } from "./atoll.mjs";
import { client } from "./client.mjs";
import { ask, serve, TOKEN } from "./serve.mjs";
import { wrangler } from "./wrangler.mjs";

const server = await serve({ after }, { config: "runtimes = 3\n" });
const { atoll } = client(() => server.base);
const R2 = "/accounts/default/r2/buckets";

/** Puts an object: headers are its metadata. */
async function put(bucket, key, body, headers = {}, account = "default") {
  const path = key.split("/").map(encodeURIComponent).join("/");
  const answer = await fetch(`${server.base}/accounts/${account}/r2/buckets/${bucket}/objects/${path}`, {
    method: "PUT",
    headers: { authorization: `Bearer ${TOKEN}`, ...headers },
    body,
  });
  assert.equal(answer.status, 200, await answer.text());
}

async function bucket(name, account = "default") {
  const made = await server.api("POST", `/accounts/${account}/r2/buckets`, { name });
  assert.equal(made.status, 200, JSON.stringify(made));
  return name;
}

/** Publishes a bucket at a host. */
async function domain(name, host, more = {}) {
  const made = await server.api("POST", `${R2}/${name}/domains/custom`, { domain: host, enabled: true, ...more });
  assert.equal(made.status, 200, JSON.stringify(made));
  return made.result;
}

const statusOf = (answer) => answer.headers["cf-cache-status"];

/** One request in a connection of its own, many times: what every process says. */
const askAll = (host, path, count = 24) =>
  Promise.all(Array.from({ length: count }, () => ask(server.port, host, path)));

test("published buckets", async (t) => {
  await t.test("the managed address shows the newest, and is gone at once", async () => {
    await bucket("origin");
    const path = `${R2}/origin/domains/managed`;
    const before = await server.api("GET", path);
    assert.deepEqual([before.result.enabled, before.result.domain], [false, ""]);
    const { result } = await server.api("PUT", path, { enabled: true });
    assert.match(result.domain, /^pub-[0-9a-f]{32}\.localhost$/);
    assert.match(result.bucketId, /^[0-9a-f-]{36}$/);

    for (const text of ["one", "two", "three"]) {
      await put("origin", "a.txt", text, { "cache-control": "max-age=600" });
      for (const answer of await askAll(result.domain, "/a.txt", 6)) {
        assert.deepEqual([answer.status, answer.body, statusOf(answer)], [200, text, undefined]);
        assert.equal(answer.headers["cache-control"], "max-age=600");
        assert.match(answer.headers["content-type"], /^text\/plain/);
      }
    }
    assert.equal((await ask(server.port, result.domain, "/")).status, 404, "no list of a bucket");
    assert.equal((await ask(server.port, result.domain, "/b.txt")).status, 404);
    const post = await ask(server.port, result.domain, "/a.txt", { method: "POST", body: "x" });
    assert.deepEqual([post.status, post.headers.allow], [405, "GET, HEAD"]);

    await server.api("PUT", path, { enabled: false });
    for (const answer of await askAll(result.domain, "/a.txt")) assert.equal(answer.status, 404);
    const again = await server.api("PUT", path, { enabled: true });
    assert.equal(again.result.domain, result.domain, "the address stays");
    assert.equal((await ask(server.port, result.domain, "/a.txt")).body, "three");
  });

  await t.test("metadata, conditions, ranges, HEAD", async () => {
    await bucket("files");
    await domain("files", "files.example.com", { headers: { "access-control-allow-origin": "*" } });
    await put("files", "dir/a b+ü.txt", "0123456789", {
      "content-type": "text/x-a",
      "content-disposition": "attachment",
      "content-language": "de",
      "cache-control": "public, max-age=60",
    });
    const path = "/dir/a%20b+%C3%BC.txt";
    const at = (headers = {}, method = "GET") => ask(server.port, "files.example.com", path, { headers, method });
    for (const round of ["MISS", "HIT"]) {
      const whole = await at();
      assert.equal(whole.status, 200);
      assert.equal(whole.body, "0123456789");
      assert.match(statusOf(whole), round === "HIT" ? /^HIT$/ : /^(MISS|HIT)$/);
      assert.equal(whole.headers["content-type"], "text/x-a");
      assert.equal(whole.headers["content-disposition"], "attachment");
      assert.equal(whole.headers["content-language"], "de");
      assert.equal(whole.headers["cache-control"], "public, max-age=60");
      assert.equal(whole.headers["access-control-allow-origin"], "*");
      assert.equal(whole.headers["accept-ranges"], "bytes");
      const { etag, "last-modified": modified } = whole.headers;
      assert.equal(etag, `"${createHash("md5").update("0123456789").digest("hex")}"`);

      const head = await at({}, "HEAD");
      assert.deepEqual([head.status, head.body, head.headers["content-length"]], [200, "", "10"]);
      for (const headers of [{ "if-none-match": etag }, { "if-none-match": `W/${etag}` }, { "if-modified-since": modified }]) {
        const unchanged = await at(headers);
        assert.deepEqual([unchanged.status, unchanged.body, unchanged.headers.etag], [304, "", etag], JSON.stringify(headers));
      }
      assert.equal((await at({ "if-none-match": '"x"' })).status, 200);
      assert.equal((await at({ "if-match": '"x"' })).status, 412);
      assert.equal((await at({ "if-match": etag })).status, 200);
      assert.equal((await at({ "if-unmodified-since": "Sun, 06 Nov 1994 08:49:37 GMT" })).status, 412);
      for (const [range, status, body, said] of [
        ["bytes=2-4", 206, "234", "bytes 2-4/10"],
        ["bytes=-3", 206, "789", "bytes 7-9/10"],
        ["bytes=8-", 206, "89", "bytes 8-9/10"],
        ["bytes=10-", 416, "", "bytes */10"],
        ["lines=1-2", 200, "0123456789", undefined],
      ]) {
        const part = await at({ range });
        assert.deepEqual([part.status, part.body, part.headers["content-range"]], [status, body, said], range);
      }
      assert.equal((await at({ range: "bytes=2-4", "if-range": '"x"' })).status, 200);
    }
  });

  await t.test("odd keys", async () => {
    await bucket("odd");
    await domain("odd", "odd.example.com");
    for (const key of ["a//b", "100%", "q?x=1", "h#1", "日本", "~a'(!)*", "dir/"]) {
      await put("odd", key, key);
      const path = key.split("/").map(encodeURIComponent).join("/");
      const answer = await ask(server.port, "odd.example.com", `/${path}?version=1`);
      assert.deepEqual([answer.status, answer.body], [200, key], key);
    }
    for (const path of ["/%ff", "/%00", `/${"a".repeat(2000)}`, "/..%2f..%2fa"])
      assert.equal((await ask(server.port, "odd.example.com", path)).status, 404, path);
  });

  await t.test("how long: Cache-Control, defaults, what is not kept", async () => {
    await bucket("ttl");
    await domain("ttl", "ttl.example.com", { cache: { default_ttl: 1, max_ttl: 500 } });
    await put("ttl", "private", "p1", { "cache-control": "private, max-age=60" });
    await put("ttl", "long", "l1", { "cache-control": "max-age=1, s-maxage=600" });
    await put("ttl", "short", "s1");
    const at = (path) => ask(server.port, "ttl.example.com", path);

    for (let i = 0; i < 3; i++) assert.equal(statusOf(await at("/private")), "BYPASS");
    await put("ttl", "private", "p2", { "cache-control": "no-store" });
    assert.equal((await at("/private")).body, "p2");

    assert.equal((await at("/long")).body, "l1");
    await at("/short");
    await put("ttl", "long", "l2", { "cache-control": "max-age=1, s-maxage=600" });
    await put("ttl", "short", "s2");
    await until(async () => (await at("/short")).body === "s2", "the end of a second");
    for (const answer of await askAll("ttl.example.com", "/long")) {
      assert.equal(answer.body, "l1", "kept by all processes");
      assert.equal(statusOf(answer), "HIT");
      assert.ok(Number(answer.headers.age) >= 1);
    }
  });

  await t.test("a purge is known to every process when it is answered", async () => {
    await bucket("purge");
    await domain("purge", "purge.example.com", { index_document: "index.html" });
    const cached = { "cache-control": "max-age=3600" };
    const keys = ["a/1.txt", "a/2.txt", "b.txt", "index.html"];
    const paths = { "index.html": "/" };
    let round = 0;
    const fill = async () => {
      round++;
      for (const key of keys) await put("purge", key, `${key} ${round}`, cached);
    };
    const warm = async () => {
      for (const key of keys) await askAll("purge.example.com", paths[key] ?? `/${key}`, 12);
    };
    /** What every process answers with: the number of the round. */
    const rounds = async (key) => {
      const answers = await askAll("purge.example.com", paths[key] ?? `/${key}`);
      return [...new Set(answers.map((answer) => Number(answer.body.split(" ")[1])))];
    };
    const purge = async (body) => {
      const { status, errors } = await server.api("POST", "/zones/example.com/purge_cache", body);
      assert.equal(status, 200, JSON.stringify(errors));
    };
    await fill();
    await warm();
    await fill();
    for (const key of keys) assert.deepEqual(await rounds(key), [1], `${key} before`);

    await purge({ files: ["https://purge.example.com/a/1.txt?x=1"] });
    assert.deepEqual(await rounds("a/1.txt"), [2]);
    for (const key of ["a/2.txt", "b.txt", "index.html"]) assert.deepEqual(await rounds(key), [1], `${key} stays`);
    await purge({ prefixes: ["purge.example.com/a/"] });
    assert.deepEqual(await rounds("a/2.txt"), [2]);
    assert.deepEqual(await rounds("b.txt"), [1]);
    await purge({ files: [{ url: "http://PURGE.example.com/" }] });
    assert.deepEqual(await rounds("index.html"), [2]);
    await purge({ hosts: ["purge.example.com"] });
    assert.deepEqual(await rounds("b.txt"), [2]);

    for (let i = 0; i < 8; i++) {
      await warm();
      await fill();
      await purge({ purge_everything: true });
      for (const key of keys) assert.deepEqual(await rounds(key), [round], `${key} in round ${round}`);
    }
  });

  await t.test("purges while objects change and are asked for: never an older one than was there before", async () => {
    await bucket("race");
    await domain("race", "race.example.com");
    const host = "race.example.com";
    let stop = false;
    const asking = Array.from({ length: 6 }, async () => {
      while (!stop) await ask(server.port, host, "/n");
    });
    for (let n = 0; n < 60; n++) {
      await put("race", "n", String(n), { "cache-control": "max-age=3600" });
      const { status } = await server.api("POST", "/accounts/default/cache/purge", { files: [`http://${host}/n`] });
      assert.equal(status, 200);
      for (const { body } of await askAll(host, "/n", 6)) assert.equal(body, String(n));
    }
    stop = true;
    await Promise.all(asking);
  });

  await t.test("a site: documents, redirects, pages for what is not there, a prefix", async () => {
    await bucket("site");
    await put("site", "v1/index.html", "home", { "content-type": "text/html" });
    await put("site", "v1/docs/index.html", "docs");
    await put("site", "v1/404.html", "nothing");
    await put("site", "secret.txt", "outside of the prefix");
    const more = { prefix: "v1", index_document: "index.html", not_found_handling: "404-page" };
    const made = await domain("site", "site.example.com", more);
    assert.equal(made.prefix, "v1");
    const at = async (path) => {
      const { status, body, headers } = await ask(server.port, "site.example.com", path);
      return [status, headers.location ?? body];
    };
    assert.deepEqual(await at("/"), [200, "home"]);
    assert.deepEqual(await at("/docs/"), [200, "docs"]);
    assert.deepEqual(await at("/docs?a=1"), [307, "/docs/?a=1"]);
    assert.deepEqual(await at("/nowhere"), [404, "nothing"]);
    assert.deepEqual(await at("/secret.txt"), [404, "nothing"]);
    assert.deepEqual(await at("/../secret.txt"), [404, "nothing"]);
    await put("site", "v1//evil.com/index.html", "x");
    assert.equal((await at("//evil.com"))[0], 404, "no redirect to another host");

    await domain("site", "bare.example.com", { not_found_handling: "404-page", prefix: null });
    assert.equal((await ask(server.port, "bare.example.com", "/")).status, 404, "no document of any kind");
    await put("site", "404.html", "top");
    const bare = await ask(server.port, "bare.example.com", "/");
    assert.deepEqual([bare.status, bare.body], [404, "top"]);

    const path = `${R2}/site/domains/custom/site.example.com`;
    const changed = await server.api("PUT", path, { not_found_handling: "single-page-application" });
    assert.equal(changed.result.index_document, "index.html", "what is not said stays");
    for (const answer of await askAll("site.example.com", "/deep/link", 6))
      assert.deepEqual([answer.status, answer.body], [200, "home"]);
    assert.match((await ask(server.port, "site.example.com", "/deep/link")).headers["content-type"], /^text\/html/);

    for (const [bad, key] of [
      [{ prefix: "/x" }, "prefix"],
      [{ prefix: 1 }, "prefix"],
      [{ not_found_handling: "maybe" }, "not_found_handling"],
      [{ cache: { min_ttl: -1 } }, "min_ttl"],
      [{ cache: { min_ttl: 10, max_ttl: 5 } }, "min_ttl"],
      [{ headers: { "a b": "c" } }, "headers"],
      [{ headers: { a: "b\r\nc: d" } }, "headers"],
      [{ headers: { "content-length": "1" } }, "headers"],
      [{ index_document: null }, "index_document"],
    ]) {
      const { status, errors } = await server.api("PUT", path, bad);
      assert.equal(status, 400, JSON.stringify(bad));
      assert.match(errors[0].message, new RegExp(key));
    }
    const managed = await server.api("PUT", `${R2}/site/domains/managed`, { cache: { default_ttl: 1 } });
    assert.equal(managed.status, 400);
  });

  await t.test("large objects are streamed, kept or not, whole and in parts", async () => {
    await bucket("large");
    await domain("large", "large.example.com");
    const sizes = { medium: 3 << 20, large: 80 << 20 };
    for (const [key, size] of Object.entries(sizes)) {
      const body = Buffer.alloc(size, "0123456789abcdef");
      await put("large", key, body);
      const sum = createHash("sha256").update(body).digest("hex");
      for (let i = 0; i < 3; i++) {
        const answer = await new Promise((resolve, reject) =>
          get({ host: "127.0.0.1", port: server.port, path: `/${key}`, headers: { host: "large.example.com" }, agent: false }, resolve).on(
            "error",
            reject,
          ),
        );
        const hash = createHash("sha256");
        for await (const piece of answer) hash.update(piece);
        assert.equal(hash.digest("hex"), sum, `${key} ${i}`);
        if (key === "large") assert.equal(statusOf(answer), "BYPASS", "too large to be kept");
      }
      const part = await ask(server.port, "large.example.com", `/${key}`, { headers: { range: `bytes=${size - 3}-` } });
      assert.deepEqual([part.status, part.body], [206, "def"]);
    }
    await until(async () => statusOf(await ask(server.port, "large.example.com", "/medium")) === "HIT", "a copy of 3 MiB");
    const head = await ask(server.port, "large.example.com", "/large", { method: "HEAD" });
    assert.equal(head.headers["content-length"], String(sizes.large));
  });

  await t.test("who may: hosts of workers and of other accounts", async () => {
    const { result: account } = await server.api("POST", "/accounts", { name: "other", id: "other" });
    assert.equal(account.id, "other");
    const scopes = ["storage:write", "route:write", "worker:write"];
    const { result } = await server.api("POST", "/accounts/other/tokens", { name: "o", scopes });
    const token = result.value;
    await bucket("theirs", "other");
    await bucket("mine");
    await domain("mine", "mine.example.org");
    const theirs = (method, path, body) => server.api(method, path, body, { token });
    const custom = "/accounts/other/r2/buckets/theirs/domains/custom";
    assert.equal((await theirs("POST", custom, { domain: "mine.example.org", enabled: true })).status, 409);
    assert.equal((await theirs("POST", `/zones/example.org/purge_cache`, { files: ["http://mine.example.org/"] })).status, 403);
    assert.equal((await theirs("POST", `/zones/example.org/purge_cache`, { hosts: ["mine.example.org"] })).status, 403);
    assert.equal((await theirs("POST", `/accounts/default/cache/purge`, { purge_everything: true })).status, 403);
    assert.equal((await theirs("GET", `${R2}/mine/domains/custom`)).status, 403);
    assert.equal((await theirs("PUT", "/accounts/other/workers/domains", { hostname: "mine.example.org", service: "x" })).status >= 400, true);

    const managed = await theirs("PUT", "/accounts/other/r2/buckets/theirs/domains/managed", { enabled: true });
    await put("theirs", "a.txt", "theirs", {}, "other");
    assert.equal((await ask(server.port, managed.result.domain, "/a.txt")).body, "theirs");

    await server.api("PATCH", "/accounts/other", { subdomain: "renamed" });
    const renewed = await theirs("PUT", "/accounts/other/r2/buckets/theirs/domains/managed", { enabled: true });
    assert.match(renewed.result.domain, /^pub-[0-9a-f]{32}\.renamed\.localhost$/);
    assert.equal((await ask(server.port, renewed.result.domain, "/a.txt")).body, "theirs");
    assert.equal((await ask(server.port, managed.result.domain, "/a.txt")).status, 404);

    await server.deploy("taken", "export default { fetch: () => new Response('worker') };");
    const attach = (host) => server.api("PUT", "/accounts/default/workers/domains", { hostname: host, service: "taken" });
    assert.equal((await attach("worker.example.org")).status, 200);
    const add = (host) => server.api("POST", `${R2}/mine/domains/custom`, { domain: host, enabled: true });
    for (const host of ["worker.example.org", "mine.example.org", "taken.localhost"]) {
      const refused = await add(host);
      assert.equal(refused.status, 409, host);
      assert.match(refused.errors[0].message, /already/);
    }
    assert.equal((await attach("mine.example.org")).status, 409);
    for (const host of ["", "*.example.org", "a b", "example.org/x", "x".repeat(300)]) assert.equal((await add(host)).status, 400, host);

    await server.api("DELETE", "/accounts/other", undefined);
    for (const answer of await askAll(renewed.result.domain, "/a.txt")) assert.equal(answer.status, 404, "with its account");

    const route = { pattern: "mine.example.org/api/*", script: "taken" };
    await server.api("POST", "/zones/example.org/workers/routes", route);
    await put("mine", "api/a", "bucket");
    await put("mine", "b", "bucket");
    await until(async () => (await ask(server.port, "mine.example.org", "/api/a")).body === "worker", "the route");
    assert.equal((await ask(server.port, "mine.example.org", "/b")).body, "bucket", "routes leave the rest");
  });

  await t.test("requests are counted, and take no CPU time", async () => {
    const row = await until(async () => {
      const { result } = await server.api("GET", "/accounts/default/workers/usage?step=total");
      return result.rows.find((one) => one.script === "r2:files");
    }, "the bucket in the usage");
    assert.ok(row.requests >= 30 && row.bytes_out >= 100, JSON.stringify(row));
    assert.deepEqual([row.errors, row.cpu_us], [0, 0]);
  });

  await t.test("a bucket that goes takes its domains along", async () => {
    await bucket("going");
    await domain("going", "going.example.com");
    assert.equal((await server.api("DELETE", `${R2}/going`)).status, 200);
    assert.equal((await ask(server.port, "going.example.com", "/a")).status, 404);
    await bucket("coming");
    await domain("coming", "going.example.com");
    await put("coming", "a", "new");
    assert.equal((await ask(server.port, "going.example.com", "/a")).body, "new");
    const path = `${R2}/coming/domains/custom/going.example.com`;
    await server.api("PUT", path, { enabled: false });
    for (const answer of await askAll("going.example.com", "/a")) assert.equal(answer.status, 404);
    await server.api("PUT", path, { enabled: true });
    assert.equal((await ask(server.port, "going.example.com", "/a")).body, "new");
    assert.equal((await server.api("DELETE", path)).status, 200);
    assert.equal((await server.api("GET", path)).status, 404);
    for (const answer of await askAll("going.example.com", "/a")) assert.equal(answer.status, 404);
  });
});

test("wrangler publishes buckets", async (t) => {
  await bucket("wrangled");
  const directory = project(t, {});
  const run = (...args) => wrangler(server, directory, ["r2", "bucket", ...args]);
  assert.match(await run("dev-url", "get", "wrangled"), /is disabled/);
  const [, address] = (await run("dev-url", "enable", "wrangled", "--force")).match(/enabled at 'https:\/\/(pub-[0-9a-f]+\.localhost)'/);
  await put("wrangled", "a", "by wrangler");
  assert.equal((await ask(server.port, address, "/a")).body, "by wrangler");
  assert.match(await run("dev-url", "get", "wrangled"), new RegExp(`enabled at 'https://${address}'`));
  await run("dev-url", "disable", "wrangled", "--force");
  assert.equal((await ask(server.port, address, "/a")).status, 404);

  const { result } = await server.api("GET", "/zones?name=wrangled.example");
  const host = "www.wrangled.example";
  await run("domain", "add", "wrangled", "--domain", host, "--zone-id", result[0].id, "--force");
  assert.equal((await ask(server.port, host, "/a")).body, "by wrangler");
  assert.match(await run("domain", "list", "wrangled"), /www\.wrangled\.example[^]*wrangled\.example/);
  await run("domain", "update", "wrangled", "--domain", host, "--min-tls", "1.2");
  assert.match(await run("domain", "get", "wrangled", "--domain", host), /min_tls_version:\s+1\.2[^]*zone_name:\s+wrangled\.example/);
  await run("domain", "remove", "wrangled", "--domain", host, "--force");
  assert.equal((await ask(server.port, host, "/a")).status, 404);
});

test("atoll r2 bucket dev-url, domain; atoll cache purge", async (t) => {
  /** Runs atoll and gives what it wrote; with a status it failed so. */
  const run = async (line, status = 0) => {
    const ended = await atoll(t, line.split(" "));
    assert.equal(ended.status, status, `${line}\n${ended.stdout}${ended.stderr}`);
    return ended.stdout + ended.stderr;
  };
  await run("r2 bucket create told");
  assert.match(await run("r2 bucket dev-url get told"), /not published/);
  const { domain: address } = JSON.parse(await run("r2 bucket dev-url enable told --index index.html --json --yes"));
  await put("told", "index.html", "one", { "cache-control": "max-age=3600" });
  assert.equal((await ask(server.port, address, "/")).body, "one");
  assert.match(await run("r2 bucket dev-url get told"), new RegExp(`published at ${address}`));

  const settings = "--index index.html --ttl 600 --header x-a:b --not-found single-page-application";
  assert.match(await run(`r2 bucket domain add told told.example.net ${settings}`), /published at told\.example\.net/);
  const first = await ask(server.port, "told.example.net", "/deep");
  assert.deepEqual([first.body, first.headers["x-a"]], ["one", "b"]);
  assert.match(await run("r2 bucket domain list told"), /told\.example\.net\s+yes/);
  assert.match(await run("r2 bucket domain get told told.example.net"), /"default_ttl": 600/);
  await put("told", "index.html", "two", { "cache-control": "max-age=3600" });
  assert.equal((await ask(server.port, "told.example.net", "/")).body, "one");
  for (const what of ["http://told.example.net/", "--prefix told.example.net/", "--host told.example.net", "--everything"]) {
    assert.match(await run(`cache purge ${what}`), /purged/);
    for (const answer of await askAll("told.example.net", "/", 6)) assert.equal(answer.body, "two", what);
  }
  assert.match(await run("cache purge", 2), /what is to be purged/);
  assert.match(await run("cache purge http://nobody.example.net/", 3), /No bucket/);
  assert.match(await run("r2 bucket domain update told told.example.net", 2), /nothing is to be changed/);
  await run("r2 bucket domain update told told.example.net --disable");
  assert.equal((await ask(server.port, "told.example.net", "/")).status, 404);
  assert.match(await run("r2 bucket domain remove told told.example.net", 2), /--yes/);
  await run("r2 bucket domain remove told told.example.net --yes");
  assert.match(await run("r2 bucket domain get told told.example.net", 4), /no custom domain/);
  await run("r2 bucket dev-url disable told");
  assert.equal((await ask(server.port, address, "/")).status, 404);
});
