// The constructor string parser of URLPattern (WHATWG URL Pattern 2.4): cuts one pattern for a whole
// URL, such as "https://*.example.com/a/:b?*", into patterns for its components.

const { tokenize } = use("url_pattern_parts");

// States that come before a path, a query and a fragment.
const BEFORE_HOST = ["protocol", "authority", "username", "password"];
const BEFORE_PATH = [...BEFORE_HOST, "hostname", "port"];
const BEFORE_SEARCH = [...BEFORE_PATH, "pathname"];
const NOT_BEFORE_QUERY = ["name", "regexp", "close", "asterisk"];
const PLAIN = ["char", "escaped-char", "invalid-char"];

class StringParser {
  #text;
  #tokens;
  #isSpecial; // (protocol) => whether the pattern can match the scheme of a special URL
  #result = {};
  #at = 0;
  #step = 1;
  #start = 0; // the token at which the component begins
  #groups = 0;
  #brackets = 0;
  #isSpecialProtocol = false;
  #state = "init";

  constructor(text, isSpecial) {
    this.#text = text;
    this.#tokens = tokenize(text, true);
    this.#isSpecial = isSpecial;
  }

  parse() {
    for (; this.#at < this.#tokens.length; this.#at += this.#step) {
      this.#step = 1;
      const { type } = this.#tokens[this.#at];
      if (type === "end") {
        if (this.#atEnd()) break;
      } else if (type === "open") this.#groups++;
      else if (this.#groups === 0) this.#read();
      else if (type === "close" && --this.#groups === 0) this.#read();
    }
    const result = this.#result;
    if (result.hostname !== undefined && result.port === undefined) result.port = "";
    return result;
  }

  // A string without a scheme is relative: it is read again as a path. Returns whether that is all.
  #atEnd() {
    if (this.#state === "init") {
      this.#rewind();
      if (this.#is("#")) this.#change("hash", 1);
      else if (this.#isQuery()) this.#change("search", 1);
      else this.#change("pathname", 0);
      return false;
    }
    if (this.#state === "authority") {
      this.#rewind("hostname");
      return false;
    }
    this.#change("done", 0);
    return true;
  }

  #read() {
    switch (this.#state) {
      case "init":
        if (this.#is(":")) this.#rewind("protocol");
        break;
      case "protocol":
        if (this.#is(":")) this.#endProtocol();
        break;
      case "authority":
        if (this.#is("@")) this.#rewind("username");
        else if (this.#is("/") || this.#is("#") || this.#isQuery()) this.#rewind("hostname");
        break;
      case "username":
        if (this.#is(":")) this.#change("password", 1);
        else if (this.#is("@")) this.#change("hostname", 1);
        break;
      case "password":
        if (this.#is("@")) this.#change("hostname", 1);
        break;
      case "hostname":
        if (this.#is("[")) this.#brackets++;
        else if (this.#is("]")) this.#brackets--;
        else if (this.#is(":") && this.#brackets === 0) this.#change("port", 1);
        else this.#endAuthority();
        break;
      case "port":
        this.#endAuthority();
        break;
      case "pathname":
        if (this.#isQuery()) this.#change("search", 1);
        else if (this.#is("#")) this.#change("hash", 1);
        break;
      case "search":
        if (this.#is("#")) this.#change("hash", 1);
        break;
    }
  }

  #endAuthority() {
    if (this.#is("/")) this.#change("pathname", 0);
    else if (this.#isQuery()) this.#change("search", 1);
    else if (this.#is("#")) this.#change("hash", 1);
  }

  #endProtocol() {
    this.#isSpecialProtocol = this.#isSpecial(this.#component());
    if (this.#is("/", this.#at + 1) && this.#is("/", this.#at + 2)) this.#change("authority", 3);
    else this.#change(this.#isSpecialProtocol ? "authority" : "pathname", 1);
  }

  #rewind(state = this.#state) {
    this.#at = this.#start;
    this.#step = 0;
    this.#state = state;
  }

  // Ends the component that is read. What was left out on the way is empty, not a wildcard.
  #change(state, skip) {
    const result = this.#result, from = this.#state;
    if (from !== "init" && from !== "authority") result[from] = this.#component();
    if (from !== "init" && state !== "done") {
      const isLater = (...states) => states.includes(state);
      if (BEFORE_HOST.includes(from) && isLater("port", "pathname", "search", "hash")) result.hostname ??= "";
      if (BEFORE_PATH.includes(from) && isLater("search", "hash")) result.pathname ??= this.#isSpecialProtocol ? "/" : "";
      if (BEFORE_SEARCH.includes(from) && isLater("hash")) result.search ??= "";
    }
    this.#state = state;
    this.#at += skip;
    this.#start = this.#at;
    this.#step = 0;
  }

  #token(at) {
    const tokens = this.#tokens;
    return tokens[Math.min(at, tokens.length - 1)];
  }

  #component() {
    return this.#text.slice(this.#token(this.#start).index, this.#token(this.#at).index);
  }

  #is(value, at = this.#at) {
    const token = this.#token(at);
    return token.value === value && PLAIN.includes(token.type);
  }

  // "?" begins a query unless it is a modifier of what is before it.
  #isQuery() {
    if (this.#is("?")) return true;
    if (this.#tokens[this.#at].value !== "?") return false;
    return this.#at === 0 || !NOT_BEFORE_QUERY.includes(this.#tokens[this.#at - 1].type);
  }
}

exports.parseString = (text, isSpecial) => new StringParser(text, isSpecial).parse();
