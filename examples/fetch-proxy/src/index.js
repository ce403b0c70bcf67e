// Passes every request on to the origin and marks the answer.
export default {
  async fetch(request, env) {
    const { pathname, search } = new URL(request.url);
    const answer = await fetch(new URL(pathname + search, env.ORIGIN), {
      method: request.method,
      headers: request.headers,
      body: request.body,
      redirect: "manual",
    });
    const marked = new Response(answer.body, answer);
    marked.headers.set("x-proxied-by", "atoll");
    return marked;
  },
};
