// fetch (WHATWG Fetch 4.4 "HTTP-redirect fetch", 5.6 "fetch method"): requests to other servers.
//
// One Exchange is one request and its answer over the wire; following redirects makes several.
// libcurl decodes compressed bodies, so Content-Encoding and the Content-Length that belongs to it
// are taken out of the answer: what a worker reads is what its headers describe.

const { completion } = use("core");
const {
  op_fetch_pool,
  op_fetch_start,
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

class Exchange {
  #fetch; // the native object
  #signal;
  #forget; // takes the abort callback off the signal again
  #failure; // why the exchange was ended from this side
  #rest; // all of the body, when it came with the head
  #whole = false;
  #producer; // of a streamed request body

  constructor(signal) {
    this.#signal = signal;
    if (signal !== null) this.#forget = use("abort").onAbort(signal, (reason) => this.#end(reason));
  }

  // Sends the request. Gives its head: { status, reason, headers }.
  async start({ method, url, headers, body }) {
    const whole = body === null || isWhole(body);
    const sent = body === null ? undefined : whole ? body.value : true;
    const text = use("headers").toText(headers);
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
      const [status, reason, lines, rest] = await answer;
      if (this.#failure !== undefined) throw this.#failure.value;
      this.#rest = rest;
      this.#whole = rest !== undefined;
      if (this.#whole && this.#signal === null) this.#fetch = undefined;
      return { status, reason, headers: use("headers").fromText(lines) };
    } catch (error) {
      throw this.#over(error);
    }
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
    this.#rest = undefined;
    if (this.#fetch !== undefined) op_fetch_cancel(this.#fetch);
    if (this.#producer !== undefined) quietly(this.#producer.cancel, reason);
    this.#over();
  }

  // Nothing more will come: the signal has nothing to stop. Returns the error to show.
  #over(error) {
    this.#forget?.();
    return this.#failure === undefined ? error : this.#failure.value;
  }

  #takeRest() {
    const rest = this.#rest;
    this.#rest = undefined;
    this.#over();
    return rest;
  }

  async #pull() {
    if (this.#failure !== undefined) throw this.#failure.value;
    if (this.#whole) {
      const rest = this.#takeRest();
      return rest !== undefined && rest.length > 0 ? rest : undefined;
    }
    try {
      const fetch = this.#fetch;
      let chunk = op_fetch_pull(fetch);
      if (chunk === undefined) chunk = await completion((id) => op_fetch_pull(fetch, id));
      if (chunk !== null) return chunk;
    } catch (error) {
      throw this.#over(error);
    }
    this.#over();
    return undefined;
  }

  async #collect() {
    if (this.#failure !== undefined) throw this.#failure.value;
    if (this.#whole) return this.#takeRest() ?? new Uint8Array(0);
    try {
      const fetch = this.#fetch;
      const bytes = op_fetch_collect(fetch) ?? (await completion((id) => op_fetch_collect(fetch, id)));
      this.#over();
      return bytes;
    } catch (error) {
      throw this.#over(error);
    }
  }

  // The answer's body; only for an answer that can have one.
  body(length) {
    if (this.#whole && this.#signal === null)
      return { kind: "bytes", value: this.#takeRest(), type: null, length, used: false, stream: undefined };
    return use("body").fromSource(
      {
        pull: () => this.#pull(),
        collect: () => this.#collect(),
        cancel: () => this.cancel(),
        length,
      },
      length,
    );
  }

  // Nobody wants the rest.
  cancel() {
    if (this.#fetch !== undefined) op_fetch_cancel(this.#fetch);
    this.#rest = undefined;
    this.#over();
  }
}

// ---- answers and redirects ----

function responseOf(exchange, head, hop, count) {
  const { status, reason, headers } = head;
  let body = null;
  if (!NULL_BODY.has(status) && hop.method !== "HEAD") {
    if (headers.has("content-encoding")) {
      headers.delete("content-encoding");
      headers.delete("content-length");
    }
    const length = headers.get("content-length");
    body = exchange.body(length !== null && /^[0-9]{1,15}$/.test(length) ? Number(length) : undefined);
  } else exchange.cancel();
  return use("response").makeResponse({
    status,
    statusText: reason,
    headers: use("headers").freeze(headers),
    body,
    url: hop.url,
    redirected: count > 0,
  });
}

function parse(url, base) {
  try {
    return new (use("url").URL)(url, base);
  } catch {
    throw failed(`redirected to an invalid URL: ${url}`);
  }
}

// "HTTP-redirect fetch": changes the hop into the next one.
function redirect(hop, status, location) {
  const from = parse(hop.url);
  const to = parse(location, hop.url);
  if (to.protocol !== "http:" && to.protocol !== "https:")
    throw failed(`redirected to ${to.protocol}, which cannot be fetched`);
  if (status !== 303 && hop.body !== null && !isWhole(hop.body))
    throw failed(`redirected with status ${status}, but the request's body is a stream and cannot be sent again`);
  const { method, headers } = hop;
  if ((status <= 302 && method === "POST") || (status === 303 && method !== "GET" && method !== "HEAD")) {
    hop.method = "GET";
    hop.body = null;
    for (const name of OF_BODY) headers.delete(name);
  }
  if (from.origin !== to.origin) for (const name of OF_ORIGIN) headers.delete(name);
  to.hash = "";
  hop.url = to.href;
}

function refusal({ redirect }, { url }, location, count) {
  if (redirect === "error") return `${url} redirects, and redirect is "error"`;
  return location !== null && count === REDIRECTS_MAX ? `more than ${REDIRECTS_MAX} redirects` : undefined;
}

async function follow(inner) {
  const hash = inner.getUrl().indexOf("#");
  const hop = {
    method: inner.method,
    url: hash < 0 ? inner.url : inner.url.slice(0, hash),
    headers: new (use("headers").Headers)(inner.getHeaders()),
    body: inner.body,
  };
  for (let count = 0; ; count++) {
    const exchange = new Exchange(inner.signal);
    const head = await exchange.start(hop);
    const isRedirect = REDIRECT.has(head.status) && inner.redirect !== "manual";
    const location = isRedirect ? head.headers.get("location") : null;
    const refused = isRedirect ? refusal(inner, hop, location, count) : undefined;
    if (refused !== undefined) {
      exchange.cancel();
      throw failed(refused);
    }
    if (location === null) return responseOf(exchange, head, hop, count);
    exchange.cancel();
    redirect(hop, head.status, location);
  }
}

// ---- data: URLs (Fetch 6, "data: URL processor") ----

function percentDecode(text) {
  const out = new Uint8Array(text.length);
  let length = 0;
  for (let i = 0; i < text.length; i++) {
    const hex = text[i] === "%" ? /^[0-9a-f]{2}/i.exec(text.slice(i + 1, i + 3)) : null;
    out[length++] = hex === null ? text.charCodeAt(i) : parseInt(hex[0], 16);
    if (hex !== null) i += 2;
  }
  return out.subarray(0, length);
}

function fromBase64(bytes) {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  try {
    return Uint8Array.from(use("base64").atob(text), (c) => c.charCodeAt(0));
  } catch {
    throw failed("the data: URL is not valid base64");
  }
}

function fromData(url) {
  const hash = url.indexOf("#");
  const text = url.slice(5, hash < 0 ? undefined : hash);
  const comma = text.indexOf(",");
  if (comma < 0) throw failed("the data: URL has no comma");
  let type = text.slice(0, comma).trim();
  let bytes = percentDecode(text.slice(comma + 1));
  const base64 = /; *base64$/i.exec(type);
  if (base64 !== null) {
    type = type.slice(0, base64.index);
    bytes = fromBase64(bytes);
  }
  if (type.startsWith(";")) type = `text/plain${type}`;
  if (!/^[!#$%&'*+\-.^_`|~0-9a-z]+\/[!#$%&'*+\-.^_`|~0-9a-z]+ *(;|$)/i.test(type)) type = "text/plain;charset=US-ASCII";
  return use("response").makeResponse({
    statusText: "OK",
    headers: use("headers").freeze(use("headers").fromList(["content-type", type])),
    body: { kind: "bytes", value: bytes.slice(), type: null, length: undefined, used: false, stream: undefined },
    url: hash < 0 ? url : url.slice(0, hash),
  });
}

// ---- fetch ----

// A method has no [[Construct]] and keeps its name.
Object.assign(exports, {
  async fetch(input, init = undefined) {
    const { Request, requestInner } = use("request");
    const inner = requestInner(new Request(input, init));
    const { signal, url, body } = inner;
    if (signal !== null && signal.aborted) {
      if (body !== null && !isWhole(body)) quietly(use("body").reader(body).cancel, signal.reason);
      throw signal.reason;
    }
    if (url.startsWith("data:")) return fromData(url);
    if (!url.startsWith("http:") && !url.startsWith("https:"))
      throw failed(`cannot fetch a URL of the scheme ${url.slice(0, url.indexOf(":") + 1)}`);
    return follow(inner);
  },
});
