const __tests = []; function test(name, fn) { __tests.push({ name, fn }); }
function __show(value) { try { return typeof value === "string" ? JSON.stringify(value) : typeof value === "object" && value !== null ? JSON.stringify(value) : String(value); } catch { return "?"; } }
function assert(condition, message) { if (!condition) throw new Error(message ?? "assertion failed"); }
function __same(a, b) {
  if (Object.is(a, b)) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (ArrayBuffer.isView(a) !== ArrayBuffer.isView(b) || Array.isArray(a) !== Array.isArray(b)) return false;
  if (a instanceof ArrayBuffer) return b instanceof ArrayBuffer && __same(new Uint8Array(a), new Uint8Array(b));
  if (a instanceof Map || a instanceof Set) return a.constructor === b.constructor && __same([...a], [...b]);
  if (a instanceof Date) return b instanceof Date && a.getTime() === b.getTime();
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => key in b && __same(a[key], b[key]));
}
function assertEquals(actual, expected, message) { if (!__same(actual, expected)) throw new Error(`${message ? message + ": " : ""}got ${__show(actual)}, expected ${__show(expected)}`); }
function __isWanted(error, wanted) { return wanted === undefined || (typeof wanted === "string" ? error?.name === wanted : error instanceof wanted); }
function assertThrows(fn, wanted, message) {
  let threw = true, error;
  try { fn(); threw = false; } catch (e) { error = e; }
  if (!threw) throw new Error(`${message ?? "assertThrows"}: nothing was thrown`);
  if (!__isWanted(error, wanted)) throw new Error(`${message ?? "assertThrows"}: threw ${error}, expected ${wanted.name ?? wanted}`);
  return error;
}
async function assertRejects(promise, wanted, message) {
  let threw = true, error;
  try { await (typeof promise === "function" ? promise() : promise); threw = false; } catch (e) { error = e; }
  if (!threw) throw new Error(`${message ?? "assertRejects"}: nothing was rejected`);
  if (!__isWanted(error, wanted)) throw new Error(`${message ?? "assertRejects"}: rejected with ${error}, expected ${wanted.name ?? wanted}`);
  return error;
}
async function __runTests() {
  let failed = 0;
  for (const { name, fn } of __tests) {
    try { await fn(); } catch (error) { failed++; console.error(`not ok - ${name}\n    ${error?.message ?? error}\n    ${String(error?.stack ?? "").split("\n").slice(0, 4).join("\n    ")}`); }
  }
  if (__tests.length === 0) throw new Error("the file has no tests");
  if (failed > 0) throw new Error(`${failed} of ${__tests.length} tests failed`);
  console.log(`${__tests.length} passed`);
}
