// Clients that write to KV, D1 and R2 and remember what they were told; who else may be killed meanwhile.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { form, TOKEN } from "./serve.mjs";

export const BALANCE = 1000;
const ACCOUNTS = 8;
const KEYS = 12;
const PART_BYTES = 5 << 20;
const MIB = 1 << 20;

/** A value that says whose it is, which one, and how long: whether it is whole can be told from itself. */
function valueOf(key, version, size) {
  const head = `${key} ${version} ${size}|`;
  return head.repeat(Math.ceil(size / head.length)).slice(0, size);
}

/** The version in a value; "torn" when it is not whole, null when there is none. */
function versionOf(key, text) {
  if (text === null) return null;
  const [name, version, size] = text.slice(0, text.indexOf("|")).split(" ");
  return name === key && text === valueOf(key, Number(version), Number(size)) ? Number(version) : `torn: ${text.slice(0, 80)}`;
}

const TRANSFER = [
  "UPDATE account SET balance = balance - ?1 WHERE id = ?2",
  "UPDATE account SET balance = balance + ?1 WHERE id = ?2",
  "INSERT INTO ledger (client, n, source, target, amount) VALUES (?1, ?2, ?3, ?4, ?5)",
];

/** What is before the module below, and the module. */
export const BEFORE = `
${valueOf.toString()}
${versionOf.toString()}
const TRANSFER = ${JSON.stringify(TRANSFER)};
const writes = {
  async kv({ KV }, { key, version, size }) {
    await (version === null ? KV.delete(key) : KV.put(key, valueOf(key, version, size)));
  },
  async r2({ R2 }, { key, version, size }) {
    await (version === null ? R2.delete(key) : R2.put(key, valueOf(key, version, size)));
  },
  async parts({ R2 }, { key, version, size }) {
    const text = valueOf(key, version, size), upload = await R2.createMultipartUpload(key), parts = [];
    for (let at = 0; at < size; at += ${PART_BYTES})
      parts.push(await upload.uploadPart(parts.length + 1, text.slice(at, at + ${PART_BYTES})));
    await upload.complete(parts);
  },
  async d1({ DB }, { client, n, source, target, amount }) {
    await DB.batch([DB.prepare(TRANSFER[0]).bind(amount, source), DB.prepare(TRANSFER[1]).bind(amount, target),
      DB.prepare(TRANSFER[2]).bind(client, n, source, target, amount)]);
  },
};
const reads = {
  kv: async ({ KV }, key) => versionOf(key, await KV.get(key)),
  r2: async ({ R2 }, key) => versionOf(key, (await (await R2.get(key))?.text()) ?? null),
};`;
export const MODULE = `{
  async fetch(request, env) {
    try {
      const { kind, keys, statements, ...wanted } = await request.json();
      if (statements) {
        const answers = await env.DB.batch(statements.map((sql) => env.DB.prepare(sql)));
        return Response.json(answers.map(({ results }) => results));
      }
      if (!keys) return Response.json((await writes[kind](env, wanted)) ?? null);
      const found = {};
      for (const key of keys) found[key] = await reads[kind](env, key);
      return Response.json(found);
    } catch (error) {
      return new Response(error.message, { status: 500 });
    }
  },
}`;

/** The tables that transfers need. */
export const TABLES = [
  "CREATE TABLE account (id INTEGER PRIMARY KEY, balance INTEGER NOT NULL)",
  "CREATE TABLE ledger (client TEXT, n INTEGER, source INTEGER, target INTEGER, amount INTEGER, PRIMARY KEY (client, n)) WITHOUT ROWID",
  `INSERT INTO account VALUES ${Array.from({ length: ACCOUNTS }, (_, i) => `(${i}, ${BALANCE})`)}`,
];

/** Makes the stores and a worker that writes to them. Its paths are below /accounts/default. */
export async function setUp(server) {
  const ok = async (method, path, body) => {
    const answer = await server.api(method, `/accounts/default${path}`, body);
    assert.ok(answer.success, `${path}: ${JSON.stringify(answer)}`);
    return answer.result;
  };
  const kv = (await ok("POST", "/storage/kv/namespaces", { title: "durable" })).id;
  const db = (await ok("POST", "/d1/database", { name: "durable" })).uuid;
  await ok("POST", "/r2/buckets", { name: "durable" });
  await ok("POST", `/d1/database/${db}/query`, { sql: TABLES.join(";") });
  const bindings = [
    { name: "KV", type: "kv_namespace", namespace_id: kv },
    { name: "DB", type: "d1", id: db },
    { name: "R2", type: "r2_bucket", bucket_name: "durable" },
  ];
  await ok("PUT", "/workers/scripts/durable", form(`${BEFORE}\nexport default ${MODULE};`, { bindings }));
  return { kv: `/storage/kv/namespaces/${kv}`, d1: `/d1/database/${db}`, r2: "/r2/buckets/durable" };
}

