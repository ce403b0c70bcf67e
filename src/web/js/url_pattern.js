// URLPattern (WHATWG URL Pattern 1). A pattern is eight components, each a small pattern of its own
// that is compiled when the URLPattern is made; url_pattern_parts.js has their language. Fixed text
// in a component is brought into the form that the URL parser gives it, by the URL parser.

const { op_url_set } = ops;
const { finish } = use("webidl");
const { partsOf } = use("url");
const { compile, escapePattern } = use("url_pattern_parts");

const exec = Function.prototype.call.bind(RegExp.prototype.exec);
const usv = (value) => `${value}`.toWellFormed();

const COMPONENTS = ["protocol", "username", "password", "hostname", "port", "pathname", "search", "hash"];
// enum url_part of url.h
const USERNAME = 2, PASSWORD = 3, HOSTNAME = 5, PORT = 6, PATHNAME = 7, SEARCH = 8, HASH = 9;
const DEFAULT_PORT = { __proto__: null, http: "80", https: "443", ws: "80", wss: "443", ftp: "21", file: "" };
const SPECIAL = Object.keys(DEFAULT_PORT);

const refuse = (what, value) => {
  throw new TypeError(`URLPattern: "${value}" is not a valid ${what}`);
};

// ---- 2.5 canonicalization: a setter of URL is the URL parser with a state override ----

const DUMMY = "https://dummy.invalid/";
const setPart = (part, value, href = DUMMY) => partsOf(op_url_set(href, part, value) ?? refuse("part of a URL", value));

