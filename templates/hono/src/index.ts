import { Hono } from "hono";

const app = new Hono();

app.get("/", (c) => c.text("Hello Hono!"));
app.get("/hello/:name", (c) => c.json({ message: `Hello ${c.req.param("name")}` }));

export default app;
