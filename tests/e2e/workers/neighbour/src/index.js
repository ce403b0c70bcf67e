// The worker next door: slow, talkative, and mostly within its limits.
const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
let requests = 0;

export default {
  async fetch(request) {
    const { pathname, searchParams } = new URL(request.url);
    requests++;
    if (pathname === "/requests") return new Response(String(requests));
    if (pathname === "/wait") {
      await wait(Number(searchParams.get("ms")));
      return new Response("waited");
    }
    if (pathname === "/drip") {
      let left = 10;
      return new Response(
        new ReadableStream({
          async pull(controller) {
            await wait(50);
            controller.enqueue(new TextEncoder().encode(`${left},`));
            if (--left === 0) controller.close();
          },
        }),
      );
    }
    if (pathname === "/slow-memory") {
      const kept = [];
      setInterval(() => kept.push(new Uint8Array(1 << 20).fill(1)), 10);
      await new Promise(() => {});
    }
    if (pathname === "/flood") {
      for (let i = 0; i < 300000; i++) console.log("flood", i, "x".repeat(200));
      return new Response("flooded");
    }
    return new Response("neighbour");
  },
};
