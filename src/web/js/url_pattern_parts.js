// The pattern language of URLPattern (WHATWG URL Pattern 2): tokens, the parts they make, and the
// regular expression and the normalized text of a list of parts.

// Kinds of tokens.
const CHAR = "char", ESCAPED = "escaped-char", NAME = "name", REGEXP = "regexp", ASTERISK = "asterisk";
const OPEN = "open", CLOSE = "close", MODIFIER = "other-modifier", END = "end", INVALID = "invalid-char";

// Kinds of parts.
const FIXED = 0, REGEXP_PART = 1, SEGMENT = 2, WILDCARD = 3;

const NAME_START = /^[$_\p{ID_Start}]/u;
const NAME_REST = /^[$\u200c\u200d\p{ID_Continue}]/u;

const isNameChar = (text) => NAME_REST.test(text);
const charAt = (text, at) => String.fromCodePoint(text.codePointAt(at));

// ---- 2.1.2 tokenizing ----

// The end of the group in parentheses that opens at `open`; -1 when it is not well formed.
function endOfRegexp(text, open) {
  let depth = 1;
  for (let at = open + 1; at < text.length; at++) {
    const char = text[at];
    if (char > "\x7f" || (char === "?" && at === open + 1)) return -1;
    if (char === "\\") {
      if (++at === text.length || text[at] > "\x7f") return -1;
    } else if (char === ")") {
      if (--depth === 0) return at === open + 1 ? -1 : at + 1;
    } else if (char === "(") {
      depth++;
      if (text[at + 1] !== "?") return -1;
      at++;
    }
  }
  return -1;
}

function endOfName(text, at) {
  const begin = at;
  while (at < text.length) {
    const char = charAt(text, at);
    if (!(at === begin ? NAME_START : NAME_REST).test(char)) break;
    at += char.length;
  }
  return at;
}

const SINGLE = { __proto__: null, "*": ASTERISK, "+": MODIFIER, "?": MODIFIER, "{": OPEN, "}": CLOSE };

// One token at `at`: { type, index, value, end }. What is malformed is INVALID.
function tokenAt(text, at) {
  const char = text[at];
  const invalid = (value, end) => ({ type: INVALID, index: at, value, end });
  if (SINGLE[char] !== undefined) return { type: SINGLE[char], index: at, value: char, end: at + 1 };
  if (char === "\\") {
    if (at === text.length - 1) return invalid(char, at + 1);
    const value = charAt(text, at + 1);
    return { type: ESCAPED, index: at, value, end: at + 1 + value.length };
  }
  if (char === ":") {
    const end = endOfName(text, at + 1);
    return end === at + 1 ? invalid(char, end) : { type: NAME, index: at, value: text.slice(at + 1, end), end };
  }
  if (char === "(") {
    const end = endOfRegexp(text, at);
    return end < 0 ? invalid(char, at + 1) : { type: REGEXP, index: at, value: text.slice(at + 1, end - 1), end };
  }
  const value = charAt(text, at);
  return { type: CHAR, index: at, value, end: at + value.length };
}

function refuse({ index, value }, text, advice) {
  throw new TypeError(`URLPattern: "${value}" at ${index} of "${text}" is not expected there; ${advice}`);
}

exports.tokenize = (text, isLenient) => {
  const tokens = [];
  for (let at = 0; at < text.length; ) {
    const token = tokenAt(text, at);
    if (token.type === INVALID && !isLenient) refuse(token, text, `write \\${token.value} for the character itself`);
    tokens.push(token);
    at = token.end;
  }
  tokens.push({ type: END, index: text.length, value: "", end: text.length });
  return tokens;
};

// ---- 2.1.3 parsing ----

const escapeRegexp = (text) => text.replace(/[.+*?^${}()[\]|/\\]/g, "\\$&");
const escapePattern = (text) => text.replace(/[+*?:{}()\\]/g, "\\$&");
exports.escapePattern = escapePattern;

const segmentRegexp = ({ delimiter }) => `[^${escapeRegexp(delimiter)}]+?`;

