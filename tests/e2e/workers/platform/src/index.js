// The web platform from inside a request: /check?name=... runs one check, the others are echoes.
import { checks as bodies } from "./bodies.js";
import { checks as globals } from "./globals.js";

const checks = { ...bodies, ...globals };

const routes = {
  "/names": () => Response.json(Object.keys(checks)),
  "/check": async (request, env, ctx, url) => {
    try {
      await checks[url.searchParams.get("name")](request, env, ctx);
      return new Response("ok");
    } catch (error) {
      return new Response(`${error.name}: ${error.message}\n${error.stack}`);
    }
  },
  "/form": async (request) => {
    const fields = [];
    for (const [name, value] of await request.formData())
      fields.push(
        typeof value === "string"
          ? [name, value]
          : [name, value.name, value.type, value.size, new Uint8Array(await value.arrayBuffer()).reduce((a, b) => (a * 31 + b) % 65521, 0)],
      );
    return Response.json(fields);
  },
  "/redirect": () => Response.redirect("http://example.com/é", 301),
  "/console": () => {
    console.debug("a debug line");
    console.log("a log line", { a: [1, "two"] }, 3n, "%s", null);
    console.info("formatted %s %d %o", "text", 4, { b: 1 });
    console.warn("a warning\nof two lines");
    console.error(new TypeError("an error in the console"));
    console.log("control \u001b[31mred\u001b[0m \u0007 and nul \0 end");
    console.log("after the nul");
    return new Response("logged");
  },
  "/wait-until": (request, env, ctx) => {
    ctx.waitUntil(new Promise((resolve) => setTimeout(resolve, 30)).then(() => console.log("waitUntil is done")));
    return new Response("answered");
  },
  "/pass-through": (request, env, ctx) => {
    ctx.passThroughOnException();
    throw new Error("nothing to pass through to");
  },
};

export default {
  fetch(request, env, ctx) {
    const url = new URL(request.url);
    return routes[url.pathname](request, env, ctx, url);
  },
};
