// Cron triggers on a server: schedules by the API, runs that are asked for and runs of the clock.
import assert from "node:assert/strict";
import { test } from "node:test";
import { until } from "./atoll.mjs";
import { serve } from "./serve.mjs";

const worker = `
  let runs = [];
  export default {
    async scheduled(controller, env, ctx) {
      runs.push([controller.cron, controller.scheduledTime]);
      ctx.waitUntil(Promise.resolve().then(() => console.log("ran " + controller.cron)));
      if (controller.cron === "1 1 1 1 *") throw new Error("not on new year's day");
    },
    fetch: () => Response.json(runs),
  };`;

const script = "/accounts/default/workers/scripts/clock";

test("schedules are kept as they are given, and wrong ones refused", async (t) => {
  const server = await serve(t);
  assert.equal((await server.deploy("clock", worker)).success, true);
  const put = await server.api("PUT", `${script}/schedules`, [{ cron: "*/5 * * * *" }, { cron: "0 9 LW * MON#1" }]);
  assert.equal(put.success, true, JSON.stringify(put));
  const crons = async () => (await server.api("GET", `${script}/schedules`)).result.schedules.map(({ cron }) => cron);
  assert.deepEqual((await crons()).sort(), ["*/5 * * * *", "0 9 LW * MON#1"]);

  const wrong = await server.api("PUT", `${script}/schedules`, [{ cron: "0 9 * * 0" }]);
  assert.equal(wrong.success, false);
  assert.match(wrong.errors[0].message, /"0" is no day of week: it takes 1-7, SUN-SAT \(1 is Sunday\)/);
  assert.equal((await crons()).length, 2);

  assert.equal((await server.api("PUT", `${script}/schedules`, [])).success, true);
  assert.deepEqual(await crons(), []);
});

test("scheduled() runs when the API asks for it, and its end is told", async (t) => {
  const server = await serve(t);
  assert.equal((await server.deploy("clock", worker)).success, true);
  const run = (cron) => server.api("POST", `${script}/scheduled?cron=${encodeURIComponent(cron)}`);
  const good = await run("*/5 * * * *");
  assert.equal(good.result?.outcome, "ok", JSON.stringify(good));
  const bad = await run("1 1 1 1 *");
  assert.equal(bad.result?.outcome, "exception", JSON.stringify(bad));

  const metrics = await until(async () => {
    const headers = { authorization: "Bearer the-token-of-the-tests" };
    const text = await (await fetch(`${server.admin}/metrics`, { headers })).text();
    const counted = (outcome) => text.includes(`atoll_requests_total{worker="default/clock",outcome="${outcome}"} 1\n`);
    return counted("ok") && counted("exception") && text;
  }, "the runs in /metrics");
  assert.match(metrics, /^atoll_errors_total\{cause="exception"\} 1$/m);
});
