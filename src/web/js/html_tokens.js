// What handlers of an HTMLRewriter get: Element, EndTag, Text, Comment, Doctype, DocumentEnd. Each
// holds its Rewriting (html_rewriter.js) while its handler runs, and is of no use after that.

const {
  op_html_attribute, op_html_attributes, op_html_doctype, op_html_insert, op_html_insert_stream, op_html_is_removed,
  op_html_listen, op_html_name, op_html_namespace, op_html_remove, op_html_remove_attribute,
  op_html_set_attribute, op_html_set_text, op_html_text,
} = ops;
const { finish, need } = use("webidl");
const { loaded } = use("core");
const { responseInner } = use("response");

const BEFORE = 0, AFTER = 1, PREPEND = 2, APPEND = 3, INNER = 4, REPLACE = 5; // enum html_place
const NAMESPACES = [
  "http://www.w3.org/1999/xhtml", "http://www.w3.org/2000/svg", "http://www.w3.org/1998/Math/MathML",
];
const INTERNAL = {};
const iteratorPrototype = Object.getPrototypeOf(Object.getPrototypeOf([][Symbol.iterator]()));

const isObject = (value) => (typeof value === "object" && value !== null) || typeof value === "function";
exports.isObject = isObject;

function live(rewriting) {
  if (rewriting === undefined || rewriting.isClosed)
    throw new TypeError(
      "This content token is no longer valid. " +
        "Content tokens are only valid during the execution of the relevant content handler.",
    );
  if (rewriting.change !== undefined) changeNow(rewriting);
  return rewriting;
}

// Most handlers make one change. It is left for op_html_next(), unless something else is done with
// the token: then it is made before that.
function changeLater(rewriting, change, text) {
  rewriting.change = change;
  rewriting.changeText = text;
}

function changeNow(rewriting) {
  const { native, change, changeText } = rewriting;
  rewriting.change = undefined;
  if (typeof change === "number") op_html_insert(native, change, changeText);
  else op_html_set_attribute(native, change, changeText);
}

// The value of an attribute, which op_html_next() may have told already.
function attributeOf(rewriting, name) {
  const { native, asked, guess } = live(rewriting);
  if (name === asked && guess !== undefined) return guess;
  rewriting.asked = name;
  rewriting.guess = undefined;
  return op_html_attribute(native, name);
}

function illegal(key, name) {
  if (key !== INTERNAL) throw new TypeError(`Illegal constructor of ${name}`);
}

// ---- content ----

function isHtml(options) {
  if (options === undefined || options === null) return false;
  if (!isObject(options)) throw new TypeError("The options are not an object");
  return Boolean(options.html);
}

// The body of a Response or ReadableStream, taken: { bytes, reader }; null when there is none;
// undefined when `content` is something else.
function streamOf(content) {
  const inner = responseInner(content);
  const { takeBody } = use("html_rewriter");
  if (inner !== undefined) return inner.body === null ? null : takeBody(inner.body);
  return loaded("streams")?.isReadableStream(content) ? takeBody(use("body").extract(content)) : undefined;
}

function insert(rewriting, place, given, content, options) {
  live(rewriting);
  need(given, 1, "Failed to insert content");
  const stream = isObject(content) ? streamOf(content) : undefined;
  let text = stream === undefined ? `${content}` : "";
  const html = isHtml(options);
  live(rewriting); // what was converted may have used it
  if (stream !== undefined && stream !== null) {
    if (stream.reader !== undefined) return insertStream(rewriting, place, stream.reader, html);
    text = use("encoding").decode(stream.bytes);
  }
  changeLater(rewriting, 2 * place + html, text);
}

function insertStream(rewriting, place, reader, html) {
  const number = ++rewriting.lastStream;
  rewriting.streams.set(number, { reader, html });
  op_html_insert_stream(rewriting.native, place, number);
}

// ---- names ----

const SPECIAL = /[\t\n\f\r />]/;

function checkTagName(name) {
  if (name === "") throw new TypeError("Parser error: Tag name can't be empty.");
  if (!/^[a-z]/i.test(name))
    throw new TypeError("Parser error: The first character of the tag name should be an ASCII alphabetical character.");
  const found = SPECIAL.exec(name);
  if (found !== null) throw new TypeError(`Parser error: \`${found[0]}\` character is forbidden in the tag name`);
  return name;
}

function checkAttributeName(name) {
  if (name === "") throw new TypeError("Parser error: Attribute name can't be empty.");
  const found = /[\t\n\f\r />=]/.exec(name);
  if (found !== null) throw new TypeError(`Parser error: \`${found[0]}\` character is forbidden in the attribute name`);
  return name.toLowerCase();
}

