import add from "./add.wasm";

const { exports } = new WebAssembly.Instance(add);

export default {
  fetch(request) {
    const query = new URL(request.url).searchParams;
    const a = Number(query.get("a") ?? 2);
    const b = Number(query.get("b") ?? 3);
    return Response.json({ a, b, sum: exports.add(a, b) });
  },
};
