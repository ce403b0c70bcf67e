// A worker that touches much of the platform: it must compile with types/atoll.d.ts and with
// @cloudflare/workers-types alike (tests/e2e/types.test.mjs). It is never run.
import { env as globalEnv, waitUntil } from "cloudflare:workers";
import { connect } from "cloudflare:sockets";

declare const wasm: WebAssembly.Module;

interface Env {
  GREETING: string;
  SETTINGS: { debug: boolean };
}

interface Item {
  id: number;
}

class Counter {
  element(element: Element): void {
    element.setAttribute("data-seen", "1").append(`<b>${element.tagName}</b>`, { html: true });
    element.onEndTag((tag) => {
      tag.before("end");
    });
    for (const [name, value] of element.attributes) console.log(name, value);
  }
  async text(text: Text): Promise<void> {
    if (text.lastInTextNode) text.replace(text.text.toUpperCase());
  }
  comments(comment: Comment): void {
    comment.remove();
  }
}

async function cached(request: Request, ctx: ExecutionContext): Promise<Response> {
  const cache: Cache = await caches.open("items");
  const found: Response | undefined = await caches.default.match(request, { ignoreMethod: true });
  if (found) return found;
  const response = new Response("fresh", { headers: { "cache-control": "max-age=60" } });
  ctx.waitUntil(cache.put(request.url, response.clone()));
  const gone: boolean = await cache.delete(new URL(request.url));
  return gone ? Response.redirect("https://example.com/", 302) : response;
}

async function streams(request: Request): Promise<Response> {
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      controller.enqueue(chunk.slice(0, 10));
    },
  });
  const piped: Promise<void> | undefined = request.body?.pipeTo(writable, { preventClose: false });
  waitUntil(Promise.resolve(piped));
  const source = new ReadableStream<string>({
    start(controller) {
      controller.enqueue("a");
      controller.close();
    },
  });
  const reader = source.getReader();
  for (let result = await reader.read(); !result.done; result = await reader.read()) console.log(result.value.length);
  const bytes = new ReadableStream({ type: "bytes", pull: (controller) => controller.enqueue(new Uint8Array(1)) });
  const byob = bytes.getReader({ mode: "byob" });
  const { value } = await byob.read(new Uint8Array(8));
  console.log(value?.byteLength);
  const fixed = new FixedLengthStream(5);
  await fixed.writable.getWriter().write(new TextEncoder().encode("hello"));
  const texts = readable.pipeThrough(new DecompressionStream("gzip")).pipeThrough(new TextDecoderStream());
  for await (const text of texts) console.log(text.toUpperCase());
  return new Response(fixed.readable, { status: 200, statusText: "OK", headers: new Headers([["x-a", "b"]]) });
}

async function cryptography(): Promise<string> {
  const key = (await crypto.subtle.generateKey({ name: "AES-GCM", length: 256 }, true, ["encrypt", "decrypt"])) as CryptoKey;
  const iv = crypto.getRandomValues(new Uint8Array(12));
  const sealed: ArrayBuffer = await crypto.subtle.encrypt({ name: "AES-GCM", iv }, key, new TextEncoder().encode("secret"));
  const digest = new crypto.DigestStream("SHA-256");
  const writer = digest.getWriter();
  await writer.write(new Uint8Array(sealed));
  await writer.close();
  const same: boolean = crypto.subtle.timingSafeEqual(await digest.digest, new Uint8Array(32));
  const hmac = await crypto.subtle.importKey("raw", iv, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  console.log(hmac.algorithm.name, hmac.usages.includes("sign"), same);
  return crypto.randomUUID();
}

function webSockets(request: Request): Response {
  if (request.headers.get("upgrade") !== "websocket") return new Response(null, { status: 426 });
  const [client, server] = Object.values(new WebSocketPair());
  server.accept();
  server.addEventListener("message", (event) => {
    server.send(typeof event.data === "string" ? event.data : "bytes");
  });
  server.addEventListener("close", (event: CloseEvent) => console.log(event.code, event.reason, event.wasClean));
  return new Response(null, { status: 101, webSocket: client });
}

async function sockets(): Promise<string> {
  const socket: Socket = connect({ hostname: "example.com", port: 7 }, { secureTransport: "off", allowHalfOpen: false });
  const writer = socket.writable.getWriter();
  await writer.write(new TextEncoder().encode("ping"));
  const { remoteAddress } = await socket.opened;
  await socket.close();
  return remoteAddress ?? "";
}

async function others(request: Request<unknown, IncomingRequestCfProperties>): Promise<void> {
  const country: string | undefined = request.cf?.country;
  const colo = request.cf?.colo;
  const url = new URL(request.url);
  const pattern = new URLPattern({ pathname: "/items/:id" });
  const id: string | undefined = pattern.exec(url.href)?.pathname.groups.id;
  const controller = new AbortController();
  const timer = setTimeout((text: string) => console.log(text), 10, "later");
  clearTimeout(timer);
  await scheduler.wait(1, { signal: controller.signal });
  const answer = await fetch("https://example.com/", { method: "POST", body: new FormData(), signal: AbortSignal.timeout(1000) });
  const item = await answer.json<Item>();
  const form = await request.formData();
  const file = form.get("file");
  if (file instanceof File) console.log(file.name, file.size, file.lastModified);
  const copy = structuredClone({ item, when: new Date() });
  const { port1, port2 } = new MessageChannel();
  port2.addEventListener("message", (event) => console.log((event as MessageEvent).data));
  port1.postMessage(copy);
  const target = new EventTarget();
  target.dispatchEvent(new CustomEvent("ready", { detail: { id, country, colo } }));
  const started = performance.now();
  console.table([{ started }]);
  queueMicrotask(() => reportError(new DOMException("text", "AbortError")));
  const events = new EventSource("https://example.com/events");
  events.onmessage = (event: MessageEvent) => console.log(event.data);
  events.close();
  const instance: WebAssembly.Instance = await WebAssembly.instantiate(wasm, {});
  console.log(instance.exports, btoa("a"), atob("YQ=="), navigator.userAgent);
  for (const [name, value] of url.searchParams) console.log(name, value);
  for (const [name, value] of request.headers) console.log(name, value);
  const blob = new Blob(["a", new Uint8Array(1)], { type: "text/plain" });
  console.log(await blob.text(), blob.slice(0, 1).size, globalEnv);
}

export default {
  async fetch(request, env, ctx): Promise<Response> {
    ctx.passThroughOnException();
    const { pathname } = new URL(request.url);
    if (pathname === "/cached") return cached(request, ctx);
    if (pathname === "/streams") return streams(request);
    if (pathname === "/crypto") return new Response(await cryptography());
    if (pathname === "/ws") return webSockets(request);
    if (pathname === "/tcp") return new Response(await sockets());
    if (pathname === "/html")
      return new HTMLRewriter()
        .on("a[href]", new Counter())
        .onDocument({ end: (end) => void end.append("!") })
        .transform(await fetch(request));
    ctx.waitUntil(others(request));
    return Response.json({ greeting: env.GREETING, debug: env.SETTINGS.debug });
  },
  async scheduled(controller, env, ctx) {
    console.log(controller.cron, controller.scheduledTime, env.GREETING);
    ctx.waitUntil(Promise.resolve());
  },
} satisfies ExportedHandler<Env>;