class Parser {
  #tokens;
  #text;
  #options;
  #canonicalize;
  #parts = [];
  #pending = ""; // fixed text that is not yet a part
  #at = 0;
  #number = 0; // the next name of a group that has none

  constructor(text, options, canonicalize) {
    this.#text = text;
    this.#tokens = exports.tokenize(text, false);
    this.#options = options;
    this.#canonicalize = canonicalize;
  }

  parse() {
    for (;;) {
      const char = this.#take(CHAR);
      const name = this.#take(NAME);
      const matcher = this.#takeMatcher(name);
      if (name !== undefined || matcher !== undefined) {
        let prefix = char ?? "";
        if (prefix !== this.#options.prefix) {
          this.#pending += prefix;
          prefix = "";
        }
        this.#addPending();
        this.#add(prefix, name, matcher, "", this.#takeModifier());
        continue;
      }
      const fixed = char ?? this.#take(ESCAPED);
      if (fixed !== undefined) this.#pending += fixed;
      else if (this.#take(OPEN) !== undefined) this.#parseGroup();
      else break;
    }
    this.#addPending();
    this.#need(END);
    return this.#parts;
  }

  #parseGroup() {
    const prefix = this.#takeText();
    const name = this.#take(NAME);
    const matcher = this.#takeMatcher(name);
    const suffix = this.#takeText();
    this.#need(CLOSE);
    this.#add(prefix, name, matcher, suffix, this.#takeModifier());
  }

