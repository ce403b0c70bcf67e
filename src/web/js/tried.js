// What a version exports, for the deploy that tries it.

const core = use("core");
const { op_exports } = ops;
const HANDLERS = ["fetch", "scheduled", "queue", "tail", "email", "alarm", "test"];

function handlersOf(main) {
  const listens = core.loaded("global_events")?.listensTo;
  const holder = core.loaded("service_class")?.isEntrypoint(main) ? main.prototype : main;
  return HANDLERS.filter((name) => typeof holder?.[name] === "function" || listens?.(name));
}

// A function whose source begins with "class".
const isClass = (value) =>
  typeof value === "function" && /^class\b/.test(Function.prototype.toString.call(value));

exports.tell = (namespace) => {
  const classes = Object.keys(namespace ?? {}).filter((name) => name !== "default" && isClass(namespace[name]));
  op_exports(JSON.stringify({ handlers: handlersOf(namespace?.default), classes }));
};
