// DOMException and QuotaExceededError (WebIDL 2.8). An instance is a real Error of the engine, with
// its stack, that State marks: the constructor returns an object of its own making.

const { finish, constants } = use("webidl");

// In the order of their legacy codes, which start at 1; null stands for a code without a name.
const NAMES = [
  "IndexSizeError", null, "HierarchyRequestError", "WrongDocumentError", "InvalidCharacterError", null,
  "NoModificationAllowedError", "NotFoundError", "NotSupportedError", "InUseAttributeError", "InvalidStateError",
  "SyntaxError", "InvalidModificationError", "NamespaceError", "InvalidAccessError", null, "TypeMismatchError",
  "SecurityError", "NetworkError", "AbortError", "URLMismatchError", "QuotaExceededError", "TimeoutError",
  "InvalidNodeTypeError", "DataCloneError",
];
const CODES = {
  INDEX_SIZE_ERR: 1, DOMSTRING_SIZE_ERR: 2, HIERARCHY_REQUEST_ERR: 3, WRONG_DOCUMENT_ERR: 4,
  INVALID_CHARACTER_ERR: 5, NO_DATA_ALLOWED_ERR: 6, NO_MODIFICATION_ALLOWED_ERR: 7, NOT_FOUND_ERR: 8,
  NOT_SUPPORTED_ERR: 9, INUSE_ATTRIBUTE_ERR: 10, INVALID_STATE_ERR: 11, SYNTAX_ERR: 12,
  INVALID_MODIFICATION_ERR: 13, NAMESPACE_ERR: 14, INVALID_ACCESS_ERR: 15, VALIDATION_ERR: 16,
  TYPE_MISMATCH_ERR: 17, SECURITY_ERR: 18, NETWORK_ERR: 19, ABORT_ERR: 20, URL_MISMATCH_ERR: 21,
  QUOTA_EXCEEDED_ERR: 22, TIMEOUT_ERR: 23, INVALID_NODE_TYPE_ERR: 24, DATA_CLONE_ERR: 25,
};

class Given {
  constructor(object) {
    return object;
  }
}

class State extends Given {
  #name;
  #message;
  constructor(error, name, message) {
    super(error);
    this.#name = name;
    this.#message = message;
  }
  static nameOf(error) {
    return error.#name;
  }
  static messageOf(error) {
    return error.#message;
  }
  static has(value) {
    return typeof value === "object" && value !== null && #name in value;
  }
}

const { construct } = Reflect;
const { captureStackTrace } = Error;

class DOMException {
  constructor(message = "", name = "Error") {
    message = `${message}`;
    name = `${name}`;
    const error = construct(Error, [], new.target);
    captureStackTrace(error, new.target);
    new State(error, name, message);
    return error;
  }
  get name() {
    return State.nameOf(this);
  }
  get message() {
    return State.messageOf(this);
  }
  get code() {
    return NAMES.indexOf(State.nameOf(this)) + 1;
  }
}

Object.setPrototypeOf(DOMException.prototype, Error.prototype);
finish(DOMException, "DOMException");
constants(DOMException, CODES);

const number = (value, name) => {
  if (value === undefined) return null;
  value = Number(value);
  if (!Number.isFinite(value)) throw new TypeError(`new QuotaExceededError: ${name} is not a finite number`);
  if (value < 0) throw new RangeError(`new QuotaExceededError: ${name} is negative`);
  return value;
};

class QuotaExceededError extends DOMException {
  #quota;
  #requested;
  constructor(message = "", options = {}) {
    super(message, "QuotaExceededError");
    this.#quota = number(options?.quota, "quota");
    this.#requested = number(options?.requested, "requested");
    if (this.#quota !== null && this.#requested !== null && this.#requested < this.#quota)
      throw new RangeError("new QuotaExceededError: requested is less than quota");
  }
  get quota() {
    return this.#quota;
  }
  get requested() {
    return this.#requested;
  }
}

finish(QuotaExceededError, "QuotaExceededError");

exports.DOMException = DOMException;
exports.QuotaExceededError = QuotaExceededError;
exports.isDOMException = State.has;
