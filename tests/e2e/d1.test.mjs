// D1: databases of workers, in real runtimes: values, errors, batches, sessions, processes that share a
// database and those that die.
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { runtime, script, until, version } from "./link.mjs";
import { project, sleep } from "./atoll.mjs";

const ENDLESS = "WITH RECURSIVE n (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n";

const storage = (t) => project(t, {}, 0o755);

/** What a worker does with `db`, at /name?p=..., each a source text of an async arrow function. */
const steps = {
  make: `(db) => db.exec("CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT UNIQUE, b REAL, c BLOB)")`,
  exec: `(db, p) => db.exec(p)`,
  sql: `(db, p) => db.prepare(p).all()`,
  first: `(db, p) => db.prepare(p).first()`,
  get: `(db, p) => db.prepare("SELECT * FROM t WHERE id = ?").bind(Number(p)).first()`,
  add: `(db, p) => db.prepare("INSERT INTO t (a) VALUES (?)").bind(p).run()`,
};

/** A worker "w" with the database `store`, and link.ask(step, p) -> the JSON it answered. */
function worker(link, { name = "w", store = "default/d1/one", extra = {} } = {}) {
  const all = { ...steps, ...extra };
  const table = Object.entries(all).map(([key, text]) => `${JSON.stringify(key)}: ${text}`).join(",\n");
  const made = version("v1", script(
    `{ async fetch(request, env) {
      const url = new URL(request.url);
      try {
        const answer = await steps[url.pathname.slice(1)](env.DB, url.searchParams.get("p"));
        return Response.json({ answer: answer === undefined ? null : answer });
      } catch (error) {
        return Response.json({ error: error.message, cause: error.cause?.message, type: error.constructor.name });
      }
    } }`,
    `const steps = {${table}};`,
  ));
  made.object.config.bindings = [{ name: "DB", type: "d1", id: "one", ...(store && { store }) }];
  link.worker(`acme/${name}`, [made], { limits: { cpu_ms: 1000 } });
  link.hosts(name, { "*": `acme/${name}` });
  return async (step, p = "") => JSON.parse(await link.text(name, `/${step}?p=${encodeURIComponent(p)}`));
}

async function one(t, extra = {}, directory = storage(t)) {
  const link = await runtime(t, ["--storage", directory]);
  return { link, directory, ask: worker(link, { extra }) };
}

test("a table is made, filled, read", async (t) => {
  const { ask, link, directory } = await one(t);
  const made = await ask("make");
  assert.equal(made.answer.count, 1);
  assert.equal(typeof made.answer.duration, "number");
  const added = (await ask("add", "x")).answer;
  assert.deepEqual({ ...added, meta: undefined }, { success: true, results: [], meta: undefined });
  const { duration, timings, ...meta } = added.meta;
  assert.deepEqual(meta, {
    served_by: "atoll", changes: 1, last_row_id: 1, changed_db: true, size_after: 12288, rows_read: 0, rows_written: 2,
    served_by_primary: true, total_attempts: 1,
  });
  assert.ok(duration >= 0 && timings.sql_duration_ms === duration);
  for (let i = 0; i < 3; i++) assert.deepEqual((await ask("get", 1)).answer, { id: 1, a: "x", b: null, c: null });
  assert.equal((await ask("get", 2)).answer, null);
  const all = (await ask("sql", "SELECT id, a FROM t")).answer;
  assert.deepEqual(all.results, [{ id: 1, a: "x" }]);
  assert.equal(all.meta.rows_read, 1);
  assert.equal(all.meta.changed_db, false);
  await link.stop();
  const again = await one(t, {}, directory);
  assert.deepEqual((await again.ask("get", 1)).answer.a, "x", "it is there after a restart");
});

