// What response.js leaves to its first use: construction with init, headers, clone, statics.

const { Inner, Response, responseInner } = use("response");
const headersFile = use("headers");
const { Headers } = headersFile;
const { named } = use("webidl");

const NULL_BODY = new Set([101, 204, 205, 304]);
const REDIRECT = new Set([301, 302, 303, 307, 308]);
const REASON = /^[\t \x21-\x7e\x80-\xff]*$/;
// Said by the server itself, never by a worker.
const SERVER_ONLY = new Set(["connection", "content-length", "keep-alive", "transfer-encoding", "upgrade"]);

// Content-Type comes from the body as long as no Headers was made.
exports.makeHeaders = (inner) => {
  const type = inner.body === null ? null : inner.body.type;
  return (inner.headers = headersFile.fromList(type === null ? [] : ["content-type", type]));
};

exports.wireHead = (inner) => {
  if (inner.kind === "error")
    throw new TypeError("Response.error() stands for a failed fetch: it cannot be sent to a client.");
  const list = headersFile.listOf(inner.getHeaders());
  let head = "";
  for (let i = 0; i < list.length; i += 2)
    if (!SERVER_ONLY.has(list[i])) head += `${list[i]}: ${list[i + 1]}\r\n`;
  return head;
};

function statusOf(status) {
  const integer = Math.trunc(Number(status));
  if (integer === 101)
    throw new RangeError(
      "A Response with status 101 takes a WebSocket: " +
        "new Response(null, { status: 101, webSocket: client }), client being one of a WebSocketPair.",
    );
  if (!(integer >= 200 && integer <= 599))
    throw new RangeError(
      `Responses may only be constructed with status codes in the range 200 to 599, inclusive, but ${status} was given.`,
    );
  return integer;
}

// A WebSocket that this Response carries to the client, by the status 101.
function takeWebSocket(inner, body, { status, webSocket }) {
  if (!use("core").loaded("websocket")?.isWebSocket(webSocket))
    throw new TypeError("Failed to construct 'Response': webSocket is not a WebSocket");
  if (Number(status) !== 101) throw new RangeError("Responses with a WebSocket must have status code 101.");
  if (body !== undefined && body !== null) throw new TypeError("A Response with a WebSocket cannot have a body.");
  inner.status = 101;
  inner.webSocket = webSocket;
}

// On the class it would cost every isolate.
Object.defineProperty(Response.prototype, "webSocket", {
  get: named("get webSocket", function () {
    const inner = responseInner(this);
    if (inner === undefined) throw new TypeError("Illegal invocation");
    return inner.webSocket ?? null;
  }),
  enumerable: true,
  configurable: true,
});

// "Initialize a response" (Fetch 5.5).
exports.fill = (inner, body, init) => {
  if (init !== undefined && init !== null) {
    if (typeof init !== "object" && typeof init !== "function")
      throw new TypeError("Failed to construct 'Response': init must be an object");
    const { webSocket } = init;
    if (webSocket !== undefined && webSocket !== null) takeWebSocket(inner, body, init);
    else if (init.status !== undefined) inner.status = statusOf(init.status);
    if (init.statusText !== undefined) {
      inner.statusText = `${init.statusText}`;
      if (!REASON.test(inner.statusText)) throw new TypeError("Invalid statusText");
    }
    if (init.headers !== undefined) inner.headers = new Headers(init.headers);
  }
  if (body === undefined || body === null) return;
  if (NULL_BODY.has(inner.status))
    throw new TypeError(`Response with null body status (${inner.status}) cannot have a body.`);
  inner.body = use("body").extract(body);
  if (inner.headers !== null && inner.body.type !== null && !inner.headers.has("content-type"))
    inner.headers.append("content-type", inner.body.type);
};

exports.clone = (from) => {
  if (from.status === 101) throw new TypeError("A Response with a WebSocket cannot be cloned.");
  const copy = new Inner();
  for (const name of ["status", "statusText", "url", "redirected", "kind"]) copy[name] = from[name];
  copy.headers = new Headers(from.getHeaders());
  copy.body = use("body").clone(from.body);
  return copy;
};

exports.error = () => {
  const inner = new Inner();
  inner.kind = "error";
  inner.status = 0;
  inner.headers = headersFile.freeze(headersFile.fromList([]));
  return inner;
};

exports.json = (data, init) => {
  const text = JSON.stringify(data);
  if (text === undefined) throw new TypeError("Response.json(): the value is not JSON serializable");
  const inner = new Inner();
  exports.fill(inner, undefined, init);
  if (NULL_BODY.has(inner.status))
    throw new TypeError(`Response with null body status (${inner.status}) cannot have a body.`);
  inner.body = use("body").extract(text);
  inner.body.type = "application/json";
  if (inner.headers !== null && !inner.headers.has("content-type"))
    inner.headers.append("content-type", "application/json");
  return inner;
};

exports.redirect = (url, status = 302) => {
  const parsed = new (use("url").URL)(url);
  if (!REDIRECT.has(status))
    throw new RangeError(`Failed to execute 'redirect' on 'Response': invalid status code ${status}`);
  const inner = new Inner();
  inner.status = status;
  inner.headers = headersFile.freeze(headersFile.fromList(["location", parsed.href]));
  return inner;
};
