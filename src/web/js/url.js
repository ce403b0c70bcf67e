// URL and URLSearchParams (WHATWG URL 6). A URL is its string and the offsets of its parts, which
// op_url_parse leaves in `offsets`; url.h has the drawing.

const { op_url_parse, op_url_can_parse, op_url_set, op_url_origin, op_url_percent_decode, op_url_offsets } = ops;
const { finish, iterable, need } = use("webidl");

const offsets = op_url_offsets();

// enum url_part of url.h
const PROTOCOL = 1, USERNAME = 2, PASSWORD = 3, HOST = 4, HOSTNAME = 5, PORT = 6, PATHNAME = 7, SEARCH = 8, HASH = 9;
const TUPLE_ORIGIN = new Set(["http:", "https:", "ws:", "wss:", "ftp:"]);

// To a USVString; ops take only such.
const usv = (value) => `${value}`.toWellFormed();

// ---- application/x-www-form-urlencoded ----

const FORM_PLAIN = /^[A-Za-z0-9*\-._]*$/;
const FORM_EXTRA = /[!'()~]|%20/g;
const FORM_ESCAPES = { __proto__: null, "!": "%21", "'": "%27", "(": "%28", ")": "%29", "~": "%7E", "%20": "+" };

function decodeForm(text) {
  if (text.includes("+")) text = text.replaceAll("+", " ");
  if (!text.includes("%")) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    return op_url_percent_decode(text);
  }
}

function encodeForm(text) {
  if (FORM_PLAIN.test(text)) return text;
  return encodeURIComponent(text).replace(FORM_EXTRA, (found) => FORM_ESCAPES[found]);
}

// "a=1&b=2" as a flat list: name, value, name, value.
function parseForm(text) {
  text = text.toWellFormed();
  const list = [];
  const decode = text.includes("%") || text.includes("+") ? decodeForm : (part) => part;
  const { length } = text;
  for (let at = 0, end, equals = -1; at < length; at = end + 1) {
    end = text.indexOf("&", at);
    if (end < 0) end = length;
    if (end === at) continue;
    if (equals < at && (equals = text.indexOf("=", at)) < 0) equals = length;
    const nameEnd = equals < end ? equals : end;
    list.push(decode(text.slice(at, nameEnd)), nameEnd === end ? "" : decode(text.slice(nameEnd + 1, end)));
  }
  return list;
}

function serializeForm(list) {
  let text = "";
  for (let i = 0; i < list.length; i += 2)
    text += `${i > 0 ? "&" : ""}${encodeForm(list[i])}=${encodeForm(list[i + 1])}`;
  return text;
}

// ---- URLSearchParams ----

function listFromSequence(init) {
  const list = [];
  for (const pair of init) {
    if ((typeof pair !== "object" && typeof pair !== "function") || pair === null)
      throw new TypeError("new URLSearchParams: each entry must be a [name, value] pair");
    const row = [...pair];
    if (row.length !== 2) throw new TypeError("new URLSearchParams: each entry must be a [name, value] pair");
    list.push(usv(row[0]), usv(row[1]));
  }
  return list;
}

function listFromRecord(init) {
  const found = new Map();
  for (const key of Reflect.ownKeys(init)) {
    const property = Reflect.getOwnPropertyDescriptor(init, key);
    if (property !== undefined && property.enumerable) found.set(usv(key), usv(init[key]));
  }
  const list = [];
  found.forEach((value, name) => list.push(name, value));
  return list;
}

function listFrom(init) {
  if ((typeof init !== "object" && typeof init !== "function") || init === null) {
    const text = `${init}`;
    return parseForm(text[0] === "?" ? text.slice(1) : text);
  }
  const iterator = init[Symbol.iterator];
  if (iterator === undefined || iterator === null) return listFromRecord(init);
  if (typeof iterator !== "function") throw new TypeError("new URLSearchParams: the value is not iterable");
  return listFromSequence(init);
}

let paramsOf, paramsReset, paramsList, setQuery, partsOf;

class URLSearchParams {
  #list;
  #url = null;

  constructor(init = "") {
    this.#list = listFrom(init);
  }

  get size() {
    return this.#list.length / 2;
  }

  append(name, value) {
    const list = this.#list;
    need(arguments.length, 2, "URLSearchParams.append");
    list.push(usv(name), usv(value));
    this.#changed();
  }

