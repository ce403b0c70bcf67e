// A worker's own files as a binding: env.ASSETS.fetch(request). What is answered is decided in C, as for
// requests from outside (op_assets.c); here it becomes a Response whose body is read when it is wanted.

const { completion } = use("core");
const { finish, need } = use("webidl");
const { makeResponse } = use("response");
const { requestInner } = use("request");
const { freeze, fromText, toText } = use("headers");
const { op_assets_fetch, op_assets_read } = ops;

const STATUS_TEXTS = {
  __proto__: null,
  200: "OK", 206: "Partial Content", 301: "Moved Permanently", 302: "Found", 303: "See Other", 304: "Not Modified",
  307: "Temporary Redirect", 308: "Permanent Redirect", 404: "Not Found", 405: "Method Not Allowed",
  414: "URI Too Long", 416: "Range Not Satisfiable",
};
const NEW = {};

function bodyOf(reading, length) {
  let left = length;
  const pull = async () => {
    if (left === 0) return undefined;
    const part = await completion((id) => op_assets_read(id, reading));
    left -= part.length;
    return part;
  };
  const collect = async () => {
    const all = new Uint8Array(left);
    for (let at = 0, part; (part = await pull()) !== undefined; at += part.length) all.set(part, at);
    return all;
  };
  const text = async () => use("encoding").decode(await collect());
  return use("body").fromSource({ pull, collect, text, cancel: () => (left = 0), length }, length);
}

function requestOf(input, init) {
  if (init === undefined) {
    const inner = requestInner(input);
    if (inner !== undefined) return inner;
  }
  return requestInner(new (use("request_init").Request)(input, init));
}

class Fetcher {
  #native;
  constructor(token, native) {
    if (token !== NEW) throw new TypeError("Illegal constructor");
    this.#native = native;
  }
  async fetch(input, init = undefined) {
    const native = this.#native;
    need(arguments.length, 1, "Fetcher.fetch");
    const inner = requestOf(input, init);
    const url = new (use("url").URL)(inner.getUrl());
    const lines = toText(inner.getHeaders());
    const answer = op_assets_fetch(native, inner.method, url.host, url.pathname, url.search, lines);
    const [status, head, length, reading] = answer;
    const body = reading === undefined || inner.method === "HEAD" ? null : bodyOf(reading, length);
    const headers = freeze(fromText(head));
    return makeResponse({ status, statusText: STATUS_TEXTS[status] ?? "", headers, body, url: inner.getUrl() });
  }
}
finish(Fetcher, "Fetcher");

exports.bind = (native) => new Fetcher(NEW, native);
