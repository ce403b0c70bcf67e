// MessageChannel and MessagePort (HTML 9.4). A port's inner side is a record, which moves to another
// object when the port is transferred:
//   { object, other, queue of { deliver, request }, started, scheduled, detached }
//
// (1) Each message is a task of its own: one is delivered per call of wake (core.js), and the next
//     asks for another, so that microtasks run in between.
// (2) Only a message that will be delivered counts in cells[PENDING]. An open port that nobody
//     writes to does not: a request that waits for it alone is recognised as hung.

const { finish, named, need } = use("webidl");
const { later } = use("core");
const { EventTarget, MessageEvent, Event, defineHandlers, fire } = use("events");
const { clone, refuse, sequence, transfersOf } = use("structured_clone");
const { Queue } = use("stream_base");

const PENDING = 0, CURRENT = 3; // cells: see engine/isolate.h
const INTERNAL = {};

const newRecord = () => ({
  object: undefined, other: undefined, queue: new Queue(), started: false, scheduled: false, detached: false,
});

let recordOf; // (object) => its record
let setRecord;
let isPort;

class MessagePort extends EventTarget {
  #port;

  constructor(token) {
    if (token !== INTERNAL) throw new TypeError("Illegal constructor");
    super();
  }
  postMessage(message, transfer) {
    const port = this.#port;
    const where = "Failed to execute 'postMessage' on 'MessagePort'";
    need(arguments.length, 1, where);
    const isList = typeof transfer === "object" && transfer !== null && transfer[Symbol.iterator] !== undefined;
    const transfers = isList ? sequence(transfer, where) : transfersOf(transfer, where);
    if (transfers.includes(this)) refuse("The port that the message is posted to");
    const target = port.other;
    const doomed = target !== undefined && transfers.includes(target.object);
    const { value: data, transferred } = clone(message, transfers);
    if (target === undefined || doomed) return;
    const ports = transferred.filter(isPort);
    enqueue(target, () => fire(target.object, new MessageEvent("message", { data, ports })));
  }
  start() {
    start(this.#port);
  }
  close() {
    const port = this.#port;
    if (port.detached) return;
    port.detached = true;
    drop(port);
    const { other } = port;
    port.other = undefined;
    if (other === undefined) return;
    other.other = undefined;
    endAfterMessages(other);
  }
  static {
    recordOf = (object) => object.#port;
    setRecord = (object, port) => (object.#port = port);
    isPort = (value) => typeof value === "object" && value !== null && #port in value;
  }
}
defineHandlers(MessagePort.prototype, "message", "messageerror", "close");
finish(MessagePort, "MessagePort");
Object.defineProperty(MessagePort, "length", { value: 0, configurable: true });
Object.defineProperty(MessagePort.prototype.postMessage, "length", { value: 1, configurable: true });

// Setting onmessage starts the port; adding a listener does not.
{
  const { get, set } = Object.getOwnPropertyDescriptor(MessagePort.prototype, "onmessage");
  const setAndStart = function (value) {
    Reflect.apply(set, this, [value]);
    start(recordOf(this));
  };
  named("set onmessage", setAndStart);
  Object.defineProperty(MessagePort.prototype, "onmessage", { get, set: setAndStart, enumerable: true, configurable: true });
}
exports.MessagePort = MessagePort;

function objectFor(port) {
  const object = new MessagePort(INTERNAL);
  setRecord(object, port);
  port.object = object;
  return object;
}

function entangled() {
  const one = newRecord();
  const two = newRecord();
  one.other = two;
  two.other = one;
  return [objectFor(one), objectFor(two)];
}
exports.entangled = entangled;

// ---- the message queue ----

function enqueue(port, deliver) {
  if (port.detached) return;
  port.queue.push({ deliver, request: cells[CURRENT] });
  if (port.started) {
    cells[PENDING]++;
    schedule(port);
  }
}

// The other side was closed: the event comes behind the messages that are delivered, and also to a
// port that was never started.
function endAfterMessages(port) {
  const deliver = () => fire(port.object, new Event("close"));
  if (port.started) return enqueue(port, deliver);
  const request = cells[CURRENT];
  cells[PENDING]++;
  later(() => {
    cells[PENDING]--;
    cells[CURRENT] = request;
    deliver();
  });
}

function start(port) {
  if (port.started || port.detached) return;
  port.started = true;
  cells[PENDING] += port.queue.length;
  schedule(port);
}

// Forgets what is queued: the port was closed.
function drop(port) {
  if (port.started) cells[PENDING] -= port.queue.length;
  port.queue.clear();
}

// A port that is transferred takes what it has not delivered along, and waits to be started again.
function stop(port) {
  if (port.started) cells[PENDING] -= port.queue.length;
  port.started = false;
}

function schedule(port) {
  if (port.scheduled || port.queue.length === 0) return;
  port.scheduled = true;
  later(() => deliverOne(port));
}

function deliverOne(port) {
  port.scheduled = false;
  if (!port.started || port.queue.length === 0) return;
  const { deliver, request } = port.queue.shift();
  cells[PENDING]--;
  cells[CURRENT] = request;
  schedule(port);
  deliver();
}

// ---- transfer ----

exports.transferable = (value) => {
  if (!isPort(value)) return undefined;
  const fresh = new MessagePort(INTERNAL);
  setRecord(fresh, Object.assign(newRecord(), { detached: true, object: fresh }));
  return {
    fresh,
    move() {
      const port = recordOf(value);
      if (port.detached) refuse("A port that was closed or transferred");
      stop(port);
      setRecord(fresh, port);
      port.object = fresh;
      setRecord(value, Object.assign(newRecord(), { detached: true, object: value }));
    },
  };
};

// ---- MessageChannel ----

class MessageChannel {
  #ports = entangled();

  get port1() {
    return this.#ports[0];
  }
  get port2() {
    return this.#ports[1];
  }
}
finish(MessageChannel, "MessageChannel");
exports.MessageChannel = MessageChannel;
