// Scheduled events by hand in `atoll dev`, as wrangler dev --test-scheduled has them.
import assert from "node:assert/strict";
import { test } from "node:test";
import { dev, project } from "./atoll.mjs";

const files = {
  "wrangler.toml": 'name = "w"\nmain = "i.js"\n[triggers]\ncrons = ["*/5 * * * *"]\n',
  "i.js": `export default {
    async scheduled(controller, env, ctx) {
      if (controller.cron === "bad") throw new RangeError("not tonight");
      if (controller.cron === "late") ctx.waitUntil(Promise.reject(new Error("too late")));
      ctx.waitUntil(scheduler.wait(5).then(() => console.log("ran", controller.cron, controller.scheduledTime)));
    },
    fetch: (request) => new Response(new URL(request.url).pathname),
  };`,
};

test("/__scheduled and /cdn-cgi/handler/scheduled run the handler", async (t) => {
  const server = await dev(t, project(t, files));
  const get = async (path) => {
    const answer = await fetch(`${server.url}${path}`);
    return [answer.status, await answer.text()];
  };
  assert.deepEqual(await get("/__scheduled?cron=*+*+*+*+*"), [200, "Ran scheduled event\n"]);
  await server.shows("ran * * * * * ");
  assert.deepEqual(await get("/cdn-cgi/handler/scheduled?cron=0%200%20*%20*%20MON&time=1700000000000"), [200, "Ran scheduled event\n"]);
  await server.shows("ran 0 0 * * MON 1700000000000");
  assert.deepEqual(await get("/__scheduled"), [200, "Ran scheduled event\n"]);
  const [status, page] = await get("/__scheduled?cron=bad");
  assert.equal(status, 500);
  assert.match(page, /RangeError: not tonight/);
  assert.equal((await get("/__scheduled?cron=late"))[0], 500);
  assert.deepEqual(await get("/__scheduled/more"), [200, "/__scheduled/more"]);
});

test("a worker without the handler says so", async (t) => {
  const server = await dev(t, project(t, { "wrangler.toml": 'name = "w"\nmain = "i.js"\n', "i.js": "export default { fetch: () => new Response() };" }));
  const answer = await fetch(`${server.url}/__scheduled`);
  assert.equal(answer.status, 500);
  assert.match(await answer.text(), /The worker has no scheduled handler/);
});