test("values both ways", async (t) => {
  const { ask } = await one(t, {
    types: `async (db) => {
      const values = [null, 1, -1.5, 2 ** 53, 1e300, "gr\\u00fc\\ud83c\\udf0a", "", true, false,
        new Uint8Array([1, 2, 255]).buffer, new Uint8Array([0, 9, 8]).subarray(1), new DataView(new ArrayBuffer(2)), [7, 8]];
      const rows = [];
      for (const value of values)
        rows.push(...(await db.prepare("SELECT ? AS v, typeof(?) AS t").bind(value, value).raw())[0]);
      return rows;
    }`,
    later: `async (db) => {
      const bytes = new Uint8Array([1]);
      const statement = db.prepare("SELECT ? AS v").bind(bytes);
      bytes[0] = 2;
      return statement.first("v");
    }`,
    len: `(db) => db.prepare("SELECT length(?1) AS n, typeof(?1) AS t").bind("x".repeat(1900000)).first()`,
    long: `async (db) => (await db.prepare("SELECT ? AS v").bind("x".repeat(1900000)).first("v")).length`,
    wrong: `(db) => {
      const said = [];
      for (const value of [undefined, Symbol("s"), () => 1, 10n, {}, [1, 256], new Date(0)])
        try {
          db.prepare("SELECT ?").bind(value);
          said.push("taken");
        } catch (error) {
          said.push(error.message + "|" + error.cause.message);
        }
      return said;
    }`,
  });
  assert.deepEqual((await ask("types")).answer, [
    null, "null", 1, "integer", -1.5, "real", 2 ** 53, "integer", 1e300, "real", "gr\u00fc\ud83c\udf0a", "text", "", "text",
    1, "integer", 0, "integer", [1, 2, 255], "blob", [9, 8], "blob", [0, 0], "blob", [7, 8], "blob",
  ]);
  assert.deepEqual((await ask("later")).answer, [1]);
  assert.deepEqual((await ask("len")).answer, { n: 1900000, t: "text" });
  assert.equal((await ask("long")).answer, 1900000);
  const said = (await ask("wrong")).answer;
  assert.equal(said[0],
    "D1_TYPE_ERROR: Type 'undefined' not supported for value 'undefined'|Type 'undefined' not supported for value 'undefined'");
  assert.equal(said[3].split("|")[0], "D1_TYPE_ERROR: Type 'bigint' not supported for value '10'");
  for (const text of said) assert.match(text, /^D1_TYPE_ERROR: Type '\w+' not supported for value/);
  const big = (await ask("first", "SELECT 9007199254740993 AS v")).answer;
  assert.equal(big.v, 9007199254740992, "the nearest number");
});

test("all, run, raw and first", async (t) => {
  const { ask } = await one(t, {
    raw: `(db) => db.prepare("SELECT id, a, a FROM t ORDER BY id").raw()`,
    names: `(db) => db.prepare("SELECT id, a FROM t WHERE id > 5").raw({ columnNames: true })`,
    column: `(db, p) => db.prepare("SELECT a, b FROM t").first(p)`,
    returning: `async (db) => [await db.prepare("INSERT INTO t (a) VALUES ('r'), ('s') RETURNING id").first("id"),
      (await db.prepare("SELECT count(*) AS n FROM t").first("n"))]`,
    unbound: `(db) => db.prepare("SELECT ?").all()`,
    proto: `async (db) => { const row = await db.prepare('SELECT 1 AS "__proto__"').first(); return Object.keys(row); }`,
    names2: `(db) => [db.constructor.name, db.prepare("x").constructor.name, db.withSession().constructor.name, String(db)]`,
  });
  await ask("make");
  await ask("exec", "INSERT INTO t (a) VALUES ('x'), ('y')");
  assert.deepEqual((await ask("raw")).answer, [[1, "x", "x"], [2, "y", "y"]]);
  assert.deepEqual((await ask("names")).answer, [["id", "a"]]);
  assert.equal((await ask("column", "a")).answer, "x");
  assert.equal((await ask("column", "b")).answer, null);
  assert.deepEqual(await ask("column", "nope"),
    { error: "D1_COLUMN_NOTFOUND: Column not found (nope)", cause: "Column not found", type: "Error" });
  assert.deepEqual((await ask("returning")).answer, [3, 4]);
  assert.deepEqual(await ask("unbound"), {
    error: "D1_ERROR: Wrong number of parameter bindings for SQL query.",
    cause: "Wrong number of parameter bindings for SQL query.", type: "Error",
  });
  assert.deepEqual((await ask("proto")).answer, ["__proto__"]);
  const names = ["D1Database", "D1PreparedStatement", "D1DatabaseSession", "[object D1Database]"];
  assert.deepEqual((await ask("names2")).answer, names);
});

