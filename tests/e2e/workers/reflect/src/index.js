// Tells what an isolate really has: POST takes a list of global names and gives, for each, what it
// is and its members, with those of what is no global but comes out of one.
import * as sockets from "cloudflare:sockets";
import * as workers from "cloudflare:workers";

const OF_FUNCTIONS = new Set(["length", "name", "prototype", "arguments", "caller"]);

/** Own names of an object, "@@iterator" for well-known symbols. */
const ownNames = (object, skipped) =>
  Reflect.ownKeys(object)
    .filter((key) => key !== "constructor" && key !== Symbol.toStringTag && !skipped?.has(key))
    .map((key) => (typeof key === "symbol" ? `@@${key.description.replace(/^Symbol\./, "")}` : key));

/** The names a module exports; "default" is the bundler's. */
const exportsOf = (module) => ownNames(module).filter((name) => name !== "default");

const isClass = (value) =>
  typeof value === "function" && Reflect.getOwnPropertyDescriptor(value, "prototype")?.writable === false;

function describe(value) {
  if (isClass(value)) return { kind: "class", statics: ownNames(value, OF_FUNCTIONS), members: ownNames(value.prototype) };
  if (typeof value === "object" && value !== null) return { kind: "object", members: ownNames(value) };
  return { kind: value === null ? "null" : typeof value };
}

/** The prototypes of what the handlers of an HTMLRewriter get. */
async function htmlTokens() {
  const seen = {};
  const note = (name) => (token) => {
    seen[name] = ownNames(Object.getPrototypeOf(token));
    if (name === "Element") token.onEndTag(note("EndTag"));
  };
  await new HTMLRewriter()
    .on("p", { element: note("Element"), text: note("Text"), comments: note("Comment") })
    .onDocument({ doctype: note("Doctype"), end: note("DocumentEnd") })
    .transform(new Response("<!doctype html><p>text<!-- comment --></p>"))
    .text();
  return seen;
}

export default {
  async fetch(request, _env, ctx) {
    new Response(null, { status: 204 }); // some members come with the first use of an init
    const globals = {};
    for (const name of await request.json()) globals[name] = describe(globalThis[name]);
    const socket = sockets.connect("localhost:1");
    socket.opened.catch(() => {});
    socket.closed.catch(() => {});
    return Response.json({
      globals,
      interfaces: {
        ...(await htmlTokens()),
        ExecutionContext: ownNames(Object.getPrototypeOf(ctx)),
        Socket: ownNames(Object.getPrototypeOf(socket)),
        Scheduler: ownNames(Object.getPrototypeOf(scheduler)).filter((name) => !(name in Object.prototype)),
        IncomingRequestCfProperties: ownNames(request.cf),
      },
      modules: { "cloudflare:sockets": exportsOf(sockets), "cloudflare:workers": exportsOf(workers) },
    });
  },
};
