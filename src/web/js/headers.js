// Headers (WHATWG Fetch 5.1). A list is a flat array: name, value, name, value; names lower-case.

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const BAD_VALUE = /[\0\r\n]|[^\0-\xff]/;
const PADDED = /^[\t\n\r ]|[\t\n\r ]$/;
const PLAIN_LOWER = /^[a-z0-9-]+$/;

const { finish, iterable, need } = use("webidl");

function nameOf(name) {
  name = `${name}`;
  if (PLAIN_LOWER.test(name)) return name;
  if (!TOKEN.test(name)) throw new TypeError(`Invalid header name: '${name}'`);
  return name.toLowerCase();
}

function valueOf(value, name) {
  value = `${value}`;
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
    if (name === "set-cookie") for (const value of byName.get(name)) rows.push([name, value]);
    else rows.push([name, byName.get(name).join(", ")]);
  }
  return rows;
}

class Headers {
  #list = [];
  #immutable = false;

  constructor(init) {
    if (init === undefined) return;
    if (init === null || (typeof init !== "object" && typeof init !== "function"))
      throw new TypeError("Failed to construct 'Headers': the provided value is not a record, a sequence or a Headers");
    if (#list in init) {
      this.#list = init.#list.slice();
      return;
    }
    const iterate = init[Symbol.iterator];
    if (iterate !== undefined && iterate !== null) {
      for (const pair of init) {
        const row = typeof pair === "object" && pair !== null ? [...pair] : [];
        if (row.length !== 2)
          throw new TypeError("Failed to construct 'Headers': each entry must be a [name, value] pair");
        this.append(row[0], row[1]);
      }
      return;
    }
    for (const key of Reflect.ownKeys(init)) {
      const property = Reflect.getOwnPropertyDescriptor(init, key);
      if (property === undefined || !property.enumerable) continue;
      if (typeof key === "symbol") throw new TypeError("Invalid header name: a symbol");
      this.append(key, init[key]);
    }
  }

  #change() {
    if (this.#immutable) throw new TypeError("Can't modify immutable headers.");
  }

  append(name, value) {
    need(arguments.length, 2, "Failed to execute \'append\' on \'Headers\'");
    name = nameOf(name);
    value = valueOf(value, name);
    this.#change();
    this.#list.push(name, value);
  }

  delete(name) {
    need(arguments.length, 1, "Failed to execute \'delete\' on \'Headers\'");
    name = nameOf(name);
    this.#change();
    const list = this.#list;
    for (let i = list.length - 2; i >= 0; i -= 2) if (list[i] === name) list.splice(i, 2);
  }

  get(name) {
    need(arguments.length, 1, "Failed to execute \'get\' on \'Headers\'");
    name = nameOf(name);
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
    need(arguments.length, 1, "Failed to execute \'getAll\' on \'Headers\'");
    if (nameOf(name) !== "set-cookie") throw new TypeError("getAll() can only be used with the header name \"Set-Cookie\".");
    const list = this.#list;
    const values = [];
    for (let i = 0; i < list.length; i += 2) if (list[i] === "set-cookie") values.push(list[i + 1]);
    return values;
  }

  has(name) {
    need(arguments.length, 1, "Failed to execute \'has\' on \'Headers\'");
    name = nameOf(name);
    const list = this.#list;
    for (let i = 0; i < list.length; i += 2) if (list[i] === name) return true;
    return false;
  }

  set(name, value) {
    need(arguments.length, 2, "Failed to execute \'set\' on \'Headers\'");
    name = nameOf(name);
    value = valueOf(value, name);
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
  static isHeaders(value) {
    return typeof value === "object" && value !== null && #list in value;
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

const { listOf, isHeaders, freeze, fromList } = Headers;
for (const name of ["listOf", "isHeaders", "freeze", "fromList"]) delete Headers[name];
finish(Headers, "Headers");
iterable(Headers, "Headers", (headers) => combined(listOf(headers)).flat());

exports.Headers = Headers;
exports.listOf = listOf;
exports.isHeaders = isHeaders;
exports.freeze = freeze;
exports.fromList = fromList;

// Lines "name: value\n" from `start` on, as ops hand them over, to a Headers. Names are lower-case already.
exports.fromText = (text, start = 0) => {
  const list = [];
  for (let at = start, end; (end = text.indexOf("\n", at)) >= 0; at = end + 1) {
    const colon = text.indexOf(": ", at);
    list.push(text.slice(at, colon), text.slice(colon + 2, end));
  }
  return fromList(list);
};

exports.toText = (headers) => {
  const list = listOf(headers);
  let text = "";
  for (let i = 0; i < list.length; i += 2) text += `${list[i]}: ${list[i + 1]}\n`;
  return text;
};