  delete(name, value = undefined) {
    const list = this.#list;
    need(arguments.length, 1, "URLSearchParams.delete");
    name = usv(name);
    if (value !== undefined) value = usv(value);
    let kept = 0;
    for (let i = 0; i < list.length; i += 2) {
      if (list[i] === name && (value === undefined || list[i + 1] === value)) continue;
      list[kept++] = list[i];
      list[kept++] = list[i + 1];
    }
    list.length = kept;
    this.#changed();
  }

  get(name) {
    const list = this.#list;
    need(arguments.length, 1, "URLSearchParams.get");
    name = usv(name);
    for (let i = 0; i < list.length; i += 2) if (list[i] === name) return list[i + 1];
    return null;
  }

  getAll(name) {
    const list = this.#list;
    need(arguments.length, 1, "URLSearchParams.getAll");
    name = usv(name);
    const values = [];
    for (let i = 0; i < list.length; i += 2) if (list[i] === name) values.push(list[i + 1]);
    return values;
  }

  has(name, value = undefined) {
    const list = this.#list;
    need(arguments.length, 1, "URLSearchParams.has");
    name = usv(name);
    if (value !== undefined) value = usv(value);
    for (let i = 0; i < list.length; i += 2)
      if (list[i] === name && (value === undefined || list[i + 1] === value)) return true;
    return false;
  }

  set(name, value) {
    const list = this.#list;
    need(arguments.length, 2, "URLSearchParams.set");
    name = usv(name);
    value = usv(value);
    let kept = 0;
    let found = false;
    for (let i = 0; i < list.length; i += 2) {
      const same = list[i] === name;
      if (same && found) continue;
      list[kept++] = list[i];
      list[kept++] = same ? value : list[i + 1];
      found ||= same;
    }
    list.length = kept;
    if (!found) list.push(name, value);
    this.#changed();
  }

  sort() {
    const list = this.#list;
    const rows = [];
    for (let i = 0; i < list.length; i += 2) rows.push([list[i], list[i + 1]]);
    rows.sort((a, b) => (a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0));
    for (let i = 0; i < rows.length; i++) {
      list[2 * i] = rows[i][0];
      list[2 * i + 1] = rows[i][1];
    }
    this.#changed();
  }

