// What console.log() was given, as the JSON array that a tail shows: each argument as it is where JSON
// can say it, else as the text that atoll dev prints.

const { stringify } = JSON;
const { isArray } = Array;
const { isFinite } = Number;
const { getPrototypeOf, prototype } = Object;

function isPlain(value) {
  const proto = getPrototypeOf(value);
  return proto === null || proto === prototype || isArray(value);
}

function part(value) {
  switch (typeof value) {
    case "string":
      return stringify(value);
    case "boolean":
      return `${value}`;
    case "number":
      return isFinite(value) ? `${value}` : `"${value}"`;
    case "object":
      if (value === null) return "null";
      try {
        const text = isPlain(value) ? stringify(value) : undefined;
        if (text !== undefined) return text;
      } catch {
        // A cycle, a BigInt, a getter of the worker's that throws.
      }
  }
  return stringify(use("inspect").inspect(value));
}

exports.toJson = (args) => `[${args.map(part).join()}]`;
