// scheduled(): the handler of times (cron triggers), in both forms a worker can have.

const core = use("core");
const { op_event_done } = ops;
const CURRENT = 3; // cells: see engine/isolate.h

let settled; // async (ctx) => whether none of what it waits for was rejected; waitUntil() tells of that

// An event is over when its handler and all that it gave to waitUntil() are.
class Context extends core.ExecutionContext {
  #waiting = [];
  waitUntil(promise) {
    super.waitUntil(promise);
    this.#waiting.push(promise);
  }
  static {
    settled = async (ctx) => {
      let fine = true;
      while (ctx.#waiting.length > 0)
        for (const { status } of await Promise.allSettled(ctx.#waiting.splice(0))) fine &&= status === "fulfilled";
      return fine;
    };
  }
}

class ScheduledController {
  constructor(cron, scheduledTime) {
    this.cron = cron;
    this.scheduledTime = scheduledTime;
  }
  get type() {
    return "scheduled";
  }
  noRetry() {} // a run that failed is not tried again in any case
}

// The listener of service-worker syntax gets what the controller says as an event.
function fire(cron, time, ctx) {
  const { ExtendableEvent, attach } = use("service_worker");
  class ScheduledEvent extends ExtendableEvent {
    get cron() {
      return cron;
    }
    get scheduledTime() {
      return time;
    }
    noRetry() {}
  }
  const event = new ScheduledEvent("scheduled");
  attach(event, ctx);
  use("events").fireOrThrow(globalThis, event);
}

function call(cron, time, ctx) {
  const { main: exported } = use("worker");
  const isClass = core.loaded("service_class")?.isEntrypoint(exported);
  const main = isClass ? new exported(ctx, core.env) : exported;
  if (typeof main?.scheduled === "function")
    return main.scheduled(new ScheduledController(cron, time), core.env, ctx);
  if (core.loaded("global_events")?.listensTo("scheduled")) return fire(cron, time, ctx);
  throw new TypeError(
    "The worker has no scheduled handler: it neither exports one " +
      `(export default { async scheduled(controller, env, ctx) { ... } }) nor calls addEventListener("scheduled", ...)`,
  );
}

exports.run = async (id, cron, time) => {
  cells[CURRENT] = id;
  const ctx = new Context(id);
  try {
    await call(cron, time, ctx);
    op_event_done(id, await settled(ctx));
  } catch (error) {
    use("errors").fail(id, error);
    await settled(ctx);
    op_event_done(id, false);
  }
};
