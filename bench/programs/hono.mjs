/* The Hono application of every peer; esbuild bundles it once and all of them serve that bundle. */
import { Hono } from "hono";

const app = new Hono();

app.get("/", (c) => c.text("Hello World!"));
app.get("/user/:id", (c) => c.json({ id: c.req.param("id") }));

export default app;
