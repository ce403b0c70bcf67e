import { Hono } from "hono";

const app = new Hono();

app.get("/", (c) => c.text("Hello Hono!"));
app.get("/books/:id", (c) => c.json({ id: c.req.param("id"), format: c.req.query("format") ?? "pdf" }));
app.post("/books", async (c) => c.json({ added: await c.req.json() }, 201));
app.notFound((c) => c.text("no such page", 404));

export default app;
