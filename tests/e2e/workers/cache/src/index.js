// A key-value service over the cache: PUT stores the body, GET gives it, DELETE removes it.
const PIECE = 16384;

/** A stream of `size` bytes of `fill`. */
function filled(size, fill) {
  let left = size;
  return new ReadableStream({
    pull(controller) {
      if (left === 0) return controller.close();
      const length = Math.min(left, PIECE);
      left -= length;
      controller.enqueue(new Uint8Array(length).fill(fill));
    },
  });
}

/** "a 100000" for a body of 100,000 times "a"; reads it piece by piece. */
async function summary(response) {
  const seen = new Set();
  let length = 0;
  for await (const chunk of response.body) {
    length += chunk.length;
    for (const byte of chunk) seen.add(byte);
  }
  return `${String.fromCharCode(...seen)} ${length}`;
}

async function put(request, url) {
  const size = url.searchParams.get("size");
  const body = size === null ? request.body : filled(Number(size), url.searchParams.get("fill").charCodeAt(0));
  const headers = { "cache-control": "max-age=1000" };
  for (const name of ["etag", "vary", "cache-control"]) if (request.headers.has(name)) headers[name] = request.headers.get(name);
  await caches.default.put(`https://cache.test${url.pathname}`, new Response(body, { headers }));
  return new Response("stored");
}

export default {
  async fetch(request) {
    const url = new URL(request.url);
    try {
      if (request.method === "PUT") return await put(request, url);
      const key = new Request(`https://cache.test${url.pathname}`, { headers: request.headers });
      if (request.method === "DELETE") return new Response(String(await caches.default.delete(key)));
      const found = await caches.default.match(key);
      if (found === undefined) return new Response("miss", { status: 404 });
      return url.searchParams.has("summary") ? new Response(await summary(found)) : found;
    } catch (error) {
      return new Response(`${error.name}: ${error.message}`, { status: 500 });
    }
  },
};
