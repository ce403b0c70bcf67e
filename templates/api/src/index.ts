// Notes over HTTP, kept in a D1 database:
//
//   GET    /notes       all of them, ?done=true or ?done=false for some
//   POST   /notes       {"text": "..."} makes one
//   GET    /notes/1     one
//   PATCH  /notes/1     {"text"?: "...", "done"?: true} changes it
//   DELETE /notes/1     removes it
import first from "../migrations/0001_notes.sql";

interface Env {
  DB: D1Database;
}

interface Note {
  id: number;
  text: string;
  done: number;
  created_at: string;
}

const TEXT_MAX = 10_000;

const shown = (note: Note) => ({ ...note, done: note.done === 1 });
const problem = (status: number, error: string) => Response.json({ error }, { status });

// An empty database gets the first migration, so that everything works at once. Later ones are for
// `atoll d1 migrations apply DB`, with --local for `atoll dev`.
let prepared: Promise<unknown> | undefined;

function prepare(db: D1Database): Promise<unknown> {
  const statements = first.replace(/^--.*$/gm, "").split(";").filter((text) => text.trim() !== "");
  return db.batch(statements.map((text) => db.prepare(text)));
}

async function list(db: D1Database, url: URL): Promise<Response> {
  const done = url.searchParams.get("done");
  const query =
    done === null
      ? db.prepare("SELECT * FROM notes ORDER BY id LIMIT 100")
      : db.prepare("SELECT * FROM notes WHERE done = ? ORDER BY id LIMIT 100").bind(done === "true");
  const { results } = await query.all<Note>();
  return Response.json(results.map(shown));
}

/** What a client sent: undefined when it is no note. */
async function read(request: Request): Promise<{ text?: string; done?: boolean } | undefined> {
  const sent: unknown = await request.json().catch(() => undefined);
  if (typeof sent !== "object" || sent === null) return undefined;
  const { text, done } = sent as Record<string, unknown>;
  if (text !== undefined && (typeof text !== "string" || text === "" || text.length > TEXT_MAX)) return undefined;
  if (done !== undefined && typeof done !== "boolean") return undefined;
  return { text: text as string | undefined, done };
}

async function add(db: D1Database, request: Request): Promise<Response> {
  const sent = await read(request);
  if (sent?.text === undefined) return problem(400, 'send {"text": "..."}');
  const note = await db.prepare("INSERT INTO notes (text, done) VALUES (?, ?) RETURNING *")
    .bind(sent.text, sent.done ?? false)
    .first<Note>();
  return Response.json(shown(note!), { status: 201, headers: { location: `/notes/${note!.id}` } });
}

async function change(db: D1Database, id: number, request: Request): Promise<Response> {
  const sent = await read(request);
  if (sent === undefined) return problem(400, 'send {"text": "...", "done": true}, or one of them');
  const note = await db.prepare("UPDATE notes SET text = coalesce(?, text), done = coalesce(?, done) WHERE id = ? RETURNING *")
    .bind(sent.text ?? null, sent.done ?? null, id)
    .first<Note>();
  return note ? Response.json(shown(note)) : problem(404, "there is no such note");
}

async function one(db: D1Database, id: number): Promise<Response> {
  const note = await db.prepare("SELECT * FROM notes WHERE id = ?").bind(id).first<Note>();
  return note ? Response.json(shown(note)) : problem(404, "there is no such note");
}

async function remove(db: D1Database, id: number): Promise<Response> {
  const { meta } = await db.prepare("DELETE FROM notes WHERE id = ?").bind(id).run();
  return meta.changes ? new Response(null, { status: 204 }) : problem(404, "there is no such note");
}

export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    const url = new URL(request.url);
    const [, id] = url.pathname.match(/^\/notes(?:\/(\d+))?$/) ?? [];
    await (prepared ??= prepare(env.DB).catch((error: unknown) => {
      prepared = undefined;
      throw error;
    }));
    if (url.pathname === "/") return new Response("Notes are at /notes\n");
    if (url.pathname === "/notes" && request.method === "GET") return list(env.DB, url);
    if (url.pathname === "/notes" && request.method === "POST") return add(env.DB, request);
    if (id && request.method === "GET") return one(env.DB, Number(id));
    if (id && request.method === "PATCH") return change(env.DB, Number(id), request);
    if (id && request.method === "DELETE") return remove(env.DB, Number(id));
    return problem(404, "there is nothing here: try /notes");
  },
} satisfies ExportedHandler<Env>;
