// The rate limit binding: Cloudflare's RateLimit. Counters are C's (op_ratelimit.c); once an account's
// are open, a question is answered without waiting for anybody.

const { completion } = use("core");
const { finish } = use("webidl");
const { op_ratelimit_ready, op_ratelimit_take } = ops;
const { isInteger } = Number;
const { keys } = Object;

const NAMES = { __proto__: null, key: true, delta: true };
const NEW = {};

function check(options) {
  if (typeof options !== "object" || options === null) throw new TypeError("invalid rate limit options");
  const wrong = keys(options).filter((name) => !NAMES[name]);
  if (wrong.length > 0) throw new TypeError(`bad rate limit options: [${wrong.join(",")}]`);
}

function keyOf({ key = "" }) {
  if (typeof key !== "string") throw new TypeError(`invalid key: ${String(key)}`);
  return key;
}

function deltaOf({ delta = 1 }) {
  if (!isInteger(delta) || delta < 1) throw new TypeError(`delta must be a positive integer: ${String(delta)}`);
  return delta;
}

class RateLimit {
  #native;

  constructor(token, native) {
    if (token !== NEW) throw new TypeError("Illegal constructor");
    this.#native = native;
  }

  async limit(options) {
    const native = this.#native;
    check(options);
    const key = keyOf(options), delta = deltaOf(options);
    let success = op_ratelimit_take(native, key, delta);
    if (success === undefined) {
      await completion((id) => op_ratelimit_ready(id, native));
      success = op_ratelimit_take(native, key, delta);
    }
    return { success };
  }
}

finish(RateLimit, "RateLimit");
exports.bind = (native) => new RateLimit(NEW, native);