test("errors are Cloudflare's, with their cause", async (t) => {
  const { ask } = await one(t);
  await ask("make");
  await ask("add", "x");
  const rows = [
    ["sql", "SELECT * FROM x", "D1_ERROR: no such table: x: SQLITE_ERROR"],
    ["sql", "INSERT INTO t (a) VALUES ('x')", "D1_ERROR: UNIQUE constraint failed: t.a: SQLITE_CONSTRAINT"],
    ["sql", "SELECT 1; SELECT 2", "D1_ERROR: The prepared SQL statement must contain only one statement"],
    ["sql", "", "D1_ERROR: SQL code did not contain a statement."],
    ["exec", "SELECT 1\nSELEC 2",
      'D1_EXEC_ERROR: Error in line 2: SELEC 2: near "SELEC": syntax error at offset 0: SQLITE_ERROR'],
    ["exec", " ", "D1_EXEC_ERROR: No SQL statements detected."],
  ];
  for (const [step, sql, error] of rows) {
    const said = await ask(step, sql);
    assert.equal(said.error, error);
    assert.equal(said.cause, error.replace(/^\w+: /, ""));
  }
  for (const sql of ["ATTACH 'x' AS x", "BEGIN", "PRAGMA journal_mode = OFF", "VACUUM INTO 'x'"])
    assert.match((await ask("sql", sql)).error, /^D1_ERROR: .*SQLITE_(AUTH|ERROR)$/);
  assert.match((await ask("sql", "SELECT load_extension('x')")).error, /^D1_ERROR: .*load_extension.*: SQLITE_(ERROR|AUTH)$/);
});

test("exec goes by lines, and keeps what came before a wrong one", async (t) => {
  const { ask } = await one(t);
  const done = await ask("exec", "CREATE TABLE t (a); INSERT INTO t VALUES (1);\n\n-- nothing\nINSERT INTO t VALUES (2)");
  assert.equal(done.answer.count, 3);
  const wrong = await ask("exec", "INSERT INTO t VALUES (3)\nwrong\nINSERT INTO t VALUES (4)");
  assert.match(wrong.error, /^D1_EXEC_ERROR: Error in line 2/);
  assert.deepEqual((await ask("first", "SELECT group_concat(a) AS a FROM t")).answer, { a: "1,2,3" });
});

test("a batch is all or nothing, in order", async (t) => {
  const { ask } = await one(t, {
    good: `async (db) => {
      const add = db.prepare("INSERT INTO t (a) VALUES (?)");
      const done = await db.batch([add.bind("a"), db.prepare("SELECT last_insert_rowid() AS id"), add.bind("b"),
        db.prepare("SELECT count(*) AS n FROM t")]);
      return done.map(({ success, results, meta }) => [success, results, meta.changes]);
    }`,
    bad: `(db) => db.batch([db.prepare("INSERT INTO t (a) VALUES ('c')"), db.prepare("INSERT INTO t (a) VALUES ('a')")])`,
    empty: `(db) => db.batch([])`,
    wrong: `(db) => db.batch([db.prepare("SELECT 1"), {}])`,
    reads: `async (db) => {
      const done = await db.batch([db.prepare("SELECT 1 AS a"), db.prepare("SELECT 2 AS a")]);
      return done.map(({ results }) => results[0].a);
    }`,
  });
  await ask("make");
  assert.deepEqual((await ask("good")).answer, [[true, [], 1], [true, [{ id: 1 }], 0], [true, [], 1], [true, [{ n: 2 }], 0]]);
  assert.deepEqual((await ask("bad")).error, "D1_ERROR: UNIQUE constraint failed: t.a: SQLITE_CONSTRAINT");
  assert.deepEqual((await ask("first", "SELECT count(*) AS n FROM t")).answer, { n: 2 });
  assert.deepEqual((await ask("empty")).answer, []);
  assert.match((await ask("wrong")).error, /prepare/);
  assert.deepEqual((await ask("reads")).answer, [1, 2]);
});

