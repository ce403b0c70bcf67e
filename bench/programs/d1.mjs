// D1 from a worker: hello world, a row by its key, a list, a write. /set makes the table.
const ROWS = 1000;
const row = () => 1 + Math.floor(Math.random() * ROWS);

async function set(db) {
  await db.exec("CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT, email TEXT)");
  const add = db.prepare("INSERT INTO t (name, email) VALUES (?, ?)");
  await db.batch(Array.from({ length: ROWS }, (_, i) => add.bind(`name${i}`, `${i}@example.com`)));
  return new Response("set");
}

export default {
  async fetch(request, env) {
    switch (new URL(request.url).pathname) {
      case "/set":
        return set(env.DB);
      case "/select":
        return Response.json(await env.DB.prepare("SELECT * FROM t WHERE id = ?").bind(row()).first());
      case "/list":
        return Response.json((await env.DB.prepare("SELECT * FROM t WHERE id >= ? LIMIT 20").bind(row()).all()).results);
      case "/insert":
        await env.DB.prepare("INSERT INTO t (name, email) VALUES (?, ?)").bind("name", "email").run();
        return new Response("ok");
      default:
        return new Response("Hello World!");
    }
  },
};
