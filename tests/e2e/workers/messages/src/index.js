// Compression, message ports and the global's error events inside a real worker.
const events = [];

addEventListener("error", (event) => {
  if (!event.message.includes("cancelled on purpose")) return;
  event.preventDefault();
  events.push(event.message);
});
globalThis.onunhandledrejection = (event) => {
  if (event.reason?.message !== "cancelled rejection") return;
  event.preventDefault();
  events.push(`rejection: ${event.reason.message}`);
};

// A gzip file that unpacks to `megabytes` of zeros.
async function bomb(megabytes) {
  const stream = new CompressionStream("gzip");
  const writer = stream.writable.getWriter();
  const writing = (async () => {
    for (let i = 0; i < megabytes; i++) await writer.write(new Uint8Array(1 << 20));
    await writer.close();
  })();
  const bytes = await new Response(stream.readable).bytes();
  await writing;
  return bytes;
}

const routes = {
  "/gzip": () =>
    new Response(new Blob(["some words ".repeat(3000)]).stream().pipeThrough(new CompressionStream("gzip")), {
      headers: { "content-encoding": "gzip" },
    }),
  "/gunzip": (request) => new Response(request.body.pipeThrough(new DecompressionStream("gzip"))),
  async "/bomb-counted"() {
    const unpacked = new Blob([await bomb(100)]).stream().pipeThrough(new DecompressionStream("gzip"));
    let total = 0;
    for await (const chunk of unpacked) total += chunk.length;
    return new Response(`${total}`);
  },
  async "/bomb-collected"() {
    const unpacked = new Blob([await bomb(500)]).stream().pipeThrough(new DecompressionStream("gzip"));
    const chunks = [];
    for await (const chunk of unpacked) chunks.push(chunk);
    return new Response(`${chunks.length}`);
  },
  async "/port"() {
    const { port1, port2 } = new MessageChannel();
    port2.onmessage = ({ data, ports: [reply] }) => reply.postMessage(data.map((value) => value * 2));
    const { port1: mine, port2: theirs } = new MessageChannel();
    const answer = new Promise((resolve) => (mine.onmessage = resolve));
    port1.postMessage([1, 2, 3], [theirs]);
    return Response.json((await answer).data);
  },
  async "/open-port"() {
    const { port1 } = new MessageChannel();
    await new Promise((resolve) => (port1.onmessage = resolve));
  },
  async "/errors"() {
    events.length = 0;
    reportError(new Error("cancelled on purpose"));
    setTimeout(() => {
      throw new Error("cancelled on purpose, in a timer");
    });
    Promise.reject(new Error("cancelled rejection"));
    reportError(new Error("this one is logged"));
    await scheduler.wait(5);
    return Response.json(events);
  },
};

export default {
  fetch: (request) => routes[new URL(request.url).pathname](request),
};
