// A session: one call of another worker and all that follows from it, at either of its two ends. Messages are
// JSON arrays of a kind and its members, in order, with blobs beside them:
//
//   CALL      question, EXPORT or ANSWER, its number, path, [arguments] (none: what stands there is wanted)
//   FETCH     question, method, url, headers, body, redirect, cf
//   RETURN    question, value            THROW   question, error
//   RESPONSE  question, status, ...      FINISH  question: its answer will not be built on any more
//   RELEASE   export: no stub of it is left
//   CHUNK     stream, value              CLOSE   stream       ERROR  stream, error
//   ACK       stream, bytes that were read        CANCEL  stream, error
//   SOCKET    socket, text or null (a blob is beside it)      CLOSED  socket, clean, code, reason
//
// Questions, exports and streams are numbers of the side that makes them. What the caller calls first is export
// 0 of the callee. The caller ends a session when nothing of it is left, or its request is over; a callee ends
// it with the answer to a fetch. What comes in was written by another isolate: everything is checked.

const core = use("core");
const { Reader, Writer, bad, parse, FUNCTION, TARGET } = use("service_wire");
const { op_service_call, op_service_call_own, op_service_send, op_service_close, op_request_watch } = ops;
const { apply } = Reflect;
const { isArray } = Array;

const PENDING = 0, CURRENT = 3; // cells: see engine/isolate.h
const CALL = 0, FETCH = 1, RETURN = 2, THROW = 3, RESPONSE = 4, FINISH = 5, RELEASE = 6, CHUNK = 7, CLOSE = 8;
const ERROR = 9, ACK = 10, CANCEL = 11, SOCKET = 12, CLOSED = 13;
const EXPORT = 0, ANSWER = 1;
const ANSWERED = 1, THREW = -1; // statuses of what is no fetch
const PATH_MAX = 64, TABLE_MAX = 10000;
const OVER = "The call that this RPC stub came from is over.";
exports.EXPORT = EXPORT;
exports.ANSWER = ANSWER;

const sessions = { __proto__: null }; // by the number of the end
const kept = { __proto__: null }; // by request: sessions that go with it
const serving = { __proto__: null }; // by request: the session of a callee
const table = () => ({ __proto__: null });

// The entries of a table that has a maximum.
function add(session, name, id, entry) {
  const rows = (session[name] ??= table());
  if (++session.size > TABLE_MAX)
    throw new RangeError(`A call between workers may have ${TABLE_MAX} stubs, questions and streams.`);
  rows[id] = entry;
}

function take(session, name, id) {
  const entry = session[name]?.[id];
  if (entry === undefined) return undefined;
  session.size--;
  delete session[name][id];
  return entry;
}

class Session {
  end = 0;
  request = 0;
  isCallee = false;
  isOver = false;
  isLast = false; // nothing more comes, and nobody reads: C closes this end by itself
  size = 0; // of all tables
  imports = 0;
  lastQuestion = 0;
  lastExport = 0;
  lastStream = 0;
  entry; // of a callee: a function that gives { fetch, target }
  waiting; // of questions received: those without an answer
  questions; // sent: number -> { reader(wire), reject }
  answers; // of questions received: number -> promise
  exported; // number -> { value, isTarget }
  streams; // number -> see service_stream.js
  sockets = 0;
  isReplaced = false;
  broken; // Set of callbacks

  // ---- sending ----

  send(text, writer, status = 0, last = false) {
    if (this.isOver) return false;
    const { blobs } = writer;
    const args = [this.end, last, status, text];
    for (let i = 0; i < blobs.length; i++) args[4 + i] = blobs[i];
    const sent = apply(op_service_send, undefined, args);
    if (last) this.#forget();
    return sent;
  }

  tell(text) {
    if (!this.isOver) op_service_send(this.end, false, 0, text);
  }

