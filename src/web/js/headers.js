// Headers (WHATWG Fetch 5.1). A list is a flat array: name, value, name, value; names lower-case.

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const BAD_VALUE = /[\0\r\n]|[^\0-\xff]/;
const PADDED = /^[\t\n\r ]|[\t\n\r ]$/;
const NOT_BYTES = /[^\0-\xff]/;
const PLAIN_LOWER = /^[a-z0-9-]+$/;

const { finish, iterable, need } = use("webidl");

// ByteString (WebIDL 3.2.9) is checked with the name or value that it becomes.
function nameOf(name) {
  if (PLAIN_LOWER.test(name)) return name;
  if (!TOKEN.test(name)) throw new TypeError(`Invalid header name: '${name}'`);
  return name.toLowerCase();
}

function valueOf(value, name) {
  if (PADDED.test(value)) value = value.replace(/^[\t\n\r ]+|[\t\n\r ]+$/g, "");
  if (BAD_VALUE.test(value)) throw new TypeError(`Invalid value of header '${name}'`);
  return value;
}

// Sorted and combined as iteration shows them (Fetch 5.1, "sort and combine").
function combined(list) {
  const names = [];
  const byName = new Map();
  for (let i = 0; i < list.length; i += 2) {
    const values = byName.get(list[i]);
    if (values === undefined) {
      byName.set(list[i], [list[i + 1]]);
      names.push(list[i]);
    } else values.push(list[i + 1]);
  }
  const rows = [];
  for (const name of names.sort()) {
    if (name === "set-cookie") for (const value of byName.get(name)) rows.push(name, value);
    else rows.push(name, byName.get(name).join(", "));
  }
  return rows;
}

const bytes = (text) => {
  if (NOT_BYTES.test(text)) throw new TypeError(`Failed to construct 'Headers': '${text}' has characters above U+00FF`);
  return text;
};

// The entries of a sequence<sequence<ByteString>>, flat, converted before any of them is used.
function entriesOf(init, iterate) {
  const rows = [];
  if (typeof iterate !== "function") throw new TypeError("Failed to construct 'Headers': the value is not iterable");
  for (const pair of { [Symbol.iterator]: () => Reflect.apply(iterate, init, []) }) {
    const row = (typeof pair === "object" && pair !== null) || typeof pair === "function" ? [...pair] : [];
    if (row.length !== 2) throw new TypeError("Failed to construct 'Headers': each entry must be a [name, value] pair");
    rows.push(bytes(`${row[0]}`), bytes(`${row[1]}`));
  }
  return rows;
}

// Those of a record<ByteString, ByteString>.
function recordOf(init) {
  const rows = [];
  for (const key of Reflect.ownKeys(init)) {
    const property = Reflect.getOwnPropertyDescriptor(init, key);
    if (property === undefined || !property.enumerable) continue;
    if (typeof key === "symbol") throw new TypeError("Invalid header name: a symbol");
    const name = bytes(key);
    rows.push(name, bytes(`${init[key]}`));
  }
  return rows;
}

class Headers {
  #list = [];
  #sorted; // the list as iteration shows it, until it is changed
  #immutable = false;

  constructor(init) {
    if (init === undefined) return;
    if (init === null || (typeof init !== "object" && typeof init !== "function"))
      throw new TypeError("Failed to construct 'Headers': the provided value is not a record, a sequence or a Headers");
    const iterate = init[Symbol.iterator];
    if (iterate === ownIterator && #list in init) {
      this.#list = init.#list.slice();
      return;
    }
    const rows = iterate !== undefined && iterate !== null ? entriesOf(init, iterate) : recordOf(init);
    for (let i = 0; i < rows.length; i += 2) this.#append(rows[i], rows[i + 1]);
  }

