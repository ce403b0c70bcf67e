// fetch (WHATWG Fetch 4.4 "HTTP-redirect fetch", 5.6 "fetch method"): requests to other servers.
//
// One Exchange is one request and its answer over the wire; following redirects makes several.
// Compressed bodies come decoded, without Content-Encoding and the Content-Length that belongs to it:
// what a worker reads is what its headers describe.

const { completion } = use("core");
const {
  op_fetch_pool,
  op_fetch_start,
  op_fetch_reason,
  op_fetch_headers,
  op_fetch_pull,
  op_fetch_collect,
  op_fetch_write,
  op_fetch_drain,
  op_fetch_end,
  op_fetch_is_open,
  op_fetch_cancel,
} = ops;

const REDIRECTS_MAX = 20;
const WRITE_BYTES = 256 * 1024;
const REDIRECT = new Set([301, 302, 303, 307, 308]);
const NULL_BODY = new Set([101, 204, 205, 304]);
const OF_BODY = ["content-encoding", "content-language", "content-location", "content-type"];
const OF_ORIGIN = ["authorization", "cookie", "proxy-authorization"];

const pool = op_fetch_pool();
const { wrap: makeResponse } = use("response");
const failed = (why, cause) => new TypeError(`fetch failed: ${why}`, cause === undefined ? undefined : { cause });

// ---- the body of a request ----

// Of a streamed body, in bytes; -1 when nobody knows.
function lengthOf({ length, stream }) {
  if (length === undefined && stream !== undefined) length = use("streams").lengthOf(stream);
  return length ?? -1;
}
const isWhole = (body) => body.stream === undefined && body.kind !== "source";


async function quietly(cancel, reason) {
  try {
    await cancel(reason);
  } catch {}
}

// ---- one exchange ----

// Is also the native source of the answer's body; see body.js.
class Exchange {
  #fetch; // the native object
  #forget; // takes the abort callback off the signal again
  #failure; // why the exchange was ended from this side
  #stopped = false; // nobody wants the rest of the body
  #producer; // of a streamed request body
  length; // of the answer's body, when it is known

  constructor(signal) {
    if (signal !== null) this.#forget = use("abort").onAbort(signal, (reason) => this.#end(reason));
  }