function checkComment(text) {
  if (/^-?>|--!?>/.test(text))
    throw new TypeError("Parser error: Comment text shouldn't contain comment closing sequence (`-->`).");
  return text;
}

// ---- attributes ----

class AttributesIterator {
  #list;
  #at = 0;
  #check;
  constructor(key, list, check) {
    illegal(key, "AttributesIterator");
    this.#list = list;
    this.#check = check;
  }
  next() {
    const list = this.#list;
    this.#check();
    const at = this.#at;
    if (at >= list.length) return { value: undefined, done: true };
    this.#at = at + 2;
    return { value: [list[at], list[at + 1]], done: false };
  }
}
finish(AttributesIterator, "AttributesIterator");
delete AttributesIterator.prototype.constructor;
Object.setPrototypeOf(AttributesIterator.prototype, iteratorPrototype);

// ---- the classes ----

const { apply } = Reflect;

// By enum html_event: { name of the handler, make(rewriting), release(token) }.
const kinds = (exports.kinds = []);
const ON_ELEMENT = 3, ON_END_TAG = 4, ON_TEXT = 5, ON_COMMENT = 6, ON_DOCTYPE = 7, ON_END = 8;

class Element {
  #rewriting;
  constructor(key, rewriting) {
    illegal(key, "Element");
    this.#rewriting = rewriting;
  }

