// What becomes of a worker's errors: the answer, the log, rejections that nobody handles.

const CURRENT = 3; // cells: see engine/isolate.h
const core = use("core");
const { op_fail } = ops;

// What C needs of an error: message, stack (JSC's form, unmapped).
exports.describe = (error) => {
  try {
    if (typeof error === "object" && error !== null && "stack" in error)
      return [`${error.name ?? "Error"}: ${error.message}`, `${error.stack ?? ""}`];
  } catch {
    // A getter of the worker's threw: inspect() calls none.
  }
  return [`${use("inspect").inspect(error)}`, ""];
};

const REJECTED_MAX = 64;
const rejected = new Map(); // request id -> the last reason nobody handled; of the latest requests

exports.fail = (id, error) => {
  rejected.delete(id);
  op_fail(id, ...exports.describe(error), "");
};

exports.logUncaught = (where, error, id) => op_fail(0, ...exports.describe(error), where, id);

exports.rejection = (promise, reason) => {
  const id = cells[CURRENT];
  if (core.loaded("global_events")?.rejectionIsHandled(promise, reason)) return;
  if (id !== 0) rejected.set(id, reason);
  if (rejected.size > REJECTED_MAX) rejected.delete(rejected.keys().next().value);
  exports.logUncaught("unhandled rejection: ", reason, id);
};

// Nothing is left that request `id` could wait for.
exports.hung = (id) => {
  if (!rejected.has(id))
    return exports.fail(id, new Error("The worker's code hung: it waits for a promise that nothing can settle."));
  const why = rejected.get(id); // was logged when nobody handled it
  rejected.delete(id);
  op_fail(id, ...exports.describe(why));
};