  // A promise of what `read` makes of the answer.
  #ask(read) {
    const id = ++this.lastQuestion;
    return {
      id,
      promise: new Promise((resolve, reject) => {
        add(this, "questions", id, { read, resolve, reject });
        cells[PENDING]++;
      }),
    };
  }

  #callText(writer, id, kind, number, path, args) {
    let text = `[${CALL},${id},${kind},${number},${namesOf(writer, path)}`;
    if (args === undefined) return `${text}]`;
    text += ",[";
    for (let i = 0; i < args.length; i++) text += (i > 0 ? "," : "") + writer.value(args[i]);
    return `${text}]]`;
  }

  // { id, promise } of a call of what this session has already.
  call(kind, number, path, args) {
    if (this.isOver) return { id: 0, promise: Promise.reject(this.why ?? new Error(OVER)) };
    const { id, promise } = this.#ask(readValue);
    try {
      const writer = new Writer(this);
      this.send(this.#callText(writer, id, kind, number, path, args), writer);
    } catch (error) {
      this.#settle(id)?.reject(error);
    }
    return { id, promise };
  }

  // Begins the session: `start` is the op with all its first arguments.
  begin(start, makeText, read) {
    this.request = cells[CURRENT];
    this.lastStream = 1;
    const { id, promise } = this.#ask(read);
    const writer = new Writer(this);
    try {
      start[start.length] = makeText(writer, id);
      for (let i = 0; i < writer.blobs.length; i++) start[start.length] = writer.blobs[i];
      this.end = apply(start[0], undefined, start.slice(1));
      sessions[this.end] = this;
    } catch (error) {
      this.isOver = true;
      this.#settle(id)?.reject(error);
    }
    return { id, promise };
  }

  beginCall(start, path, args) {
    return this.begin(start, (writer, id) => this.#callText(writer, id, EXPORT, 0, path, args), readValue);
  }

  beginFetch(start, inner) {
    return this.begin(start, (writer, id) => `[${FETCH},${id},${writer.request(inner)}]`, readResponse).promise;
  }

  #settle(id) {
    const question = take(this, "questions", id);
    if (question !== undefined) cells[PENDING]--;
    return question;
  }

  // ---- what a Writer and a Reader ask for ----

  // [TAG, number] of what stays here; undefined: it travels by value.
  exportOf(value) {
    const stubs = core.loaded("service_stub");
    const isStub = stubs?.isStub(value) === true;
    if (isStub) return [TARGET, this.#export(stubs.dup(value), false)];
    if (typeof value === "function") return [FUNCTION, this.#export(value, false)];
    return core.loaded("service_class")?.isTarget(value) ? [TARGET, this.#export(value, true)] : undefined;
  }
  #export(value, isTarget) {
    const id = ++this.lastExport;
    add(this, "exported", id, { value, isTarget });
    return id;
  }
  importOf(id) {
    this.imports++;
    this.size++;
    if (this.size > TABLE_MAX) throw new RangeError("The other worker sent too many stubs.");
    const stub = use("service_stub").stubOf(this, id);
    (this.fresh ??= []).push(stub);
    return stub;
  }
  nextStream() {
    return (this.lastStream += 2);
  }
  sendStream(stream) {
    return use("service_stream").sendStream(this, stream);
  }
  sendSink(stream) {
    return use("service_stream").sendSink(this, stream);
  }
  sendBody(pull) {
    return use("service_stream").sendBody(this, pull);
  }
  sendSocket(socket) {
    return use("service_stream").sendSocket(this, socket);
  }
  receiveStream(id) {
    return use("service_stream").receiveStream(this, id);
  }
  receiveSink(id) {
    return use("service_stream").receiveSink(this, id);
  }
  receiveBody(id, length) {
    return use("service_stream").receiveBody(this, id, length);
  }
  receiveSocket(id) {
    return use("service_stream").receiveSocket(this, id);
  }
  addStream(id, entry) {
    if (this.streams?.[id] !== undefined) bad();
    add(this, "streams", id, entry);
  }
  endStream(id) {
    if (take(this, "streams", id) !== undefined) this.settleDown();
  }

  // ---- receiving ----

  message(wire, blobs) {
    if (!isArray(wire)) bad();
    const id = wire[1];
    if (typeof id !== "number" || id % 1 !== 0 || id < 0) bad();
    switch (wire[0]) {
      case CALL:
        return this.#onCall(id, wire, blobs);
      case FETCH:
        return this.#onFetch(id, wire, blobs);
      case RETURN:
      case RESPONSE:
        return this.#onAnswer(id, wire, blobs, true);
      case THROW:
        return this.#onAnswer(id, wire, blobs, false);
      case FINISH:
        take(this, "answers", id);
        return undefined;
      case RELEASE:
        return this.#onRelease(id);
      default:
        return use("service_stream").message(this, wire, blobs);
    }
  }

  // Values, and the stubs among them.
  read(blobs, make) {
    this.fresh = undefined;
    const value = make(new Reader(this, blobs));
    const stubs = this.fresh;
    this.fresh = undefined;
    return { value, stubs };
  }

  #onAnswer(id, wire, blobs, fine) {
    const question = this.#settle(id);
    if (question === undefined) return;
    try {
      const { value, stubs } = this.read(blobs, (reader) => (fine ? question.read(reader, wire) : reader.value(wire[2])));
      if (!fine) question.reject(value);
      else question.resolve(stubs === undefined ? value : disposable(value, stubs));
    } catch (error) {
      question.reject(error);
    }
    if (wire[0] === RESPONSE) this.settleDown();
    else if (!this.settleDown()) this.tell(`[${FINISH},${id}]`);
  }

  #onCall(id, wire, blobs) {
    let stubs;
    let answer;
    try {
      const [, , kind, number, path, given] = wire;
      if (!isArray(path) || path.length > PATH_MAX) bad();
      let args;
      if (given !== undefined) {
        if (!isArray(given)) bad();
        ({ value: args, stubs } = this.read(blobs, (reader) => given.map((item) => reader.value(item))));
      }
      answer = this.#perform(kind, number, path, args);
    } catch (error) {
      answer = Promise.reject(error);
    }
    add(this, "answers", id, answer);
    this.#start(id);
    answer.then(
      (value) => this.#return(id, value, stubs),
      (error) => this.#throw(id, error, stubs),
    );
  }

  // A promise, in any case: of what is called now when there is nothing to wait for.
  #perform(kind, number, path, args) {
    const { perform } = use("service_class");
    if (kind === ANSWER) {
      const base = this.answers?.[number];
      if (base === undefined) return Promise.reject(new Error(OVER));
      return base.then((value) => perform(value, path, args));
    }
    return promised(() => perform(this.#target(number), path, args));
  }

  #target(number) {
    if (number === 0 && this.isCallee) {
      const { target } = this.entry();
      if (target === undefined)
        throw new TypeError(
          "This entrypoint has no methods that can be called: to offer some, export a class that extends WorkerEntrypoint.",
        );
      return target;
    }
    const entry = this.exported?.[number];
    if (entry === undefined) throw new Error("RPC stub used after being disposed.");
    return entry.value;
  }

  #start(id) {
    (this.waiting ??= table())[id] = true;
  }
  // False when it was answered already: its code hung, and went on all the same.
  #finish(id) {
    const waited = this.waiting[id] === true;
    delete this.waiting[id];
    return waited && !this.isOver;
  }

  // The answer holds what it needs of the arguments' stubs before these go.
  #return(id, value, stubs) {
    if (!this.#finish(id)) return release(stubs);
    const writer = new Writer(this);
    let text;
    try {
      text = `[${RETURN},${id},${writer.value(value)}]`;
    } catch (error) {
      release(stubs);
      return this.#tellError(id, error);
    }
    release(stubs);
    if (core.loaded("service_stub")?.isStub(value)) use("service_stub").dispose(value);
    try {
      this.send(text, writer, ANSWERED);
    } catch (error) {
      this.#tellError(id, error);
    }
  }

  #throw(id, error, stubs) {
    release(stubs);
    if (!this.#finish(id)) return;
    if (this.isCallee) use("errors").logUncaught("", error, this.request);
    this.#tellError(id, error);
  }

  #tellError(id, error) {
    if (this.isOver) return;
    const writer = new Writer(this);
    let text;
    try {
      text = writer.value(error);
    } catch {
      text = writer.value(new Error(use("errors").describe(error)[0]));
    }
    this.send(`[${THROW},${id},${text}]`, writer, THREW);
  }

  async #onFetch(id, wire, blobs) {
    if (!this.isCallee) bad();
    this.#start(id);
    try {
      const { value: request } = this.read(blobs, (reader) => reader.request(wire, 2));
      this.#respond(id, await this.entry().fetch(request));
    } catch (error) {
      this.#throw(id, error);
    }
  }

  #respond(id, response) {
    const inner = use("response").responseInner(response);
    if (inner === undefined)
      throw new TypeError(`The fetch handler must answer with a Response, but it returned ${use("inspect").inspect(response)}`);
    const writer = new Writer(this);
    if (this.isOver) return;
    const text = `[${RESPONSE},${id},${writer.response(inner)}]`;
    if (this.#finish(id)) this.send(text, writer, inner.status, this.size === 0);
  }

  #onRelease(id) {
    const entry = take(this, "exported", id);
    if (entry === undefined) return;
    use("service_stub").disposeTarget(entry.value, entry.isTarget);
    this.settleDown();
  }

  // A stub of this session is gone.
  dropImport(id) {
    this.imports--;
    this.size--;
    this.tell(`[${RELEASE},${id}]`);
    this.settleDown();
  }

  hang() {
    const error = new Error("The worker's code hung: it waits for a promise that nothing can settle.");
    for (const id in this.waiting) this.#throw(id, error);
  }

  // ---- the end ----

  // Of the caller: true when nothing was left, and the session is over.
  settleDown() {
    if (this.isCallee || this.isOver) return this.isOver;
    if (this.size > 0) {
      keep(this);
      return this.isOver;
    }
    this.close();
    return true;
  }

  close(error) {
    if (this.isOver) return;
    const { end } = this;
    this.#forget(error);
    if (!this.isLast) op_service_close(end);
  }

  // Most sessions have nothing left by then: errors are made for those that have.
  #forget(error) {
    this.isOver = true;
    this.why = error;
    delete sessions[this.end];
    if (this.isKept && kept[this.request] !== undefined) delete kept[this.request][this.end];
    if (serving[this.request] === this) delete serving[this.request];
    if (this.size > 0) this.#leave(error ?? new Error(OVER));
    if (error !== undefined) this.broken?.forEach((callback) => callback(error));
  }

  #leave(reason) {
    const { questions, streams, exported } = this;
    this.questions = this.streams = this.exported = this.answers = undefined;
    for (const id in questions) {
      cells[PENDING]--;
      questions[id].reject(reason);
    }
    for (const id in streams) streams[id].broken(reason);
    for (const id in exported) use("service_stub").disposeTarget(exported[id].value, exported[id].isTarget);
  }

  // The other end is gone. Nobody says why of a callee that has answered, and was replaced.
  ended(why) {
    if (this.isOver) return;
    this.isReplaced = why === undefined && !this.isCallee;
    this.#forget(new Error(why ?? "The other worker has ended the call."));
  }
}