  get tagName() {
    return op_html_name(live(this.#rewriting).native);
  }
  set tagName(name) {
    live(this.#rewriting);
    name = checkTagName(`${name}`);
    op_html_set_text(live(this.#rewriting).native, name);
  }
  get attributes() {
    const list = op_html_attributes(live(this.#rewriting).native);
    return new AttributesIterator(INTERNAL, list, () => live(this.#rewriting));
  }
  get removed() {
    return op_html_is_removed(live(this.#rewriting).native);
  }
  get namespaceURI() {
    return NAMESPACES[op_html_namespace(live(this.#rewriting).native)];
  }
  getAttribute(name) {
    live(this.#rewriting);
    need(arguments.length, 1, "Failed to execute 'getAttribute' on 'Element'");
    name = `${name}`;
    return attributeOf(live(this.#rewriting), name);
  }
  hasAttribute(name) {
    live(this.#rewriting);
    need(arguments.length, 1, "Failed to execute 'hasAttribute' on 'Element'");
    name = `${name}`;
    return attributeOf(live(this.#rewriting), name) !== null;
  }
  setAttribute(name, value) {
    const rewriting = live(this.#rewriting);
    need(arguments.length, 2, "Failed to execute 'setAttribute' on 'Element'");
    name = checkAttributeName(`${name}`);
    value = `${value}`;
    changeLater(live(this.#rewriting), name, value);
    rewriting.guess = undefined;
    return this;
  }
  removeAttribute(name) {
    live(this.#rewriting);
    need(arguments.length, 1, "Failed to execute 'removeAttribute' on 'Element'");
    name = `${name}`;
    const rewriting = live(this.#rewriting);
    rewriting.guess = undefined;
    op_html_remove_attribute(rewriting.native, name);
    return this;
  }
  before(content, options) {
    insert(this.#rewriting, BEFORE, arguments.length, content, options);
    return this;
  }
  after(content, options) {
    insert(this.#rewriting, AFTER, arguments.length, content, options);
    return this;
  }
  prepend(content, options) {
    insert(this.#rewriting, PREPEND, arguments.length, content, options);
    return this;
  }
  append(content, options) {
    insert(this.#rewriting, APPEND, arguments.length, content, options);
    return this;
  }
  replace(content, options) {
    insert(this.#rewriting, REPLACE, arguments.length, content, options);
    return this;
  }
  setInnerContent(content, options) {
    insert(this.#rewriting, INNER, arguments.length, content, options);
    return this;
  }
  remove() {
    op_html_remove(live(this.#rewriting).native, false);
    return this;
  }
  removeAndKeepContent() {
    op_html_remove(live(this.#rewriting).native, true);
    return this;
  }
  onEndTag(handler) {
    const rewriting = live(this.#rewriting);
    if (typeof handler !== "function") throw new TypeError("Element.onEndTag: the handler is not a function");
    const depth = op_html_listen(rewriting.native);
    if (depth === 0) throw new TypeError("Parser error: No end tag.");
    const { ends, serial } = rewriting;
    if (ends[depth]?.owner !== serial) ends[depth] = { owner: serial, handlers: [] };
    ends[depth].handlers.push((token) => apply(handler, undefined, [token]));
  }
  static {
    const release = (token) => (token.#rewriting = undefined);
    kinds[ON_ELEMENT] = { name: "element", make: (rewriting) => new Element(INTERNAL, rewriting), release };
  }
}
finish(Element, "Element");

class EndTag {
  #rewriting;
  constructor(key, rewriting) {
    illegal(key, "EndTag");
    this.#rewriting = rewriting;
  }
  get name() {
    return op_html_name(live(this.#rewriting).native);
  }
  set name(name) {
    live(this.#rewriting);
    name = checkTagName(`${name}`);
    op_html_set_text(live(this.#rewriting).native, name);
  }
  before(content, options) {
    insert(this.#rewriting, BEFORE, arguments.length, content, options);
    return this;
  }
  after(content, options) {
    insert(this.#rewriting, AFTER, arguments.length, content, options);
    return this;
  }
  remove() {
    op_html_remove(live(this.#rewriting).native, false);
    return this;
  }
  static {
    const release = (token) => (token.#rewriting = undefined);
    kinds[ON_END_TAG] = { name: "", make: (rewriting) => new EndTag(INTERNAL, rewriting), release };
  }
}
finish(EndTag, "EndTag");

class Text {
  #rewriting;
  constructor(key, rewriting) {
    illegal(key, "Text");
    this.#rewriting = rewriting;
  }
  get text() {
    return live(this.#rewriting).guess;
  }
  get lastInTextNode() {
    return live(this.#rewriting).guess === ""; // no other piece is empty
  }
  get removed() {
    return op_html_is_removed(live(this.#rewriting).native);
  }
  before(content, options) {
    insert(this.#rewriting, BEFORE, arguments.length, content, options);
    return this;
  }
  after(content, options) {
    insert(this.#rewriting, AFTER, arguments.length, content, options);
    return this;
  }
  replace(content, options) {
    insert(this.#rewriting, REPLACE, arguments.length, content, options);
    return this;
  }
  remove() {
    op_html_remove(live(this.#rewriting).native, false);
    return this;
  }
  static {
    const release = (token) => (token.#rewriting = undefined);
    kinds[ON_TEXT] = { name: "text", make: (rewriting) => new Text(INTERNAL, rewriting), release };
  }
}
finish(Text, "Text");

class Comment {
  #rewriting;
  constructor(key, rewriting) {
    illegal(key, "Comment");
    this.#rewriting = rewriting;
  }
  get text() {
    return op_html_text(live(this.#rewriting).native);
  }
  set text(text) {
    live(this.#rewriting);
    text = checkComment(`${text}`);
    op_html_set_text(live(this.#rewriting).native, text);
  }
  get removed() {
    return op_html_is_removed(live(this.#rewriting).native);
  }
  before(content, options) {
    insert(this.#rewriting, BEFORE, arguments.length, content, options);
    return this;
  }
  after(content, options) {
    insert(this.#rewriting, AFTER, arguments.length, content, options);
    return this;
  }
  replace(content, options) {
    insert(this.#rewriting, REPLACE, arguments.length, content, options);
    return this;
  }
  remove() {
    op_html_remove(live(this.#rewriting).native, false);
    return this;
  }
  static {
    const release = (token) => (token.#rewriting = undefined);
    kinds[ON_COMMENT] = { name: "comments", make: (rewriting) => new Comment(INTERNAL, rewriting), release };
  }
}
finish(Comment, "Comment");

class Doctype {
  #rewriting;
  constructor(key, rewriting) {
    illegal(key, "Doctype");
    this.#rewriting = rewriting;
  }
  get name() {
    return op_html_doctype(live(this.#rewriting).native)[0];
  }
  get publicId() {
    return op_html_doctype(live(this.#rewriting).native)[1];
  }
  get systemId() {
    return op_html_doctype(live(this.#rewriting).native)[2];
  }
  static {
    const release = (token) => (token.#rewriting = undefined);
    kinds[ON_DOCTYPE] = { name: "doctype", make: (rewriting) => new Doctype(INTERNAL, rewriting), release };
  }
}
finish(Doctype, "Doctype");

class DocumentEnd {
  #rewriting;
  constructor(key, rewriting) {
    illegal(key, "DocumentEnd");
    this.#rewriting = rewriting;
  }
  append(content, options) {
    insert(this.#rewriting, BEFORE, arguments.length, content, options);
    return this;
  }
  static {
    const release = (token) => (token.#rewriting = undefined);
    kinds[ON_END] = { name: "end", make: (rewriting) => new DocumentEnd(INTERNAL, rewriting), release };
  }
}
finish(DocumentEnd, "DocumentEnd");
