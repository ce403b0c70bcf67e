// HTMLRewriter of Cloudflare Workers: a Response's body, rewritten as it streams by. Parsing,
// matching and writing are in C (op_html.c); JavaScript is entered for what a handler wants to see.
// Here is the class and the way of the bytes; html_tokens.js has what handlers get.

const { op_html_close, op_html_encode, op_html_feed, op_html_next, op_html_on, op_html_on_document } = ops;
const { op_html_open, op_html_output, op_pool_new, op_html_result, op_html_rules } = ops;
const { finish, need } = use("webidl");
const { makeResponse, responseInner } = use("response");
const { kinds, isObject } = use("html_tokens");

const MORE = 0, DONE = 2, ON_ELEMENT = 3, ON_END_TAG = 4; // enum html_event
const WANTS = { element: 1, comments: 2, text: 4, doctype: 8, end: 16 }; // enum html_want
const NOTHING = new Uint8Array(0);
const { apply } = Reflect;
const { bind } = Function.prototype;
const { then } = Promise.prototype;
const handled = (promise) => apply(then, promise, [undefined, () => {}]);
const result = op_html_result();
const pool = op_pool_new();

// ---- handlers ----

// { wants, element, comments, ... }: what `names` lists of the object, bound to it.
function handlersOf(object, names, where) {
  if (!isObject(object)) throw new TypeError(`${where}: the handlers are not an object`);
  const handlers = { wants: 0 };
  for (const name of names) {
    const handler = object[name];
    if (handler === undefined) continue;
    if (typeof handler !== "function") throw new TypeError(`${where}: '${name}' is not a function`);
    handlers[name] = apply(bind, handler, [object]);
    handlers.wants |= WANTS[name];
  }
  return handlers;
}

// Calls one handler. Returns a promise when it did.
function invoke(rewriting, kind, handler) {
  const token = kind.make(rewriting);
  rewriting.token = token;
  rewriting.kind = kind;
  let returned;
  try {
    returned = handler(token);
  } catch (error) {
    kind.release(token);
    throw error;
  }
  if (isObject(returned)) return settle(returned, kind, token);
  kind.release(token);
}

async function settle(returned, kind, token) {
  try {
    await returned;
  } finally {
    kind.release(token);
  }
}

function invokeAll(rewriting, kind, handlers) {
  for (let i = 0; i < handlers.length; i++) {
    const pending = invoke(rewriting, kind, handlers[i]);
    if (pending !== undefined) return invokeRest(rewriting, kind, handlers, i + 1, pending);
  }
}

async function invokeRest(rewriting, kind, handlers, i, pending) {
  await pending;
  for (; i < handlers.length && !rewriting.isClosed; i++) await invoke(rewriting, kind, handlers[i]);
}

const handlerAt = ({ elements, documents }, id, name) => (id < 0 ? documents[~id] : elements[id])[name];

// Calls who is to be called for an event. Returns a promise when one of them did.
function run(rewriting, event) {
  const kind = kinds[event];
  const count = result[1];
  if (event === ON_ELEMENT) rewriting.serial++;
  if (event === ON_END_TAG) return invokeAll(rewriting, kind, rewriting.ends[count].handlers);
  if (count === 1) return invoke(rewriting, kind, handlerAt(rewriting.program, result[2], kind.name));
  const handlers = [];
  for (let i = 0; i < count; i++) handlers[i] = handlerAt(rewriting.program, result[2 + i], kind.name);
  return invokeAll(rewriting, kind, handlers);
}

// ---- bytes ----

const stop = async (reader, reason) => {
  try {
    await reader?.cancel(reason);
  } catch {}
};

// What a stream that was inserted gives, as it is to be written; undefined at its end.
function insertedReader(rewriting, { reader, html }) {
  const decoder = new (use("encoding").TextDecoder)("utf-8", { fatal: true, ignoreBOM: true });
  const decode = (chunk) => {
    try {
      return decoder.decode(chunk, { stream: chunk !== undefined });
    } catch {
      throw new TypeError("Parser error: Invalid UTF-8");
    }
  };
  return async () => {
    for (;;) {
      const chunk = await reader.next();
      if (rewriting.isClosed) return undefined;
      const text = decode(chunk);
      if (text !== "") return op_html_encode(rewriting.native, text, html);
      if (chunk === undefined) return undefined;
    }
  };
}