const readValue = (reader, wire) => reader.value(wire[2]);
const readResponse = (reader, wire) => (wire[0] === RESPONSE ? reader.response(wire, 2) : bad());

function namesOf(writer, path) {
  let text = "";
  for (let i = 0; i < path.length; i++) text += (i > 0 ? "," : "") + writer.value(path[i]);
  return `[${text}]`;
}

// A promise of what `work` gives, which runs now.
async function promised(work) {
  return work();
}

function release(stubs) {
  if (stubs === undefined) return;
  for (const stub of stubs) use("service_stub").dispose(stub);
}

function disposable(value, stubs) {
  use("service_stub").makeDisposable(value, stubs);
  return value;
}

// ---- requests that are over ----

// Something of a call goes on: until its request is over, and all that it gave to waitUntil().
function keep(session) {
  const { request } = session;
  if (request <= 0 || session.isKept) return;
  session.isKept = true;
  (kept[request] ??= table())[session.end] = session;
  if (!op_request_watch(request)) exports.released(request);
}

exports.released = (request) => {
  const rows = kept[request];
  if (rows === undefined || core.isWaiting(request) || op_request_watch(request)) return;
  delete kept[request];
  for (const end in rows) {
    const session = rows[end];
    if (session.sockets === 0) session.close();
  }
};

