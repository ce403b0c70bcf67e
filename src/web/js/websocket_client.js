// WebSockets to other servers: "establish a WebSocket connection" (WHATWG WebSockets 2) for the
// constructor, and fetch() with "Upgrade: websocket".

const { completion } = use("core");
const { op_websocket_abort, op_websocket_connect, op_websocket_next } = ops;
const { NativeEnd, make } = use("websocket");

// Lines of the handshake that are ours, or that a GET without a body has no use for.
const OURS = new Set([
  "connection", "upgrade", "host", "content-length", "transfer-encoding", "expect", "keep-alive", "te", "trailer",
  "sec-websocket-accept", "sec-websocket-extensions", "sec-websocket-key", "sec-websocket-protocol", "sec-websocket-version",
]);

// Gives the native socket and a promise of its first event. `headers` is a flat list.
function connect(url, protocols, headers, wantsAnswer) {
  const tls = url.protocol === "wss:" || url.protocol === "https:";
  const port = url.port === "" ? (tls ? 443 : 80) : Number(url.port);
  let head = `GET ${url.pathname}${url.search} HTTP/1.1\r\nhost: ${url.host}\r\n`;
  for (let i = 0; i < headers.length; i += 2)
    if (!OURS.has(headers[i])) head += `${headers[i]}: ${headers[i + 1]}\r\n`;
  const socket = op_websocket_connect(tls, url.hostname, port, head, protocols, wantsAnswer);
  return { socket, first: completion((id) => op_websocket_next(socket, id)) };
}

const isAnswer = (event) => typeof event[0] === "number";

function headersOf(lines) {
  const list = [];
  for (const line of lines.split("\r\n")) {
    const colon = line.indexOf(":");
    if (colon > 0) list.push(line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim());
  }
  return use("headers").fromList(list);
}

function decode(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // a "%" that encodes nothing
  }
}

function credentialsOf({ username, password }) {
  if (username === "" && password === "") return [];
  const bytes = use("encoding").encode(`${decode(username)}:${decode(password)}`);
  return ["authorization", `Basic ${use("base64").btoa(String.fromCharCode(...bytes))}`];
}

// For the constructor. Returns a function that gives up.
exports.open = (url, protocols, { open, failed }) => {
  const { socket, first } = connect(url, protocols.join(", "), credentialsOf(url), false);
  (async () => {
    const event = await first;
    if (!isAnswer(event)) return failed(event[2]);
    const headers = headersOf(event[1]);
    open(new NativeEnd(socket), headers.get("sec-websocket-protocol") ?? "", "");
  })();
  return () => op_websocket_abort(socket);
};

// For fetch(): the answer is a Response, with the WebSocket when its status is 101.
exports.fetch = async (inner) => {
  const { URL } = use("url");
  const url = new URL(inner.getUrl());
  const list = use("headers").listOf(inner.getHeaders());
  const at = list.indexOf("sec-websocket-protocol");
  const { socket, first } = connect(url, at < 0 ? "" : list[at + 1], list, true);
  const signal = inner.follows;
  const forget = signal === null ? undefined : use("abort").onAbort(signal, () => op_websocket_abort(socket));
  const event = await first;
  forget?.();
  if (signal !== null && signal.aborted) throw signal.reason;
  if (!isAnswer(event)) throw new TypeError(`fetch failed: ${event[2]}`);
  return responseOf(socket, event, url);
};

function responseOf(socket, [status, lines, body], url) {
  url.hash = "";
  const fields = { status, url: url.href, kind: "basic" };
  if (status === 101) {
    const headers = headersOf(lines);
    const protocol = headers.get("sec-websocket-protocol") ?? "";
    fields.webSocket = make(new NativeEnd(socket), { url: url.href.replace(/^http/, "ws"), origin: url.origin, protocol });
    fields.statusText = "Switching Protocols";
    fields.headers = use("headers").freeze(headers);
  } else {
    const end = lines.indexOf("\n");
    fields.statusText = lines.slice(13, end).trim();
    fields.headers = use("headers").freeze(headersOf(lines.slice(end + 1)));
    fields.body = { kind: "bytes", value: body, type: null, length: body.length, used: false, stream: undefined };
  }
  use("response_init");
  return use("response").makeResponse(fields);
}