function concat(chunks) {
  let length = 0;
  for (const chunk of chunks) length += chunk.length;
  const all = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    all.set(chunk, at);
    at += chunk.length;
  }
  return all;
}

// One body that is rewritten: a native source (see body.js). What it reads is `bytes`, or what
// `reader` gives.
class Rewriting {
  // For run() and for tokens:
  native;
  program;
  isClosed = false;
  token = undefined; // the last one that was made, and its kind
  kind = undefined;
  serial = 0; // of the element
  guess; // what op_html_next() returned: the text, or the value of `asked`
  asked; // the attribute that was asked for last
  change; // left for op_html_next(): an attribute to set, or a number that says how to insert
  changeText; // its value, or what to insert
  ends = []; // by depth: { owner, handlers } for the end tag
  streams = new Map(); // by number: { reader, html } that were inserted and not begun
  lastStream = 0;

  #bytes;
  #reader;
  #at = 0;
  #isLast;
  #event = MORE;
  #waiting; // the promise of the handlers that were called last
  #inserted; // reads the stream whose turn it is to go out
  #isRunning = false;
  #isFreed = false;
  #failure;

  constructor(program, charset, bytes, reader) {
    this.program = program;
    this.native = op_html_open(pool, program.rules, charset);
    this.#bytes = bytes;
    this.#reader = reader;
    this.#isLast = reader === undefined;
  }