  toString() {
    return serializeForm(this.#list);
  }

  #changed() {
    if (this.#url !== null) setQuery(this.#url, serializeForm(this.#list));
  }

  static {
    paramsOf = (url, search) => {
      const params = new URLSearchParams(search);
      params.#url = url;
      return params;
    };
    paramsReset = (params, search) => {
      const fresh = listFrom(search);
      const list = params.#list;
      list.length = fresh.length;
      for (let i = 0; i < fresh.length; i++) list[i] = fresh[i];
    };
    paramsList = (params) => params.#list;
  }
}

iterable(URLSearchParams, "URLSearchParams", paramsList);
finish(URLSearchParams, "URLSearchParams");

// ---- URL ----

const INTERNAL = Symbol("internal");

// A URL that is written as the parser would write it, as most are, needs no parser: PLAIN matches
// those. Hosts that IDNA or the IPv4 parser would look at, default ports, user names and segments
// that begin with a dot or an escape are left to the parser. A path that is missing is "/".
const PLAIN_LENGTH_MAX = 2048;
const HOST_PLAIN = /^https?:\/\/(?:(?!xn--)[a-z0-9-]+\.)*(?!xn--)[a-z][a-z0-9-]*/;
const PORT_PLAIN = /(?::(?!(?:80|443)(?:\/|$))[1-9][0-9]{0,3})?(?=\/|$)/;
const PATH_PLAIN = /(?:\/(?:[!$&'()*+,\-0-9:;=@A-Z[\]_a-z|~][!$%&'()*+,\-.0-9:;=@A-Z[\]_a-z|~]*)?)*/;
const QUERY_PLAIN = /(?:\?[!$-&(-;=?-~]*)?(?:#[!#-;=?-_a-~]*)?$/;
const PLAIN = new RegExp(HOST_PLAIN.source + PORT_PLAIN.source + PATH_PLAIN.source + QUERY_PLAIN.source);
// A path from the root of a base, for which the same holds.
const PLAIN_PATH = new RegExp(`^(?=\\/)(?!\\/\\/)${PATH_PLAIN.source}${QUERY_PLAIN.source}`);

const isPlain = (text) => text.length <= PLAIN_LENGTH_MAX && PLAIN.test(text);

// The base of the call before, which tends to be the one of this call.
let lastBase, lastParsed;

function refuse(input, base) {
  throw new TypeError(`Invalid URL: '${input}'${base === undefined ? "" : ` with base '${base}'`}`);
}

class URL {
  #href;
  #protocolEnd;
  #usernameEnd;
  #passwordEnd;
  #hostStart;
  #hostEnd;
  #pathStart;
  #queryStart;
  #fragmentStart;
  #params = null;

  constructor(url, base = undefined) {
    if (base === INTERNAL) return this.#take(url);
    if (typeof url === "string" && (base === undefined ? this.#takePlain(url) : this.#takePlainPath(url, base))) return;
    need(arguments.length, 1, "new URL");
    const input = usv(url);
    if (base !== undefined) base = usv(base);
    const href = op_url_parse(input, base);
    if (href === undefined) refuse(input, base);
    this.#take(href);
  }

  static parse(url, base = undefined) {
    need(arguments.length, 1, "URL.parse");
    const href = op_url_parse(usv(url), base === undefined ? base : usv(base));
    return href === undefined ? null : new URL(href, INTERNAL);
  }

  static createObjectURL(blob) {
    need(arguments.length, 1, "URL.createObjectURL");
    return use("fetch_local").createObjectURL(blob);
  }

  static revokeObjectURL(url) {
    need(arguments.length, 1, "URL.revokeObjectURL");
    use("fetch_local").revokeObjectURL(url);
  }

  static canParse(url, base = undefined) {
    if (base === undefined && typeof url === "string" && isPlain(url)) return true;
    need(arguments.length, 1, "URL.canParse");
    return op_url_can_parse(usv(url), base === undefined ? base : usv(base));
  }

  #take(href) {
    this.#href = href;
    this.#protocolEnd = offsets[0];
    this.#usernameEnd = offsets[1];
    this.#passwordEnd = offsets[2];
    this.#hostStart = offsets[3];
    this.#hostEnd = offsets[4];
    this.#pathStart = offsets[5];
    this.#queryStart = offsets[6];
    this.#fragmentStart = offsets[7];
  }

  #takePlain(text) {
    if (!isPlain(text)) return false;
    const protocolEnd = text[4] === ":" ? 5 : 6;
    const slash = text.indexOf("/", 8), colon = text.indexOf(":", 8);
    const pathStart = slash < 0 ? text.length : slash;
    this.#protocolEnd = protocolEnd;
    this.#usernameEnd = this.#passwordEnd = this.#hostStart = protocolEnd + 2;
    this.#hostEnd = colon > 0 && colon < pathStart ? colon : pathStart;
    this.#takeFrom(slash < 0 ? `${text}/` : text, pathStart);
    return true;
  }

  #takePlainPath(path, base) {
    if (typeof base !== "string" || path.length > PLAIN_LENGTH_MAX || !PLAIN_PATH.test(path)) return false;
    if (base !== lastBase) {
      if (base.length > PLAIN_LENGTH_MAX) return false;
      const href = op_url_parse(usv(base));
      if (href === undefined || !TUPLE_ORIGIN.has(href.slice(0, offsets[0]))) return false;
      lastParsed = new URL(href, INTERNAL);
      lastBase = base;
    }
    const from = lastParsed;
    this.#protocolEnd = from.#protocolEnd;
    this.#usernameEnd = from.#usernameEnd;
    this.#passwordEnd = from.#passwordEnd;
    this.#hostStart = from.#hostStart;
    this.#hostEnd = from.#hostEnd;
    this.#takeFrom(from.#href.slice(0, from.#pathStart) + path, from.#pathStart);
    return true;
  }

  #takeFrom(href, pathStart) {
    const hash = href.indexOf("#", pathStart), mark = href.indexOf("?", pathStart);
    const fragmentStart = hash < 0 ? href.length : hash;
    this.#href = href;
    this.#pathStart = pathStart;
    this.#queryStart = mark >= 0 && mark < fragmentStart ? mark : fragmentStart;
    this.#fragmentStart = fragmentStart;
  }

  #set(part, value) {
    const href = op_url_set(this.#href, part, usv(value));
    if (href !== undefined) this.#take(href);
  }

  // Where the port ends; a URL without a host may have "/." before its path.
  #portEnd() {
    return this.#hostStart > this.#protocolEnd ? this.#pathStart : this.#hostEnd;
  }

