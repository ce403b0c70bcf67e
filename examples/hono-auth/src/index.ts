import { Hono } from "hono";
import type { Context, Next } from "hono";

const app = new Hono();

async function authenticate(c: Context, next: Next) {
  if (!c.req.header("Authorization")) {
    return c.text("Unauthorized!!");
  }
  await next();
}

app.use(authenticate);

app.get("/", (c) => c.text("Hello Hono!"));

app.post("/user", async (c) => {
  const body = await c.req.json();
  const userId = c.req.query("userId");
  console.log(userId, body);
  return c.json({ message: "Created" });
});

export default app;
