// Runs by the clock: wrangler.toml says when. `atoll cron trigger` runs it now.
let last = "never, in this isolate";

export default {
  async scheduled(controller, env, ctx) {
    const time = new Date(controller.scheduledTime).toISOString();
    console.log(`${controller.cron} at ${time}`);
    last = time;
  },

  // Not needed for a cron: here to look at.
  fetch() {
    return new Response(`scheduled() last ran: ${last}\n`);
  },
};