test("writes at once share a transaction and fail alone", async (t) => {
  const { ask } = await one(t, {
    many: `async (db) => {
      const add = db.prepare("INSERT INTO t (id, a) VALUES (?, ?)");
      const all = [];
      for (let i = 1; i <= 200; i++) all.push(add.bind(i, i % 10 === 0 ? "same" : "a" + i).run());
      all.push(db.prepare("INSERT OR ROLLBACK INTO t (id, a) VALUES (1, 'again')").run());
      const done = await Promise.allSettled(all);
      return [done.filter((one) => one.status === "fulfilled").length, await db.prepare("SELECT count(*) AS n FROM t").first("n"),
        done.at(-1).reason.message];
    }`,
    unwaited: `async (db) => {
      db.prepare("INSERT INTO t (a) VALUES ('u')").run();
      return db.prepare("SELECT a FROM t WHERE a = 'u'").first("a");
    }`,
  });
  await ask("make");
  assert.deepEqual((await ask("many")).answer, [181, 181, "D1_ERROR: UNIQUE constraint failed: t.id: SQLITE_CONSTRAINT"]);
  assert.equal((await ask("unwaited")).answer, "u", "a read does not overtake a write of the same worker");
});

test("sessions and their bookmarks", async (t) => {
  const { ask } = await one(t, {
    session: `async (db) => {
      const said = [];
      for (const start of [undefined, "first-unconstrained", "first-primary"]) {
        const session = db.withSession(start);
        said.push(session.getBookmark());
        await session.prepare("SELECT 1").all();
        const one = session.getBookmark();
        await session.batch([session.prepare("SELECT 2")]);
        const two = session.getBookmark();
        said.push(one < two && /^[0-9a-f]{8}(-[0-9a-f]{8}){2}-[0-9a-f]{32}$/.test(two));
        said.push(db.withSession(two).getBookmark() === two);
      }
      return said;
    }`,
    wrong: `(db) => db.withSession("")`,
  });
  assert.deepEqual((await ask("session")).answer, [null, true, true, null, true, true, null, true, true]);
  assert.match((await ask("wrong")).error, /^D1_SESSION_ERROR: /);
});

test("dump gives the file", async (t) => {
  const { ask } = await one(t, {
    dump: `async (db) => {
      const bytes = await db.dump();
      return [bytes instanceof ArrayBuffer, new TextDecoder().decode(bytes.slice(0, 15)), bytes.byteLength % 4096];
    }`,
  });
  await ask("make");
  assert.deepEqual((await ask("dump")).answer, [true, "SQLite format 3", 0]);
});

test("a database that does not exist any more says so", async (t) => {
  const link = await runtime(t, ["--storage", storage(t)]);
  const ask = worker(link, { store: null });
  for (const step of ["first", "exec", "make"])
    assert.match((await ask(step, "SELECT 1")).error, /The D1 database "one" of the binding "DB" does not exist any more\./);
});

test("two runtimes share a database", async (t) => {
  const directory = storage(t);
  const a = await one(t, {}, directory);
  const b = await one(t, {}, directory);
  await a.ask("make");
  for (let i = 0; i < 10; i++) {
    const [writer, reader] = i % 2 ? [a, b] : [b, a];
    await writer.ask("add", `n${i}`);
    assert.equal((await reader.ask("first", "SELECT count(*) AS n FROM t")).answer.n, i + 1);
  }
  const adds = Array.from({ length: 100 }, (_, i) => [a, b][i % 2].ask("add", `m${i}`));
  for (const { answer, error } of await Promise.all(adds)) assert.ok(answer, error);
  assert.equal((await a.ask("first", "SELECT count(*) AS n FROM t")).answer.n, 110);
  await a.ask("exec", "ALTER TABLE t ADD COLUMN d DEFAULT 5");
  assert.equal((await b.ask("get", 1)).answer.d, 5, "a changed schema is seen by the other");
});

test("an endless query keeps nobody else waiting", async (t) => {
  const { link, ask } = await one(t);
  const other = worker(link, { name: "other", store: "default/d1/two" });
  await ask("make");
  await other("make");
  await other("add", "x");
  let ended = false;
  const endless = ask("sql", ENDLESS).catch(() => {}).then(() => (ended = true));
  for (let i = 0; i < 50; i++) {
    assert.equal((await other("get", 1)).answer.a, "x");
    assert.equal((await ask("get", 1)).answer, null, "a short read of the same database");
    assert.ok((await other("add", `y${i}`)).answer);
  }
  assert.equal(ended, false);
  link.child.kill("SIGKILL"); // a stop would wait for it
  await endless;
});