/** What a client may find under each of its keys: what it was told, or what it asked for since. */
class Client {
  constructor(name, kind, sizes, write) {
    Object.assign(this, { name, kind, sizes, write, count: 0, told: 0, keys: new Map(), failures: new Set() });
  }

  /** One write. True when it was acknowledged. */
  async step(server, paths) {
    const n = ++this.count, key = this.keyOf(n), version = this.versionOf(n);
    const state = this.keys.get(key) ?? { told: null, asked: [] };
    this.keys.set(key, state);
    state.asked.push(version);
    const answer = await this.write(server, paths, { key, version, size: this.sizes[n % this.sizes.length] });
    if (answer !== true) this.failures.add(answer);
    else [state.told, state.asked, this.told] = [version, [], this.told + 1];
    return answer === true;
  }

  async find(server, keys) {
    return JSON.parse(await read(server, { kind: this.kind === "parts" ? "r2" : this.kind, keys }));
  }

  /** What every copy that is made from now on has: each key's version, or what was asked for after it. */
  snapshot() {
    return { count: this.count, told: new Map([...this.keys].map(([key, { told }]) => [key, told])) };
  }

  async verifyCopy(server, { told, count }) {
    const found = await this.find(server, [...told.keys()]);
    for (const [key, version] of told) {
      const may = [version];
      for (let n = count - KEYS; n <= this.count; n++)
        if (this.keyOf(n) === key && n > (version ?? 0)) may.push(this.versionOf(n));
      assert.ok(may.includes(found[key]), `${key}: ${found[key]} is in the copy, ${version} was acknowledged before it`);
    }
  }

  keyOf(n) {
    return `${this.name}-${n % KEYS}`;
  }

  /** What the nth write leaves: one in some is a delete. */
  versionOf(n) {
    return this.kind !== "parts" && n % 9 === 8 ? null : n;
  }

  async verify(server) {
    const keys = [...this.keys.keys()];
    if (!keys.length) return;
    const found = await this.find(server, keys);
    for (const key of keys) {
      const state = this.keys.get(key);
      assert.ok([state.told, ...state.asked].includes(found[key]),
        `${key}: ${found[key]} is there, ${state.told} was acknowledged, ${state.asked} asked for since`);
      [state.told, state.asked] = [found[key], []];
    }
  }
}

/** Moves money from one account to another, and writes down that it did. */
class Transfers {
  constructor(name, write) {
    Object.assign(this, { name, write, count: 0, told: 0, acknowledged: [], since: 0, failures: new Set() });
  }

  async step(server, paths) {
    const n = ++this.count;
    const wanted = { client: this.name, n, source: n % ACCOUNTS, target: (n * 3 + 1) % ACCOUNTS, amount: (n % 7) + 1 };
    const answer = await this.write(server, paths, wanted);
    if (answer !== true) this.failures.add(answer);
    else this.acknowledged.push(n), this.told++;
    return answer === true;
  }

  snapshot() {
    return [...this.acknowledged];
  }

  verifyCopy(server, before) {
    return this.look(server, before);
  }

  async verify(server) {
    await this.look(server, this.acknowledged);
    [this.acknowledged, this.since] = [[], this.count];
  }

  async look(server, acknowledged) {
    const statements = [
      `SELECT n FROM ledger WHERE client = '${this.name}' AND n > ${this.since}`,
      `SELECT (SELECT sum(balance) FROM account) AS total, count(*) AS wrong FROM account WHERE balance != ${BALANCE}
         + (SELECT coalesce(sum(amount), 0) FROM ledger WHERE target = id) - (SELECT coalesce(sum(amount), 0) FROM ledger WHERE source = id)`,
    ];
    const [rows, sums] = JSON.parse(await read(server, { statements }));
    const found = new Set(rows.map(({ n }) => n));
    const lost = acknowledged.filter((n) => !found.has(n));
    assert.deepEqual(lost, [], `${this.name}: acknowledged and lost`);
    assert.deepEqual(sums, [{ total: ACCOUNTS * BALANCE, wrong: 0 }], "a transaction was done in part");
  }
}

export async function read(server, wanted) {
  const answer = await server.ask("durable", "/", { method: "POST", body: JSON.stringify(wanted) });
  assert.equal(answer.status, 200, answer.body);
  return answer.body;
}