const canonical = {
  protocol(value) {
    if (value === "") return value;
    return partsOf(`${value}://dummy.invalid/`)?.protocol ?? refuse("protocol", value);
  },
  username: (value) => (value === "" ? value : setPart(USERNAME, value).username),
  password: (value) => (value === "" ? value : setPart(PASSWORD, value).password),
  hostname(value) {
    if (value === "") return value;
    const { hostname } = setPart(HOSTNAME, value);
    if (hostname !== "dummy.invalid") return hostname;
    // The setter changes nothing when the value is wrong.
    if (setPart(HOSTNAME, value, "https://other.invalid/").hostname !== hostname) refuse("hostname", value);
    return hostname;
  },
  ipv6(value) {
    if (/[^0-9a-fA-F[\]:]/.test(value)) refuse("IPv6 address", value);
    return value.toLowerCase();
  },
  // The default port of `protocol` is the empty string.
  port(value, protocol = "https") {
    if (value === "") return value;
    const scheme = DEFAULT_PORT[protocol] ? protocol : "x";
    const { port } = setPart(PORT, value, `${scheme}://dummy.invalid:1/`);
    if (port === "1" && setPart(PORT, value, `${DUMMY.slice(0, -1)}:2/`).port !== port) refuse("port", value);
    return port;
  },
  pathname(value) {
    if (value === "") return value;
    // A slash that is added must not become part of "//", nor a ".." behind it be removed.
    return value[0] === "/" ? setPart(PATHNAME, value).pathname : setPart(PATHNAME, `/-${value}`).pathname.slice(2);
  },
  opaquePathname(value) {
    if (value === "") return value;
    // The dashes keep a slash at the begin and blanks at the end from meaning something else.
    const { pathname } = partsOf(`x:-${value}-`) ?? refuse("path", value);
    return /[?#]/.test(value) ? pathname.slice(1) : pathname.slice(1, -1);
  },
  search: (value) => (value === "" ? value : setPart(SEARCH, `?${value}`).search),
  hash: (value) => (value === "" ? value : setPart(HASH, `#${value}`).hash),
};

// ---- 1.1 URLPatternInit ----

const stripEnd = (value) => (value.endsWith(":") ? value.slice(0, -1) : value);
const stripStart = (value, char) => (value[0] === char ? value.slice(1) : value);

// WebIDL's conversion to the dictionary; its members in their order.
function toInit(value) {
  const init = {};
  if (value === undefined || value === null) return init;
  for (const name of ["baseURL", "hash", "hostname", "password", "pathname", "port", "protocol", "search", "username"]) {
    const member = value[name];
    if (member !== undefined) init[name] = usv(member);
  }
  return init;
}

const isObject = (value) => typeof value === "object" || typeof value === "function";
const toInput = (value) => (value === undefined || value === null || isObject(value) ? toInit(value) : usv(value));

// What is taken from the base URL: each component but those after one that is given.
function inherit(result, init, base, isPattern) {
  const has = (...names) => names.some((name) => init[name] !== undefined);
  const take = (name) => (result[name] = isPattern ? escapePattern(base[name]) : base[name]);
  if (!has("protocol")) take("protocol");
  if (!isPattern && !has("protocol", "hostname", "port", "username")) take("username");
  if (!isPattern && !has("protocol", "hostname", "port", "username", "password")) take("password");
  if (has("protocol", "hostname")) return;
  take("hostname");
  if (has("port")) return;
  take("port");
  if (has("pathname")) return;
  take("pathname");
  if (has("search")) return;
  take("search");
  if (!has("hash")) take("hash");
}

const isAbsolute = (path, isPattern) => path[0] === "/" || (isPattern && (path.startsWith("\\/") || path.startsWith("{/")));

function resolvePath(path, base, isPattern) {
  const isOpaque = !DEFAULT_PORT[base.protocol] && base.pathname[0] !== "/" && base.protocol !== "file";
  if (isOpaque || isAbsolute(path, isPattern)) return path;
  const from = isPattern ? escapePattern(base.pathname) : base.pathname;
  return from.slice(0, from.lastIndexOf("/") + 1) + path;
}

// "Process a URLPatternInit": for a pattern, or for a URL that is given in pieces.
function processInit(init, isPattern) {
  const result = isPattern
    ? {}
    : { protocol: "", username: "", password: "", hostname: "", port: "", pathname: "", search: "", hash: "" };
  let base;
  if (init.baseURL !== undefined) {
    base = partsOf(init.baseURL) ?? refuse("base URL", init.baseURL);
    inherit(result, init, base, isPattern);
  }
  const set = (name, strip, convert) => {
    if (init[name] === undefined) return;
    const value = strip(init[name]);
    result[name] = isPattern ? value : convert(value);
  };
  const same = (value) => value;
  set("protocol", stripEnd, canonical.protocol);
  set("username", same, canonical.username);
  set("password", same, canonical.password);
  set("hostname", same, canonical.hostname);
  const protocol = result.protocol ?? "";
  set("port", same, (value) => canonical.port(value, protocol));
  set(
    "pathname",
    (value) => (base === undefined ? value : resolvePath(value, base, isPattern)),
    protocol === "" || protocol in DEFAULT_PORT ? canonical.pathname : canonical.opaquePathname,
  );
  set("search", (value) => stripStart(value, "?"), canonical.search);
  set("hash", (value) => stripStart(value, "#"), canonical.hash);
  return result;
}

// ---- compiling ----

const matches = (component, input) =>
  component.kind === "any" || (component.kind === "fixed" ? component.fixed === input : exec(component.regexp(), input) !== null);
const isSpecial = (protocol) => SPECIAL.some((scheme) => matches(protocol, scheme));
const isIPv6 = (pattern) => pattern.length > 1 && (pattern[0] === "[" || pattern.startsWith("{[") || pattern.startsWith("\\["));

function compileAll(init, ignoreCase) {
  const text = (name) => init[name] ?? "*";
  const plain = { delimiter: "", prefix: "", ignoreCase: false };
  const cased = { ...plain, ignoreCase };
  const protocol = compile(text("protocol"), plain, canonical.protocol);
  const hostname = text("hostname");
  const port = init.port !== undefined && init.port === DEFAULT_PORT[init.protocol] ? "" : text("port");
  return {
    protocol,
    username: compile(text("username"), plain, canonical.username),
    password: compile(text("password"), plain, canonical.password),
    hostname: compile(
      hostname,
      { delimiter: ".", prefix: "", ignoreCase: false },
      isIPv6(hostname) ? canonical.ipv6 : canonical.hostname,
    ),
    port: compile(port, plain, (value) => canonical.port(value, "")),
    pathname: isSpecial(protocol)
      ? compile(text("pathname"), { delimiter: "/", prefix: "/", ignoreCase }, canonical.pathname)
      : compile(text("pathname"), cased, canonical.opaquePathname),
    search: compile(text("search"), cased, canonical.search),
    hash: compile(text("hash"), cased, canonical.hash),
  };
}

function parseString(text, baseURL) {
  const init = use("url_pattern_string").parseString(text, (protocol) =>
    isSpecial(compile(protocol, { delimiter: "", prefix: "", ignoreCase: false }, canonical.protocol)),
  );
  if (baseURL !== undefined) init.baseURL = baseURL;
  else if (init.protocol === undefined)
    throw new TypeError(`new URLPattern: "${text}" has no protocol; give a base URL, or { pathname: ... }`);
  return init;
}

// WebIDL's choice between (input, baseURL, options) and (input, options).
function argumentsOf(count, input, second, options) {
  const isBase = count > 2 || (second !== undefined && second !== null && !isObject(second));
  const given = toInput(input);
  const baseURL = isBase ? usv(second) : undefined;
  const settings = isBase ? options : second;
  if (settings !== undefined && settings !== null && !isObject(settings))
    throw new TypeError("new URLPattern: the options are not an object");
  return { given, baseURL, ignoreCase: Boolean(settings?.ignoreCase) };
}

// ---- matching ----

// The components to match and what exec() tells as `inputs`; undefined when there is no URL.
function subjectOf(input, baseURL) {
  if (typeof input === "string") {
    const parts = partsOf(input, baseURL);
    return parts && { parts, inputs: baseURL === undefined ? [input] : [input, baseURL] };
  }
  if (baseURL !== undefined) throw new TypeError("URLPattern: a base URL goes with a string; use { baseURL } in the object");
  try {
    return { parts: processInit(input, false), inputs: [input] };
  } catch {
    return undefined;
  }
}

function resultOf(component, input) {
  const groups = {};
  if (component.kind === "any") groups[component.names[0]] = input;
  else if (component.kind === "fixed") {
    if (component.fixed !== input) return undefined;
  } else {
    const found = exec(component.regexp(), input);
    if (found === null) return undefined;
    for (let i = 1; i < found.length; i++) groups[component.names[i - 1]] = found[i];
  }
  return { input, groups };
}

class URLPattern {
  #components;

  constructor(input = undefined, baseURL = undefined, options = undefined) {
    const { given, baseURL: base, ignoreCase } = argumentsOf(arguments.length, input, baseURL, options);
    if (typeof given !== "string" && base !== undefined)
      throw new TypeError("new URLPattern: a base URL goes with a string; use { baseURL } in the object");
    const init = typeof given === "string" ? parseString(given, base) : given;
    this.#components = compileAll(processInit(init, true), ignoreCase);
  }

  test(input = undefined, baseURL = undefined) {
    const components = this.#components;
    const subject = subjectOf(toInput(input), baseURL === undefined ? undefined : usv(baseURL));
    if (subject === undefined) return false;
    for (const name of COMPONENTS) if (!matches(components[name], subject.parts[name])) return false;
    return true;
  }

  exec(input = undefined, baseURL = undefined) {
    const components = this.#components;
    const subject = subjectOf(toInput(input), baseURL === undefined ? undefined : usv(baseURL));
    if (subject === undefined) return null;
    const result = { inputs: subject.inputs };
    for (const name of COMPONENTS)
      if ((result[name] = resultOf(components[name], subject.parts[name])) === undefined) return null;
    return result;
  }

  get protocol() {
    return this.#components.protocol.text;
  }
  get username() {
    return this.#components.username.text;
  }
  get password() {
    return this.#components.password.text;
  }
  get hostname() {
    return this.#components.hostname.text;
  }
  get port() {
    return this.#components.port.text;
  }
  get pathname() {
    return this.#components.pathname.text;
  }
  get search() {
    return this.#components.search.text;
  }
  get hash() {
    return this.#components.hash.text;
  }
  get hasRegExpGroups() {
    const components = this.#components;
    return COMPONENTS.some((name) => components[name].hasRegexp);
  }
}

finish(URLPattern, "URLPattern");

exports.URLPattern = URLPattern;
