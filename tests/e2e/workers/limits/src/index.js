// Handlers that never should have been deployed, a route each.
const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const never = () => new Promise(() => {});
let leaked;

function spin(rounds) {
  let x = 0;
  for (let i = 0; i < rounds; i++) x = (x * 31 + i) | 0;
  return x;
}

const routes = {
  "/ok": () => new Response("ok"),
  "/legal": () => new Response(String(typeof spin(2e6))),
  "/legal-garbage": () => {
    let kept = 0;
    for (let i = 0; i < 160; i++) kept += new Uint8Array(1 << 20).fill(i)[0] & 1;
    return new Response(String(kept));
  },

  // CPU time
  "/loop": () => {
    for (;;);
  },
  "/finally": () => {
    for (;;) {
      try {
        for (;;);
      } catch {
        continue;
      } finally {
        continue;
      }
    }
  },
  "/promises": async () => {
    for (;;) await null;
  },
  "/then": () => {
    const again = () => Promise.resolve().then(again);
    return again();
  },
  "/timers": () =>
    new Promise(() => {
      const again = () => {
        spin(1e5);
        setTimeout(again, 0);
      };
      again();
    }),
  "/mix": () =>
    new Promise(() => {
      const again = () => {
        spin(1e4);
        queueMicrotask(() => spin(1e4));
        Promise.resolve()
          .then(() => spin(1e4))
          .then(() => setTimeout(again, 0));
      };
      again();
    }),
  "/interval": () =>
    new Promise(() => {
      for (let i = 0; i < 10; i++) setInterval(() => spin(1e5), 0);
    }),
  "/regexp": () => new Response(String(/^(a+)+$/.test(`${"a".repeat(40)}!`))),
  "/sort": () => new Response(String(Array.from({ length: 1e7 }, (_, i) => -i).sort()[0])),
  "/generator": () => new Response([...(function* () { for (;;) yield 1; })()].join()),
  "/stream-loop": () =>
    new Response(
      new ReadableStream({
        pull(controller) {
          controller.enqueue(new Uint8Array(10));
          if (controller.desiredSize < 1) for (;;);
        },
      }),
    ),
  "/after-loop": (request, ctx) => {
    ctx.waitUntil(
      wait(10).then(() => {
        for (;;);
      }),
    );
    return new Response("ok");
  },
  "/after-timers": () => {
    const again = () => {
      spin(1e5);
      setTimeout(again, 0);
    };
    again();
    return new Response("ok");
  },

  // memory
  "/arrays": () => {
    const kept = [];
    for (;;) kept.push(new Array(1000).fill({}));
  },
  "/objects": () => {
    let kept = null;
    for (;;) kept = { kept, a: 1, b: [1, 2, 3] };
  },
  "/typed-arrays": () => {
    const kept = [];
    for (;;) kept.push(new Uint8Array(1 << 20).fill(1));
  },
  "/strings": () => {
    const kept = [];
    for (let i = 0; ; i++) kept.push(JSON.stringify(`${i}`.repeat(50000)));
  },
  "/rope": () => {
    let text = "x";
    for (;;) {
      text += text;
      text.charCodeAt(text.length >> 1);
    }
  },
  "/map": () => {
    const kept = new Map();
    for (let i = 0; ; i++) kept.set(i, `${i}`);
  },
  "/one-allocation": () => {
    const kept = new Uint8Array(1 << 30).fill(1);
    for (;;) kept[0]++;
  },
  "/wasm-memory": () => {
    const memory = new WebAssembly.Memory({ initial: 1 });
    for (;;) {
      const pages = memory.grow(64);
      new Uint8Array(memory.buffer, 65536 * pages).fill(1);
    }
  },
  "/leak": () => {
    (leaked ??= []).push(new Uint8Array(1 << 20).fill(1));
    return new Response(String(leaked.length));
  },

  // errors
  "/throw": () => {
    throw new TypeError("thrown on purpose");
  },
  "/reject": async () => {
    await null;
    throw new RangeError("rejected on purpose");
  },
  "/throw-string": () => {
    throw "just a string";
  },
  "/throw-nothing": () => {
    throw undefined;
  },
  "/throw-hostile": () => {
    throw {
      get stack() {
        throw new Error("no stack for you");
      },
      get message() {
        throw new Error("no message for you");
      },
      toString() {
        throw new Error("no text for you");
      },
    };
  },
  "/throw-proxy": () => {
    const no = () => {
      throw new Error("no");
    };
    throw new Proxy({}, { get: no, has: no, getPrototypeOf: no, ownKeys: no });
  },
  "/throw-huge": () => {
    throw new Error("é".repeat(500000));
  },
  "/throw-nul": () => {
    throw new Error("a\0b \ud800 c");
  },
  "/lost": () => {
    Promise.reject(new Error("lost on purpose"));
    return never();
  },
  "/hung": never,
  "/hung-late": async () => {
    await wait(5);
    await never();
  },
  "/string": () => "not a response",
  "/nothing": () => undefined,
  "/used": async () => {
    const response = new Response("x");
    await response.text();
    return response;
  },
  "/recursion": function recursion() {
    return recursion() + 1;
  },

  "/lost-but-answered": () => {
    Promise.reject(new Error("lost but answered"));
    return new Response("ok");
  },
  "/wait-until-rejects": (request, ctx) => {
    ctx.waitUntil(wait(5).then(() => { throw new Error("late and lost"); }));
    return new Response("ok");
  },
};

export default {
  fetch: (request, env, ctx) => routes[new URL(request.url).pathname](request, ctx),
};