/** True, or why it was not acknowledged. */
async function outcome(answering) {
  try {
    const { status, body } = await answering;
    return status === 200 || `${status} ${body}`.slice(0, 300);
  } catch {
    return "no answer";
  }
}

const byWorker = (kind) => (server, paths, wanted) =>
  outcome(server.ask("durable", "/", { method: "POST", body: JSON.stringify({ kind, ...wanted }) }));

async function call(server, method, path, body) {
  const answer = await fetch(`${server.base}/accounts/default${path}`, {
    method, body, headers: { authorization: `Bearer ${TOKEN}`, ...(method === "POST" && { "content-type": "application/json" }) },
  });
  return { status: answer.status, body: await answer.text() };
}

const byApi = (place) => (server, paths, { key, version, size }) =>
  outcome(call(server, version === null ? "DELETE" : "PUT", place(paths, key), version === null ? undefined : valueOf(key, version, size)));

const transferByApi = (server, paths, { client, n, source, target, amount }) =>
  outcome(call(server, "POST", `${paths.d1}/query`, JSON.stringify({
    sql: `UPDATE account SET balance = balance - ${amount} WHERE id = ${source};
      UPDATE account SET balance = balance + ${amount} WHERE id = ${target};
      INSERT INTO ledger VALUES ('${client}', ${n}, ${source}, ${target}, ${amount});`,
  })));

/** Everybody who writes: each kind small and large, by workers and by the API. */
export function clients() {
  return [
    ...["a", "b", "c"].map((name) => new Client(`kv-${name}`, "kv", [20, 3000, 70_000], byWorker("kv"))),
    new Client("kv-large", "kv", [700_000, 30, MIB], byWorker("kv")),
    new Client("kv-api", "kv", [20, 400_000], byApi((paths, key) => `${paths.kv}/values/${key}`)),
    ...["a", "b"].map((name) => new Client(`r2-${name}`, "r2", [20, 8000, 200_000], byWorker("r2"))),
    new Client("r2-large", "r2", [2 * MIB, 40_000], byWorker("r2")),
    new Client("r2-parts", "parts", [PART_BYTES + 1000, 100], byWorker("parts")),
    new Client("r2-api", "r2", [20, 300_000], byApi((paths, key) => `${paths.r2}/objects/${key}`)),
    ...["a", "b", "c"].map((name) => new Transfers(`d1-${name}`, byWorker("d1"))),
    new Transfers("d1-api", transferByApi),
  ];
}

/** The parent of a process that runs, and when it was born, which tells it from a later one with its number. */
export function processOf(pid) {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1].split(" ");
    return fields[0] === "Z" || fields[0] === "X" ? {} : { parent: Number(fields[1]), born: fields[19] };
  } catch {
    return {};
  }
}

/** Files of SQLite below a directory. */
function databases(directory) {
  return readdirSync(directory, { recursive: true })
    .filter((name) => /\.(db|sqlite)$/.test(name))
    .map((name) => join(directory, name));
}

export const sqlite = (file, sql) => execFileSync("sqlite3", ["-cmd", ".timeout 10000", file, sql], { encoding: "utf8" }).trim();

/** Sees that SQLite finds nothing wrong, nothing is left over, and the index of a bucket names files that are there. */
export function inspect(storage) {
  const left = { files: 0, parts: 0 };
  for (const file of databases(storage)) {
    assert.equal(sqlite(file, "PRAGMA integrity_check"), "ok", file);
    assert.equal(sqlite(file, "PRAGMA foreign_key_check"), "", file);
  }
  for (const file of databases(storage).filter((name) => name.endsWith("data.db")))
    left.parts += Number(sqlite(file, "SELECT count(*) FROM part WHERE id / 128 NOT IN (SELECT id FROM body)"));
  for (const file of databases(storage).filter((name) => name.endsWith("index.db"))) {
    const bodies = join(file, "..", "bodies");
    const there = new Set(readdirSync(bodies, { recursive: true }).map((name) => name.split("/")[1]).filter(Boolean));
    const named = sqlite(file, "SELECT file FROM piece UNION ALL SELECT file FROM part").split("\n").filter(Boolean);
    assert.deepEqual(named.filter((name) => !there.has(name)), [], "files of acknowledged objects are gone");
    const doomed = sqlite(file, "SELECT file FROM doomed").split("\n");
    left.files += [...there].filter((name) => !named.includes(name) && !doomed.includes(name)).length;
  }
  return left;
}
