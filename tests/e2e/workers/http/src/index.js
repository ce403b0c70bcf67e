// What http.test.mjs asks for, a route each. `seen` counts requests that reached a handler.
let seen = 0;
const events = {};
const note = (key, text) => (events[key] ??= []).push(text);
const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const KILOBYTES_64 = new Uint8Array(65536).fill(97);

const stream = (pull, cancel) => new ReadableStream({ pull, cancel }, { highWaterMark: 0 });

function bytesStream(total) {
  let sent = 0;
  return stream((controller) => {
    if (sent >= total) return controller.close();
    const chunk = KILOBYTES_64.subarray(0, Math.min(KILOBYTES_64.length, total - sent));
    sent += chunk.length;
    controller.enqueue(chunk);
  });
}

const routes = {
  "/": () => new Response("hello"),
  "/seen": () => new Response(String(seen - 1)),
  "/events": (request, url) => Response.json(events[url.searchParams.get("key")] ?? []),
  "/echo": async (request) => new Response(await request.text()),
  "/echo-stream": (request) => new Response(request.body),
  "/ignore": () => new Response("ignored"),
  "/big-ignore": () => new Response(new Uint8Array(8 << 20)),
  "/size": async (request) => new Response(String((await request.arrayBuffer()).byteLength)),
  "/describe": (request) =>
    Response.json({ method: request.method, url: request.url, headers: [...request.headers] }),
  "/text": (request, url) => new Response("é".repeat(Number(url.searchParams.get("n")))),
  "/bytes": (request, url) => new Response(new Uint8Array(Number(url.searchParams.get("n"))).fill(7)),
  "/stream": (request, url) => new Response(bytesStream(Number(url.searchParams.get("n")))),
  "/fixed": () => new Response(bytesStream(100000), { headers: { "content-length": "100000" } }),
  "/too-long": () => new Response(bytesStream(20), { headers: { "content-length": "10" } }),
  "/too-short": () => new Response(bytesStream(10), { headers: { "content-length": "20" } }),
  "/broken": () =>
    new Response(
      new ReadableStream({
        async start(controller) {
          controller.enqueue(new TextEncoder().encode("part"));
          await wait(20);
          controller.error(new Error("the source broke"));
        },
      }),
    ),
  "/wait": async (request, url) => {
    await wait(Number(url.searchParams.get("ms")));
    return new Response("waited");
  },
  "/drip": (request, url) => {
    let left = Number(url.searchParams.get("n"));
    return new Response(
      stream(async (controller) => {
        await wait(50);
        controller.enqueue(new TextEncoder().encode(`${left},`));
        if (--left === 0) controller.close();
      }),
    );
  },
  "/forever": (request, url) => {
    const key = url.searchParams.get("key");
    request.signal.addEventListener("abort", () => note(key, `abort ${request.signal.reason.name}`));
    return new Response(
      stream(
        async (controller) => {
          await wait(5);
          controller.enqueue(KILOBYTES_64);
        },
        () => note(key, "cancel"),
      ),
    );
  },
  "/upload": async (request, url) => {
    const key = url.searchParams.get("key");
    request.signal.addEventListener("abort", () => note(key, "abort"));
    note(key, "began");
    let size = 0;
    try {
      for await (const chunk of request.body) size += chunk.length;
    } catch (error) {
      note(key, `${error.name}: ${error.message}`);
      throw error;
    }
    return new Response(String(size));
  },
  "/slow-upload": async (request) => {
    let size = 0;
    let paused = 0;
    for await (const chunk of request.body) {
      size += chunk.length;
      if (size >> 20 > paused) {
        paused = size >> 20;
        await wait(1);
      }
    }
    return new Response(String(size));
  },
  "/never": async (request, url) => {
    const key = url.searchParams.get("key");
    note(key, "began");
    await new Promise((resolve) => {
      request.signal.addEventListener("abort", () => {
        note(key, "abort");
        resolve();
      });
      setInterval(() => {}, 1000);
    });
    return new Response("too late");
  },
  "/unread-then-late": async (request) => {
    await wait(50);
    return new Response("late");
  },
  "/cookies": () => {
    const headers = new Headers({ "x-a": "1" });
    headers.append("set-cookie", "a=1; Path=/");
    headers.append("set-cookie", "b=2");
    headers.append("x-a", "2");
    return new Response("cookies", { headers });
  },
  "/latin1": (request) =>
    new Response(`${[...request.headers.get("x-in")].map((c) => c.charCodeAt(0))}`, {
      headers: { "x-out": "caf\u00e9 \u00ff" },
    }),
  "/latin1-unicode": () => new Response("\u{1f600} é", { headers: { "x-out": "\u00e9" } }),
  "/status": (request, url) => {
    const status = Number(url.searchParams.get("code"));
    return new Response([204, 304].includes(status) ? null : "text", { status });
  },
  "/head-stream": () => new Response(stream((controller) => controller.enqueue(KILOBYTES_64))),
  "/date": () => new Response("dated", { headers: { date: "Thu, 01 Jan 1970 00:00:00 GMT" } }),
  "/server-headers": () =>
    new Response("ours", {
      headers: { connection: "upgrade", "transfer-encoding": "gzip", "content-length": "99", "keep-alive": "x" },
    }),
  "/error-response": () => Response.error(),
};

export default {
  async fetch(request) {
    seen++;
    const url = new URL(request.url);
    const route = routes[url.pathname];
    return route ? route(request, url) : new Response("no route", { status: 404 });
  },
};