const isEmpty = (rows) => {
  for (const _ in rows) return false;
  return true;
};

// Nothing is left that a callee could wait for, but what its caller may still send. True for a callee.
exports.hung = (request) => {
  const session = serving[request];
  if (session === undefined) return false;
  if (isEmpty(session.exported) && isEmpty(session.streams)) session.hang();
  return true;
};

// ---- for C ----

exports.receive = (end, over, why, text, ...blobs) => {
  const session = sessions[end];
  if (session === undefined) return;
  session.isLast = over;
  try {
    if (text !== undefined) session.message(parse(text), blobs);
  } catch (error) {
    return session.close(error);
  }
  if (over) session.ended(why);
};

exports.serve = (end, request, entry) => {
  const session = new Session();
  session.end = end;
  session.request = request;
  session.isCallee = true;
  session.entry = entry;
  sessions[end] = session;
  serving[request] = session;
};

exports.call = (native, path, args) => {
  const session = new Session();
  return { session, ...session.beginCall(startOf(native), path, args) };
};

exports.fetch = (native, inner) => {
  const session = new Session();
  return { session, promise: session.beginFetch(startOf(native), inner) };
};

// { entrypoint, props } of this worker itself, or a binding's handle.
const startOf = (native) =>
  native.own === undefined ? [op_service_call, native.handle] : [op_service_call_own, native.own, native.props];
