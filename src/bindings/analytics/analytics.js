// Datasets of the analytics engine: Cloudflare's AnalyticsEngineDataset. A point is checked here and
// handed over as JSON; it is stored about a second later, with others (analytics_sink.c).

const { finish } = use("webidl");
const { op_analytics_write } = ops;
const { stringify } = JSON;
const { isArray } = Array;
const { isView } = ArrayBuffer;
const { isFinite } = Number;

const FIELDS = 20;
const BLOB_BYTES = 16 * 1024;
const INDEX_BYTES = 96;
const NEW = {};

const fault = (text) => new TypeError(`writeDataPoint(): ${text}`);

// Bytes are taken for UTF-8, what is not there for an empty text.
function textOf(value, what) {
  if (typeof value === "string") return value.isWellFormed() ? value : value.toWellFormed();
  if (value === null || value === undefined) return "";
  if (value instanceof ArrayBuffer || isView(value)) return new (use("encoding").TextDecoder)().decode(value);
  throw fault(`${what} must be a string or an ArrayBuffer.`);
}

function listOf(value, name, most) {
  if (value === undefined || value === null) return [];
  if (!isArray(value)) throw fault(`'${name}' must be an array.`);
  if (value.length > most) throw fault(`Maximum of ${most} ${name} supported.`);
  return value;
}

// At most three bytes come of a character: few texts are to be counted.
const bytesOf = (text, most) => (text.length * 3 > most ? use("encoding").encode(text).length : 0);

function blobsOf(given) {
  const blobs = [];
  let chars = 0, bytes = 0;
  for (let i = 0; i < given.length; i++) chars += (blobs[i] = textOf(given[i], "A blob")).length;
  if (chars * 3 > BLOB_BYTES) for (const blob of blobs) bytes += bytesOf(blob, 0);
  if (bytes > BLOB_BYTES) throw fault(`Cumulative size of blobs exceeds ${BLOB_BYTES} bytes (${bytes}).`);
  return blobs;
}

function doublesOf(given) {
  const doubles = [];
  for (let i = 0; i < given.length; i++) {
    const value = Number(given[i] ?? 0);
    doubles[i] = isFinite(value) ? value : 0;
  }
  return doubles;
}

function indexOf(given) {
  const index = given.length > 0 ? textOf(given[0], "An index") : "";
  const bytes = bytesOf(index, INDEX_BYTES);
  if (bytes > INDEX_BYTES) throw fault(`Size of indexes exceeds ${INDEX_BYTES} bytes (${bytes}).`);
  return index;
}

class AnalyticsEngineDataset {
  #native;
  #told = false;

  constructor(token, native) {
    if (token !== NEW) throw new TypeError("Illegal constructor");
    this.#native = native;
  }

  writeDataPoint(event = undefined) {
    const native = this.#native;
    if (event !== undefined && (typeof event !== "object" || event === null)) throw fault("the data point must be an object.");
    const { indexes, blobs, doubles } = event ?? {};
    const index = indexOf(listOf(indexes, "indexes", 1));
    const point = [index, blobsOf(listOf(blobs, "blobs", FIELDS)), doublesOf(listOf(doubles, "doubles", FIELDS))];
    if (op_analytics_write(native, stringify(point)) || this.#told) return;
    this.#told = true;
    console.warn("writeDataPoint(): data points come faster than they can be stored; some are dropped.");
  }
}

finish(AnalyticsEngineDataset, "AnalyticsEngineDataset");
exports.bind = (native) => new AnalyticsEngineDataset(NEW, native);
