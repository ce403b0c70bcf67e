// Date and Intl.DateTimeFormat of a worker whose clock stands still while its code runs: both would
// ask the machine. What the clock says is op_clock.c's. Most workers ask neither, so that this file
// is evaluated when one of the two is first read (core.js).

const { op_clock_wall } = ops;
const { apply, construct, getOwnPropertyDescriptor, ownKeys } = Reflect;
const { defineProperty } = Object;
const { floor } = Math;
const core = use("core");
const { Date: NativeDate, Intl: NativeIntl } = core.natives;
const { toString } = NativeDate.prototype;

const now = () => floor(op_clock_wall());

function copyMembers(from, to) {
  for (const key of ownKeys(from)) defineProperty(to, key, getOwnPropertyDescriptor(from, key));
  defineProperty(from.prototype, "constructor", { value: to, writable: true, configurable: true });
}

function clockDate() {
  const Clock = function (...args) {
    if (new.target === undefined) return apply(toString, new NativeDate(now()), []);
    return construct(NativeDate, args.length === 0 ? [now()] : args, new.target);
  };
  copyMembers(NativeDate, Clock);
  const members = { now };
  defineProperty(Clock, "now", { value: members.now, writable: true, configurable: true });
  return Clock;
}

// A time that is not given is now.
const given = (time) => (time === undefined ? now() : time);

function patchFormat({ prototype }) {
  const format = getOwnPropertyDescriptor(prototype, "format");
  const { formatToParts } = prototype;
  const bound = new WeakMap();
  const members = {
    get format() {
      const native = apply(format.get, this, []);
      if (!bound.has(this)) bound.set(this, (time) => native(given(time)));
      return bound.get(this);
    },
    formatToParts(time) {
      return apply(formatToParts, this, [given(time)]);
    },
  };
  defineProperty(prototype, "format", { ...getOwnPropertyDescriptor(members, "format"), enumerable: false });
  defineProperty(prototype, "formatToParts", { value: members.formatToParts, writable: true, configurable: true });
}

exports.Date = core.frozen ? clockDate() : NativeDate;

// The classes of Intl are large: they are not for who only reads Date.
defineProperty(exports, "Intl", {
  get() {
    if (core.frozen) patchFormat(NativeIntl.DateTimeFormat);
    return NativeIntl;
  },
});