  async pull() {
    if (this.#failure !== undefined) throw this.#failure.error;
    if (this.isClosed) return undefined;
    this.#isRunning = true;
    try {
      const bytes = await this.#produce();
      if (bytes === undefined) this.#close();
      return bytes;
    } catch (error) {
      this.#failure = { error };
      this.#close(error);
      stop(this.#reader, error);
      throw error;
    } finally {
      this.#isRunning = false;
      this.#free();
    }
  }
  async collect() {
    const chunks = [];
    for (let chunk; (chunk = await this.pull()) !== undefined; ) chunks.push(chunk);
    return chunks.length === 1 ? chunks[0] : concat(chunks);
  }
  async text() {
    return use("encoding").decode(await this.collect());
  }
  cancel(reason) {
    this.#close(reason);
    this.#free();
    return this.#reader?.cancel(reason);
  }

  // The native side lives until nothing runs that uses it.
  #free() {
    if (!this.isClosed || this.#isRunning || this.#isFreed) return;
    this.#isFreed = true;
    op_html_close(this.native);
  }

  #close(reason) {
    if (this.isClosed) return;
    this.isClosed = true;
    this.kind?.release(this.token);
    for (const { reader } of this.streams.values()) stop(reader, reason);
    this.streams.clear();
  }

  // The next bytes of the output; undefined at its end.
  async #produce() {
    while (!this.isClosed) {
      if (this.#inserted !== undefined) {
        const bytes = await this.#inserted();
        if (bytes !== undefined) return bytes;
        this.#inserted = undefined;
        continue;
      }
      const bytes = op_html_output(this.native);
      const stream = this.streams.get(result[0]);
      if (stream !== undefined) {
        this.streams.delete(result[0]);
        this.#inserted = insertedReader(this, stream);
      }
      if (bytes !== undefined) return bytes;
      if (stream !== undefined) continue;
      if (this.#event === DONE) return undefined;
      await this.#advance();
    }
  }

  // Goes on until there may be output. What comes before a token whose handler takes time is not
  // held up by it.
  async #advance() {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (waiting !== undefined) await waiting;
    else if (this.#event === MORE) await this.#feed();
    while (!this.isClosed) {
      const { native, change, changeText } = this;
      this.change = undefined;
      this.guess = op_html_next(native, change, changeText);
      this.#event = result[0];
      if (this.#event < ON_ELEMENT) return;
      this.#waiting = run(this, this.#event);
      if (this.#waiting === undefined) continue;
      handled(this.#waiting);
      return;
    }
  }

  async #feed() {
    if (this.#at === this.#bytes.length && !this.#isLast) {
      const chunk = await this.#reader.next();
      if (this.isClosed) return;
      this.#isLast = chunk === undefined;
      this.#bytes = chunk ?? NOTHING;
      this.#at = 0;
    }
    this.#at = op_html_feed(this.native, this.#bytes, this.#at, this.#isLast);
  }
}

// ---- the class ----

const CHARSET = /;[\t ]*charset=(?:"([^"]*)"|([^;\s]*))/i;

// The standard name of the encoding that the Content-Type names.
function charsetOf(headers) {
  const found = CHARSET.exec(headers.get("content-type") ?? "");
  const label = found?.[1] ?? found?.[2] ?? "utf-8";
  if (/^utf-?8$/i.test(label)) return "utf-8";
  const name = use("encoding_labels").nameOf(label);
  if (name === undefined) throw new TypeError("Parser error: Unknown character encoding has been provided.");
  if (/^(utf-16|iso-2022|replacement)/.test(name))
    throw new TypeError(`Parser error: Expected ASCII-compatible encoding, but the Content-Type says ${name}.`);
  return name;
}

// Takes the body and gives it as { bytes } or { reader }; throws when it was used.
exports.takeBody = (body) => {
  const { isUsed, reader } = use("body");
  if (isUsed(body) || (body.stream !== undefined && body.stream.locked))
    throw new TypeError("This Response's body has already been used: it cannot be read again.");
  const { kind, value, stream } = body;
  const taken =
    stream !== undefined || kind === "source" || kind === "stream"
      ? { bytes: NOTHING, reader: reader(body) }
      : { bytes: kind === "text" ? use("encoding").encode(value) : value, reader: undefined };
  body.used = true;
  return taken;
};

class HTMLRewriter {
  #elements = []; // handlers, and each one's selector
  #documents = [];
  #program; // { rules, elements, documents } for C, once somebody needs it

  on(selector, handlers) {
    this.#program;
    need(arguments.length, 2, "Failed to execute 'on' on 'HTMLRewriter'");
    selector = `${selector}`;
    const found = handlersOf(handlers, ["element", "comments", "text"], "HTMLRewriter.on");
    op_html_on(op_html_rules(), selector, 0); // throws when it is not valid
    found.selector = selector;
    this.#elements.push(found);
    this.#program = undefined;
    return this;
  }

  onDocument(handlers) {
    this.#program;
    need(arguments.length, 1, "Failed to execute 'onDocument' on 'HTMLRewriter'");
    this.#documents.push(handlersOf(handlers, ["doctype", "comments", "text", "end"], "HTMLRewriter.onDocument"));
    this.#program = undefined;
    return this;
  }

  transform(response) {
    this.#program;
    need(arguments.length, 1, "Failed to execute 'transform' on 'HTMLRewriter'");
    const inner = responseInner(response);
    if (inner === undefined) throw new TypeError("HTMLRewriter.transform: the argument is not a Response");
    const headers = new (use("headers").Headers)(inner.getHeaders());
    headers.delete("content-length");
    const { status, statusText, url, redirected, type } = inner;
    const fields = { status, statusText, headers, url, redirected, type, body: null };
    if (inner.body !== null) {
      const charset = charsetOf(headers);
      const program = (this.#program ??= this.#compile());
      const { bytes, reader } = exports.takeBody(inner.body);
      fields.body = use("body").fromSource(sourceOf(new Rewriting(program, charset, bytes, reader)));
    }
    return makeResponse(fields);
  }

  #compile() {
    const rules = op_html_rules();
    for (const { selector, wants } of this.#elements) op_html_on(rules, selector, wants);
    for (const { wants } of this.#documents) op_html_on_document(rules, wants);
    return { rules, elements: this.#elements.slice(), documents: this.#documents.slice() };
  }
}

const sourceOf = (rewriting) => ({
  pull: () => rewriting.pull(),
  collect: () => rewriting.collect(),
  text: () => rewriting.text(),
  cancel: (reason) => rewriting.cancel(reason),
});

finish(HTMLRewriter, "HTMLRewriter");
exports.HTMLRewriter = HTMLRewriter;
