// Service-worker syntax, types as they are written there; see worker.ts.
async function handle(request: Request): Promise<Response> {
  const init: RequestInit = { method: request.method, headers: request.headers, redirect: "manual" };
  const info: RequestInfo = new Request("https://example.com/", init);
  const answer: Response = await fetch(info);
  const headers: HeadersInit = { "x-a": "b" };
  const body: BodyInit = await answer.arrayBuffer();
  const options: ResponseInit = { status: answer.status, headers };
  return new Response(body, options);
}

addEventListener("fetch", (event: FetchEvent) => {
  event.waitUntil(Promise.resolve());
  event.passThroughOnException();
  event.respondWith(handle(event.request));
});

addEventListener("unhandledrejection", (event) => {
  console.error(event.reason);
  event.preventDefault();
});

const handler: ExportedHandlerFetchHandler<{ KEY: string }> = async (request, env) => new Response(env.KEY + request.url);
export { handler };
