// Assertions inside a worker: what they throw is what the test shows.
const show = (value) => (typeof value === "string" ? JSON.stringify(value) : String(value));

export function is(got, want, what = "") {
  if (!Object.is(got, want)) throw new Error(`${what} is ${show(got)}, not ${show(want)}`);
}

export function same(got, want, what = "") {
  if (JSON.stringify(got) !== JSON.stringify(want))
    throw new Error(`${what} is ${JSON.stringify(got)}, not ${JSON.stringify(want)}`);
}

export function ok(value, what = "it") {
  if (!value) throw new Error(`${what} does not hold`);
}

export function throws(call, name, what = String(call)) {
  try {
    call();
  } catch (error) {
    return is(error.name, name, what);
  }
  throw new Error(`${what} does not throw`);
}

export async function rejects(promise, name, what = "promise") {
  try {
    await promise;
  } catch (error) {
    is(error.name, name, what);
    return error;
  }
  throw new Error(`${what} does not reject`);
}
