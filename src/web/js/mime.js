// MIME types (WHATWG MIME Sniffing 4): parsing, serializing, and what a Content-Type header says
// (Fetch 2.2.2, "extract a MIME type"). A type is { essence, parameters }.

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const QUOTABLE = /^[\t\x20-\x7e\x80-\xff]*$/;
const trim = (text) => text.replace(/^[\t\n\r ]+|[\t\n\r ]+$/g, "");
const trimEnd = (text) => text.replace(/[\t\n\r ]+$/, "");

// "Collect an HTTP quoted string" at the quote at `at`: [its value, where it ends].
function quoted(text, at) {
  let value = "";
  for (at++; at < text.length && text[at] !== '"'; at++) {
    if (text[at] === "\\" && at + 1 < text.length) at++;
    value += text[at];
  }
  return [value, at + 1];
}

const indexOf = (text, wanted, from) => {
  const at = text.indexOf(wanted, from);
  return at < 0 ? text.length : at;
};

// Parameters behind the essence; the first of a name counts.
function parseParameters(text, at) {
  const parameters = new Map();
  while (at < text.length) {
    const end = indexOf(text, ";", ++at);
    const equals = indexOf(text, "=", at);
    if (equals >= end) {
      at = end;
      continue;
    }
    const name = text.slice(at, equals).replace(/^[\t\n\r ]+/, "").toLowerCase();
    let value;
    if (text[equals + 1] === '"') {
      [value, at] = quoted(text, equals + 1);
      at = indexOf(text, ";", at);
    } else {
      at = end;
      value = trimEnd(text.slice(equals + 1, end));
      if (value === "") continue;
    }
    if (TOKEN.test(name) && QUOTABLE.test(value) && !parameters.has(name)) parameters.set(name, value);
  }
  return parameters;
}

// null when it is none.
exports.parse = (text) => {
  text = trim(text);
  const end = indexOf(text, ";", 0);
  const [type, subtype, more] = trimEnd(text.slice(0, end)).split("/");
  if (more !== undefined || subtype === undefined || !TOKEN.test(type) || !TOKEN.test(subtype)) return null;
  return { essence: `${type}/${subtype}`.toLowerCase(), parameters: parseParameters(text, end) };
};

exports.serialize = ({ essence, parameters }) => {
  let text = essence;
  for (const [name, value] of parameters)
    text += `;${name}=${TOKEN.test(value) ? value : `"${value.replace(/["\\]/g, "\\$&")}"`}`;
  return text;
};

// "Get, decode, and split" (Fetch 2.2.2): at commas that are in no quoted string.
function split(text) {
  const parts = [];
  let start = 0;
  for (let at = 0; at < text.length; at++) {
    if (text[at] === '"') at = quoted(text, at)[1] - 1;
    else if (text[at] === ",") {
      parts.push(text.slice(start, at));
      start = at + 1;
    }
  }
  parts.push(text.slice(start));
  return parts;
}

// Of a header's combined value, or null: the last type that is one; its charset may come from an
// earlier one with the same essence.
exports.extract = (value) => {
  if (value === null) return null;
  let found = null;
  let charset;
  for (const part of split(value)) {
    const type = exports.parse(part);
    if (type === null || type.essence === "*/*") continue;
    const own = type.parameters.get("charset");
    if (found === null || type.essence !== found.essence) charset = own;
    else if (own === undefined && charset !== undefined) type.parameters.set("charset", charset);
    found = type;
  }
  return found;
};