  get href() {
    return this.#href;
  }
  set href(value) {
    this.#href;
    const href = op_url_parse((value = usv(value)), undefined);
    if (href === undefined) refuse(value);
    this.#take(href);
    if (this.#params !== null) paramsReset(this.#params, this.search);
  }

  get origin() {
    const protocol = this.#href.slice(0, this.#protocolEnd);
    if (TUPLE_ORIGIN.has(protocol)) return `${protocol}//${this.host}`;
    return protocol === "blob:" ? op_url_origin(this.#href) : "null";
  }

  get protocol() {
    return this.#href.slice(0, this.#protocolEnd);
  }
  set protocol(value) {
    this.#set(PROTOCOL, value);
  }

  get username() {
    return this.#href.slice(this.#protocolEnd + 2, this.#usernameEnd);
  }
  set username(value) {
    this.#set(USERNAME, value);
  }

  get password() {
    return this.#href.slice(this.#usernameEnd + 1, this.#passwordEnd);
  }
  set password(value) {
    this.#set(PASSWORD, value);
  }

  get host() {
    return this.#href.slice(this.#hostStart, this.#portEnd());
  }
  set host(value) {
    this.#set(HOST, value);
  }

  get hostname() {
    return this.#href.slice(this.#hostStart, this.#hostEnd);
  }
  set hostname(value) {
    this.#set(HOSTNAME, value);
  }

  get port() {
    return this.#href.slice(this.#hostEnd + 1, this.#portEnd());
  }
  set port(value) {
    this.#set(PORT, value);
  }

  get pathname() {
    return this.#href.slice(this.#pathStart, this.#queryStart);
  }
  set pathname(value) {
    this.#set(PATHNAME, value);
  }

  get search() {
    return this.#fragmentStart - this.#queryStart > 1 ? this.#href.slice(this.#queryStart, this.#fragmentStart) : "";
  }
  set search(value) {
    this.#set(SEARCH, value);
    if (this.#params !== null) paramsReset(this.#params, this.search);
  }

  get searchParams() {
    return (this.#params ??= paramsOf(this, this.search));
  }

  get hash() {
    return this.#href.length - this.#fragmentStart > 1 ? this.#href.slice(this.#fragmentStart) : "";
  }
  set hash(value) {
    this.#set(HASH, value);
  }

  toString() {
    return this.#href;
  }
  toJSON() {
    return this.#href;
  }

  static {
    // As the parser keeps them: without ":", "?" and "#". undefined when that is no URL.
    partsOf = (input, base) => {
      const url = new URL(undefined, INTERNAL);
      if (base !== undefined || !url.#takePlain(input)) {
        const parsed = op_url_parse(input, base);
        if (parsed === undefined) return undefined;
        url.#take(parsed);
      }
      const href = url.#href;
      return {
        protocol: href.slice(0, url.#protocolEnd - 1),
        username: href.slice(url.#protocolEnd + 2, url.#usernameEnd),
        password: href.slice(url.#usernameEnd + 1, url.#passwordEnd),
        hostname: href.slice(url.#hostStart, url.#hostEnd),
        port: href.slice(url.#hostEnd + 1, url.#portEnd()),
        pathname: href.slice(url.#pathStart, url.#queryStart),
        search: href.slice(url.#queryStart + 1, url.#fragmentStart),
        hash: href.slice(url.#fragmentStart + 1),
      };
    };
    // `query` comes from serializeForm(), of which the parser would change nothing.
    setQuery = (url, query) => {
      const mark = query === "" ? "" : `?${query}`;
      url.#href = url.#href.slice(0, url.#queryStart) + mark + url.#href.slice(url.#fragmentStart);
      url.#fragmentStart = url.#queryStart + mark.length;
    };
  }
}

finish(URL, "URL");

exports.URL = URL;
exports.hrefOf = (text) => op_url_parse(usv(text));
exports.URLSearchParams = URLSearchParams;
exports.partsOf = partsOf;
exports.parseForm = parseForm;
exports.serializeForm = serializeForm;