test("what nobody waits for is interrupted", async (t) => {
  const { link, ask } = await one(t, { spin: "() => { for (;;); }" });
  const spent = async () => {
    const ticks = () => {
      const fields = readFileSync(`/proc/${link.child.pid}/stat`, "utf8").split(") ")[1].split(" ");
      return Number(fields[11]) + Number(fields[12]);
    };
    const before = ticks();
    await sleep(100);
    return ticks() - before;
  };
  const endless = ask("sql", ENDLESS).catch(() => {});
  await until(async () => (await spent()) > 2, "the query runs");
  await ask("spin").catch(() => {}); // its isolate ends at the limit, and with it who asked
  await endless;
  await until(async () => (await spent()) < 2, "the process has nothing to do");
});

test("an acknowledged write survives kill -9", async (t) => {
  const directory = storage(t);
  let known = 0;
  for (let round = 0; round < 5; round++) {
    const { link, ask } = await one(t, {}, directory);
    if (round === 0) await ask("make");
    const rows = (await ask("sql", "SELECT a FROM t")).answer.results;
    assert.ok(rows.length >= known, `${rows.length} rows, ${known} were acknowledged`);
    const before = rows.length;
    let acknowledged = 0;
    const adding = Array.from({ length: 8 }, async (_, i) => {
      for (let n = 0; !link.ended; n++)
        try {
          if ((await ask("add", `${round}.${i}.${n}`)).answer) acknowledged++;
        } catch {
          return;
        }
    });
    await until(() => acknowledged > 40);
    link.child.kill("SIGKILL");
    await Promise.all(adding);
    known = before + acknowledged;
  }
  const { ask } = await one(t, {}, directory);
  assert.equal((await ask("first", "PRAGMA quick_check")).answer.quick_check, "ok");
});

test("nothing of a tenant's lands outside of its database", async (t) => {
  const { ask, directory } = await one(t);
  await ask("make");
  for (const sql of [`ATTACH '${directory}/x.db' AS x`, `VACUUM INTO '${directory}/x.db'`])
    assert.ok((await ask("sql", sql)).error);
  assert.deepEqual(readdirSync(directory), ["default"]);
  assert.ok(existsSync(join(directory, "default/d1/one/db.sqlite")));
});

/** What a worker has replaced runs while an op reads its arguments, and asks the database again. */
test("a worker that replaces what arrays do hurts nobody", async (t) => {
  const { ask } = await one(t, {
    again: `async (db) => {
      const { map } = Array.prototype;
      let depth = 0;
      Array.prototype.map = () => ({
        length: 2,
        get 0() {
          if (depth++ === 0)
            for (let i = 0; i < 20; i++) db.prepare("SELECT " + "'x".padEnd(3000 + i, "x") + "'").all().catch(() => {});
          return "outer";
        },
        get 1() { throw new Error("no value"); },
      });
      try {
        return await db.prepare("SELECT ? AS a, ? AS b").bind(1, 2).first();
      } finally {
        Array.prototype.map = map;
      }
    }`,
    odd: `async (db) => {
      const { map } = Array.prototype, said = [];
      for (const values of [null, 5, "text", {}, [Symbol("s")], [{}], [() => 1], { length: 1e9 }, { length: NaN }]) {
        Array.prototype.map = () => values;
        said.push(await db.prepare("SELECT ? AS a").bind(1).first().then(() => "ok", (error) => error.constructor.name));
      }
      Array.prototype.map = map;
      return said.length;
    }`,
  });
  await ask("make");
  await ask("sql", "SELECT 1");
  for (let i = 0; i < 5; i++) assert.deepEqual((await ask("again")).answer, { a: "outer", b: null });
  assert.equal((await ask("odd")).answer, 9);
  assert.deepEqual((await ask("sql", "SELECT 1 AS a")).answer.results, [{ a: 1 }]);
});
