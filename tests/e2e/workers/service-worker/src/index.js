// The older syntax: listeners instead of exports, variables as globals.
addEventListener("fetch", (event) => {
  const { pathname } = new URL(event.request.url);
  if (pathname === "/pass") return;
  if (pathname === "/throw") throw new RangeError("thrown by a listener");
  if (pathname === "/reject") return event.respondWith(Promise.reject(new RangeError("rejected by a listener")));
  if (pathname === "/vars") return event.respondWith(Response.json({ GREETING, SETTINGS }));
  if (pathname === "/twice") {
    event.respondWith(new Response("once"));
    try {
      event.respondWith(new Response("twice"));
    } catch (error) {
      console.log(`the second call: ${error.name}`);
    }
    return;
  }
  event.waitUntil(Promise.resolve().then(() => console.log("waited in a service worker")));
  event.respondWith(new Response(`${event.type} ${event instanceof FetchEvent}`));
});

addEventListener("fetch", (event) => {
  if (new URL(event.request.url).pathname === "/pass") event.respondWith(new Response("the second listener"));
});

addEventListener("unhandledrejection", (event) => console.log(`nobody handled ${event.reason}`));
