// D1, Cloudflare's databases: D1Database, D1PreparedStatement, D1DatabaseSession. An answer comes as JSON
// text, which is what D1Result is: nothing is done with rows here. A query that is surely short is answered
// by op_d1_now() at once; whatever is not, it leaves to a job.

const { completion } = use("core");
const { finish } = use("webidl");
const { op_d1_bookmark, op_d1_now, op_d1_run } = ops;
const { parse } = JSON;
const { isArray } = Array;
const { isView } = ArrayBuffer;
const { hasOwn } = Object;

const OBJECTS = 0, ARRAYS = 1, FIRST = 2, BATCH = 3, LINES = 4, DUMP = 5; // enum call of op_d1.c
const NEW = {};

const fault = (kind, text) => new Error(`${kind}: ${text}`, { cause: new Error(text) });

// ---- values ----

const isBytes = (list) => list.every((byte) => typeof byte === "number" && byte >= 0 && byte < 256);

function toValue(value) {
  switch (typeof value) {
    case "number":
    case "string":
      return value;
    case "boolean":
      return value ? 1 : 0;
    case "object":
      if (value === null) return null;
      if (value instanceof ArrayBuffer) return new Uint8Array(value.slice(0));
      if (isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength).slice();
      if (isArray(value) && isBytes(value)) return new Uint8Array(value);
  }
  throw fault("D1_TYPE_ERROR", `Type '${typeof value}' not supported for value '${String(value)}'`);
}

// ---- calls ----

// Each answer moves the session's bookmark on.
function noted(session) {
  if (session !== undefined) session.bookmark = op_d1_bookmark();
}

async function start(native, call, list, kind) {
  try {
    return await completion((id) => op_d1_run(id, native, call, list));
  } catch (error) {
    throw fault(kind, error.message);
  }
}

function now(native, call, list) {
  try {
    return op_d1_now(native, call, list);
  } catch (error) {
    throw fault("D1_ERROR", error.message);
  }
}

async function query({ native, session, sql, values }, call) {
  const list = [sql, values];
  const text = now(native, call, list) ?? (await start(native, call, list, "D1_ERROR"));
  noted(session);
  return parse(text);
}

async function runBatch(native, session, statements) {
  const list = [];
  for (const statement of statements) {
    const { sql, values } = innerOf(statement);
    list.push(sql, values);
  }
  const text = await start(native, BATCH, list, "D1_ERROR");
  noted(session);
  return parse(text);
}

// ---- D1PreparedStatement ----

let innerOf;

class D1PreparedStatement {
  #inner;
  static {
    innerOf = (statement) => {
      if (typeof statement !== "object" || statement === null || !(#inner in statement))
        throw new TypeError("batch() takes statements that were made with prepare()");
      return statement.#inner;
    };
  }
  constructor(token, inner) {
    if (token !== NEW) throw new TypeError("Illegal constructor: a statement comes from prepare()");
    this.#inner = inner;
  }
  bind(...values) {
    const { native, session, sql } = this.#inner;
    return new D1PreparedStatement(NEW, { native, session, sql, values: values.map(toValue) });
  }
  async first(column = undefined) {
    const row = await query(this.#inner, FIRST);
    if (row === null || column === undefined) return row;
    if (!hasOwn(row, column))
      throw new Error(`D1_COLUMN_NOTFOUND: Column not found (${column})`, { cause: new Error("Column not found") });
    return row[column];
  }
  async run() {
    return query(this.#inner, OBJECTS);
  }
  async all() {
    return query(this.#inner, OBJECTS);
  }
  async raw(options = undefined) {
    const { results } = await query(this.#inner, ARRAYS);
    return options?.columnNames ? [results.columns, ...results.rows] : results.rows;
  }
}
finish(D1PreparedStatement, "D1PreparedStatement");

const prepare = (native, session, sql) =>
  new D1PreparedStatement(NEW, { native, session, sql: String(sql), values: undefined });

// ---- D1DatabaseSession ----

class D1DatabaseSession {
  #native;
  #session;
  constructor(token, native, start) {
    if (token !== NEW) throw new TypeError("Illegal constructor: a session comes from withSession()");
    this.#native = native;
    this.#session = { bookmark: start === "first-primary" || start === "first-unconstrained" ? null : start };
  }
  prepare(sql) {
    return prepare(this.#native, this.#session, sql);
  }
  async batch(statements) {
    return runBatch(this.#native, this.#session, statements);
  }
  getBookmark() {
    return this.#session.bookmark;
  }
}
finish(D1DatabaseSession, "D1DatabaseSession");

// ---- D1Database ----

class D1Database {
  #native;
  constructor(token, native) {
    if (token !== NEW) throw new TypeError("Illegal constructor: a database is a binding");
    this.#native = native;
  }
  prepare(sql) {
    return prepare(this.#native, undefined, sql);
  }
  async batch(statements) {
    return runBatch(this.#native, undefined, statements);
  }
  async exec(sql) {
    const list = [];
    for (const line of String(sql).trim().split("\n")) list.push(line, undefined);
    return parse(await start(this.#native, LINES, list, "D1_EXEC_ERROR"));
  }
  withSession(constraintOrBookmark = "first-unconstrained") {
    const native = this.#native;
    const start = constraintOrBookmark ?? "first-unconstrained";
    if (typeof start !== "string" || start === "") throw new Error("D1_SESSION_ERROR: invalid bookmark or constraint");
    return new D1DatabaseSession(NEW, native, start);
  }
  async dump() {
    return (await start(this.#native, DUMP, [], "D1_DUMP_ERROR")).buffer;
  }
}
finish(D1Database, "D1Database");

exports.bind = (native) => new D1Database(NEW, native);