  // Sends the request. Gives the status of the answer, when that begins.
  async start({ method, url, headers, body }) {
    const whole = body === null || isWhole(body);
    const sent = body === null ? undefined : whole ? body.value : true;
    const text = headers === null ? undefined : use("headers").toText(headers);
    const length = whole ? -1 : lengthOf(body);
    if (body !== null) {
      if (!whole) this.#producer = use("body").reader(body);
      body.used = true;
    }
    try {
      const answer = completion((id) => {
        this.#fetch = op_fetch_start(pool, id, method, url, text, sent, length);
      });
      if (this.#producer !== undefined && this.#fetch !== undefined) this.#pump();
      const head = await answer;
      if (this.#failure !== undefined) throw this.#failure.value;
      if (head >= 1000) this.length = Math.floor(head / 1000) - 1;
      return head % 1000;
    } catch (error) {
      throw this.over(error);
    }
  }
  get reason() {
    return op_fetch_reason(this.#fetch);
  }
  makeHeaders() {
    return use("headers").fromText(op_fetch_headers(this.#fetch), 0);
  }

  async #pump() {
    const fetch = this.#fetch;
    const { next, cancel } = this.#producer;
    try {
      for (let chunk; (chunk = await next()) !== undefined; )
        for (let at = 0; at < chunk.length; at += WRITE_BYTES) {
          if (!op_fetch_is_open(fetch)) return quietly(cancel, failed("the connection was closed"));
          if (!op_fetch_write(fetch, chunk.subarray(at, at + WRITE_BYTES)))
            await completion((id) => op_fetch_drain(fetch, id));
        }
      op_fetch_end(fetch);
    } catch (error) {
      this.#end(failed("the request's body could not be read", error));
    }
  }

  // Ends the exchange from this side: what waits, and what reads later, gets `reason`.
  #end(reason) {
    if (this.#failure !== undefined) return;
    this.#failure = { value: reason };
    if (this.#fetch !== undefined) op_fetch_cancel(this.#fetch);
    if (this.#producer !== undefined) quietly(this.#producer.cancel, reason);
    this.over();
  }

  // Nothing more will come: the signal has nothing to stop. Returns the error to show.
  over(error) {
    this.#forget?.();
    return this.#failure === undefined ? error : this.#failure.value;
  }

  async pull() {
    if (this.#failure !== undefined) throw this.#failure.value;
    if (this.#stopped) return undefined;
    const fetch = this.#fetch;
    try {
      let chunk = op_fetch_pull(fetch);
      if (chunk === undefined) chunk = await completion((id) => op_fetch_pull(fetch, id));
      if (chunk !== null) return chunk;
    } catch (error) {
      throw this.over(error);
    }
    this.over();
    return undefined;
  }

  #collect(asText) {
    if (this.#failure !== undefined) throw this.#failure.value;
    const fetch = this.#fetch;
    let all;
    try {
      all = op_fetch_collect(fetch, asText);
    } catch (error) {
      throw this.over(error);
    }
    if (all === undefined) return this.#wait(completion((id) => op_fetch_collect(fetch, asText, id)));
    this.over();
    return all;
  }
  async #wait(answer) {
    try {
      const all = await answer;
      this.over();
      return all;
    } catch (error) {
      throw this.over(error);
    }
  }
  collect() {
    return this.#collect(false);
  }
  text() {
    return this.#collect(true);
  }
  failure() {
    return this.#failure;
  }
  native() {
    return this.#failure === undefined && !this.#stopped ? this.#fetch : undefined;
  }

  // Nobody wants the rest.
  cancel() {
    if (this.#fetch !== undefined) op_fetch_cancel(this.#fetch);
    this.#stopped = true;
    this.over();
  }
}

// The state of a Response that is an answer from the network; see response.js. Its headers stay in C
// until somebody asks: the raw ones go with a body that is passed on.
class Fetched {
  constructor(exchange, status, hop, count) {
    const hasBody = !NULL_BODY.has(status) && hop.method !== "HEAD";
    this.exchange = exchange;
    this.status = status;
    this.headers = null;
    this.body = hasBody ? use("body").fromSource(exchange, exchange.length) : null;
    this.url = hop.url;
    this.redirected = count > 0;
    this.kind = "basic";
    if (!hasBody) exchange.cancel();
  }
  get statusText() {
    return this.exchange.reason;
  }
  getHeaders() {
    return this.headers ?? (this.headers = this.exchange.makeHeaders());
  }
  hasRawHead() {
    return this.headers === null;
  }
  isPlainText() {
    return false;
  }
  wireHead() {
    return use("response_init").wireHead(this);
  }
}

// ---- answers and redirects ----

function parse(url, base) {
  try {
    return new (use("url").URL)(url, base);
  } catch {
    throw failed(`redirected to an invalid URL: ${url}`);
  }
}

// A Location's bytes above ASCII are taken for what they are: part of a URL in UTF-8.
const escapeByte = (byte) => `%${byte.charCodeAt(0).toString(16).toUpperCase()}`;

// "HTTP-redirect fetch": changes the hop into the next one.
function nextHop(hop, status, location) {
  const from = parse(hop.url);
  const to = parse(location.replace(/[\x80-\xff]/g, escapeByte), hop.url);
  if (to.protocol !== "http:" && to.protocol !== "https:")
    throw failed(`redirected to ${to.protocol}, which cannot be fetched`);
  if (status !== 303 && hop.body !== null && !isWhole(hop.body))
    throw failed(`redirected with status ${status}, but the request's body is a stream and cannot be sent again`);
  const { method, headers } = hop;
  if ((status <= 302 && method === "POST") || (status === 303 && method !== "GET" && method !== "HEAD")) {
    hop.method = "GET";
    hop.body = null;
    if (headers !== null) for (const name of OF_BODY) headers.delete(name);
  }
  if (from.origin !== to.origin && headers !== null) for (const name of OF_ORIGIN) headers.delete(name);
  to.hash = "";
  hop.url = to.href;
}

function refusal(redirect, { url }, location, count) {
  if (redirect === "error") return `${url} redirects, and redirect is "error"`;
  return location !== null && count === REDIRECTS_MAX ? `more than ${REDIRECTS_MAX} redirects` : undefined;
}

// Header lines that a cache mode asks for ("HTTP-network-or-cache fetch", steps 8.17 and 8.18).
function addCacheHeaders(headers, cache) {
  if (cache === "no-cache" && !headers.has("cache-control")) headers.append("cache-control", "max-age=0");
  if (cache !== "no-store" && cache !== "reload") return;
  if (!headers.has("pragma")) headers.append("pragma", "no-cache");
  if (!headers.has("cache-control")) headers.append("cache-control", "no-cache");
}

async function follow(inner, { cache, redirect }) {
  if (cache !== "default") addCacheHeaders((inner.headers ??= new (use("headers").Headers)()), cache);
  const { method, url, headers, body, follows } = inner;
  const hash = url.indexOf("#");
  const hop = { method, url: hash < 0 ? url : url.slice(0, hash), headers, body };
  for (let count = 0; ; count++) {
    const exchange = new Exchange(follows);
    const status = await exchange.start(hop);
    if (!REDIRECT.has(status) || redirect === "manual") return makeResponse(new Fetched(exchange, status, hop, count));
    const location = exchange.makeHeaders().get("location");
    const refused = refusal(redirect, hop, location, count);
    if (refused === undefined && location === null) return makeResponse(new Fetched(exchange, status, hop, count));
    exchange.cancel();
    if (refused !== undefined) throw failed(refused);
    nextHop(hop, status, location);
  }
}

// ---- fetch ----

function wantsWebSocket({ headers, url }, isHttp) {
  if (headers === null || !(isHttp || /^wss?:/.test(url))) return false;
  const upgrade = headers.get("upgrade");
  return upgrade !== null && upgrade.toLowerCase() === "websocket";
}

// A method has no [[Construct]] and keeps its name.
Object.assign(exports, {
  async fetch(input, init = undefined) {
    const { construct, settingsOf } = use("request_init");
    const inner = construct(arguments.length, input, init);
    const settings = settingsOf(inner);
    const { follows, url, body } = inner;
    if (follows !== null && follows.aborted) {
      if (body !== null && !isWhole(body)) quietly(use("body").reader(body).cancel, follows.reason);
      throw follows.reason;
    }
    const isHttp = url.startsWith("http:") || url.startsWith("https:");
    if (wantsWebSocket(inner, isHttp)) return use("websocket_client").fetch(inner);
    const response = isHttp ? follow(inner, settings) : use("fetch_local").open(inner);
    return settings.integrity === "" ? response : use("integrity").check(await response, settings.integrity);
  },
});
