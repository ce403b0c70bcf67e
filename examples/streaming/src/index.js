// Sends one line at a time: a client sees each as it is written.
const encoder = new TextEncoder();
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export default {
  fetch(request) {
    const lines = Number(new URL(request.url).searchParams.get("lines") ?? 5);
    const body = new ReadableStream({
      async start(controller) {
        for (let i = 1; i <= lines; i++) {
          controller.enqueue(encoder.encode(`line ${i}\n`));
          await pause(50);
        }
        controller.close();
      },
    });
    return new Response(body, { headers: { "content-type": "text/plain" } });
  },
};