  #take(type) {
    const token = this.#tokens[this.#at];
    if (token.type !== type) return undefined;
    this.#at++;
    return token.value;
  }

  #need(type) {
    const { type: found, value, index } = this.#tokens[this.#at];
    if (found !== type)
      refuse({ index, value }, this.#text, type === CLOSE ? "a } is missing" : `write \\${value} for the character itself`);
    this.#at++;
  }

  // A regular expression in parentheses, or "*", which is one when no name comes before it.
  #takeMatcher(name) {
    const source = this.#take(REGEXP);
    if (source !== undefined) return source;
    return name === undefined && this.#take(ASTERISK) !== undefined ? ".*" : undefined;
  }

  #takeModifier() {
    return this.#take(MODIFIER) ?? this.#take(ASTERISK) ?? "";
  }

  #takeText() {
    let text = "";
    for (let next; (next = this.#take(CHAR) ?? this.#take(ESCAPED)) !== undefined; ) text += next;
    return text;
  }

  #addPending() {
    if (this.#pending === "") return;
    const value = this.#canonicalize(this.#pending);
    this.#pending = "";
    this.#parts.push({ type: FIXED, value, modifier: "", name: "", prefix: "", suffix: "" });
  }

  #add(prefix, name, matcher, suffix, modifier) {
    const isFixed = name === undefined && matcher === undefined;
    if (isFixed && modifier === "") {
      this.#pending += prefix;
      return;
    }
    this.#addPending();
    if (isFixed) {
      if (prefix !== "")
        this.#parts.push({ type: FIXED, value: this.#canonicalize(prefix), modifier, name: "", prefix: "", suffix: "" });
      return;
    }
    let type = REGEXP_PART;
    if (matcher === undefined || matcher === segmentRegexp(this.#options)) type = SEGMENT;
    else if (matcher === ".*") type = WILDCARD;
    name ??= `${this.#number++}`;
    if (this.#parts.some((part) => part.name === name))
      throw new TypeError(`URLPattern: two groups of "${this.#text}" have the name "${name}"`);
    prefix = this.#canonicalize(prefix);
    suffix = this.#canonicalize(suffix);
    this.#parts.push({ type, value: type === REGEXP_PART ? matcher : "", modifier, name, prefix, suffix });
  }
}

// ---- 2.2 the regular expression ----

function sourceOf(parts, options) {
  let source = "^";
  for (const { type, value, modifier, prefix, suffix } of parts) {
    if (type === FIXED) {
      source += modifier === "" ? escapeRegexp(value) : `(?:${escapeRegexp(value)})${modifier}`;
      continue;
    }
    const inner = type === SEGMENT ? segmentRegexp(options) : type === WILDCARD ? ".*" : value;
    const before = escapeRegexp(prefix), after = escapeRegexp(suffix);
    const repeats = modifier === "*" || modifier === "+";
    if (prefix === "" && suffix === "") source += repeats ? `((?:${inner})${modifier})` : `(${inner})${modifier}`;
    else if (!repeats) source += `(?:${before}(${inner})${after})${modifier}`;
    else source += `(?:${before}((?:${inner})(?:${after}${before}(?:${inner}))*)${after})${modifier === "*" ? "?" : ""}`;
  }
  return source + "$";
}

// ---- 2.3 the normalized text ----

const isNumeric = (name) => name[0] >= "0" && name[0] <= "9";

// Whether a part must be written in braces so that it is read as it was.
function needsBraces(part, previous, next, options) {
  const { type, modifier, name, prefix, suffix } = part;
  if (suffix !== "" || (prefix !== "" && prefix !== options.prefix)) return true;
  if (!isNumeric(name) && type === SEGMENT && modifier === "" && next !== undefined && next.prefix === "" && next.suffix === "")
    if (next.type === FIXED ? isNameChar(next.value) : isNumeric(next.name)) return true;
  return prefix === "" && previous?.type === FIXED && options.prefix !== "" && previous.value.endsWith(options.prefix);
}

function textOf(parts, options) {
  let text = "";
  for (const [i, part] of parts.entries()) {
    const { type, value, modifier, name, prefix, suffix } = part;
    if (type === FIXED) {
      text += modifier === "" ? escapePattern(value) : `{${escapePattern(value)}}${modifier}`;
      continue;
    }
    const previous = parts[i - 1];
    const isNamed = !isNumeric(name);
    const braces = needsBraces(part, previous, parts[i + 1], options);
    text += `${braces ? "{" : ""}${escapePattern(prefix)}${isNamed ? `:${name}` : ""}`;
    if (type === REGEXP_PART) text += `(${value})`;
    else if (type === SEGMENT && !isNamed) text += `(${segmentRegexp(options)})`;
    else if (type === WILDCARD) {
      const isStar = previous === undefined || previous.type === FIXED || previous.modifier !== "" || braces || prefix !== "";
      text += !isNamed && isStar ? "*" : "(.*)";
    }
    if (type === SEGMENT && isNamed && isNameChar(suffix)) text += "\\";
    text += `${escapePattern(suffix)}${braces ? "}" : ""}${modifier}`;
  }
  return text;
}

// ---- 2.1.1 a component ----

// What a component can match without a regular expression.
const kindOf = (parts, isCaseless) => {
  if (parts.length === 0) return "fixed";
  if (parts.length > 1 || parts[0].modifier !== "") return "pattern";
  const { type, prefix, suffix } = parts[0];
  if (type === WILDCARD && prefix === "" && suffix === "") return "any";
  return type === FIXED && !isCaseless ? "fixed" : "pattern";
};

class Component {
  #regexp;
  #source;
  #flags;

  constructor(text, options, canonicalize) {
    const parts = new Parser(text, options, canonicalize).parse();
    this.kind = kindOf(parts, options.ignoreCase);
    this.fixed = parts[0]?.value ?? ""; // of kind "fixed"
    this.text = textOf(parts, options);
    this.names = parts.filter(({ type }) => type !== FIXED).map(({ name }) => name);
    this.hasRegexp = parts.some(({ type }) => type === REGEXP_PART);
    this.#source = sourceOf(parts, options);
    this.#flags = options.ignoreCase ? "vi" : "v";
    // Only what the author wrote can be wrong; the rest is compiled when it is needed.
    if (this.hasRegexp) this.regexp();
  }

  regexp() {
    if (this.#regexp !== undefined) return this.#regexp;
    try {
      return (this.#regexp = new RegExp(this.#source, this.#flags));
    } catch (error) {
      throw new TypeError(`URLPattern: a group of "${this.text}" is not a regular expression: ${error.message}`);
    }
  }
}

exports.compile = (text, options, canonicalize) => new Component(text, options, canonicalize);