  #change() {
    if (this.#immutable) throw new TypeError("Can't modify immutable headers.");
    this.#sorted = undefined;
  }
  #append(name, value) {
    name = nameOf(name);
    value = valueOf(value, name);
    this.#change();
    this.#list.push(name, value);
  }

  append(name, value) {
    need(arguments.length, 2, "Failed to execute 'append' on 'Headers'");
    this.#append(`${name}`, `${value}`);
  }

  delete(name) {
    need(arguments.length, 1, "Failed to execute 'delete' on 'Headers'");
    name = nameOf(`${name}`);
    this.#change();
    const list = this.#list;
    for (let i = list.length - 2; i >= 0; i -= 2) if (list[i] === name) list.splice(i, 2);
  }

  get(name) {
    need(arguments.length, 1, "Failed to execute 'get' on 'Headers'");
    name = nameOf(`${name}`);
    const list = this.#list;
    let found = null;
    for (let i = 0; i < list.length; i += 2)
      if (list[i] === name) found = found === null ? list[i + 1] : `${found}, ${list[i + 1]}`;
    return found;
  }

  getSetCookie() {
    return this.getAll("set-cookie");
  }

  // Beyond the standard, as on Workers: only for Set-Cookie.
  getAll(name) {
    need(arguments.length, 1, "Failed to execute 'getAll' on 'Headers'");
    if (nameOf(`${name}`) !== "set-cookie") throw new TypeError("getAll() can only be used with the header name \"Set-Cookie\".");
    const list = this.#list;
    const values = [];
    for (let i = 0; i < list.length; i += 2) if (list[i] === "set-cookie") values.push(list[i + 1]);
    return values;
  }

  has(name) {
    need(arguments.length, 1, "Failed to execute 'has' on 'Headers'");
    name = nameOf(`${name}`);
    const list = this.#list;
    for (let i = 0; i < list.length; i += 2) if (list[i] === name) return true;
    return false;
  }

  set(name, value) {
    need(arguments.length, 2, "Failed to execute 'set' on 'Headers'");
    name = `${name}`;
    value = valueOf(`${value}`, (name = nameOf(name)));
    this.#change();
    const list = this.#list;
    let at = -1;
    for (let i = 0; i < list.length; i += 2) {
      if (list[i] !== name) continue;
      if (at < 0) at = i;
      else {
        list.splice(i, 2);
        i -= 2;
      }
    }
    if (at < 0) list.push(name, value);
    else list[at + 1] = value;
  }

  static listOf(headers) {
    return headers.#list;
  }
  static sorted(headers) {
    return (headers.#sorted ??= combined(headers.#list));
  }
  static freeze(headers) {
    headers.#immutable = true;
    return headers;
  }
  static fromList(list) {
    const headers = new Headers();
    headers.#list = list;
    return headers;
  }
}

const { listOf, sorted, freeze, fromList } = Headers;
for (const name of ["listOf", "sorted", "freeze", "fromList"]) delete Headers[name];
finish(Headers, "Headers");
iterable(Headers, "Headers", sorted);
Object.defineProperty(Headers, "length", { value: 0, configurable: true });
const ownIterator = Headers.prototype[Symbol.iterator];

exports.Headers = Headers;
exports.listOf = listOf;
exports.freeze = freeze;
exports.fromList = fromList;

// Lines "name: value\n" from `start` on, as ops hand them over, to Headers nobody can change. Names
// are lower-case already. Cookie fields that came apart are joined as RFC 6265 5.4 writes them.
exports.fromText = (text, start) => {
  const list = [];
  let cookie = 0;
  for (let at = start, end; (end = text.indexOf("\n", at)) >= 0; at = end + 1) {
    const colon = text.indexOf(": ", at);
    const name = text.slice(at, colon);
    const value = text.slice(colon + 2, end);
    if (name !== "cookie") list.push(name, value);
    else if (cookie > 0) list[cookie] += `; ${value}`;
    else cookie = list.push(name, value) - 1;
  }
  return freeze(fromList(list));
};

// The headers of a request whose lines nobody has looked at, or that was made without any.
exports.made = (text, start) => (text === null ? new Headers() : exports.fromText(text, start));

exports.toText = (headers) => {
  const list = listOf(headers);
  let text = "";
  for (let i = 0; i < list.length; i += 2) text += `${list[i]}: ${list[i + 1]}\n`;
  return text;
};
