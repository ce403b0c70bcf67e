// An answer that takes long is made once in ten seconds: the cache on disk has it meanwhile.
async function slowReport(pathname) {
  await scheduler.wait(200);
  return `The report of ${pathname}, made at ${new Date().toISOString()}\n`;
}

export default {
  async fetch(request, env, ctx) {
    const found = await caches.default.match(request);
    if (found !== undefined) return found;
    const report = await slowReport(new URL(request.url).pathname);
    const response = new Response(report, { headers: { "cache-control": "max-age=10" } });
    ctx.waitUntil(caches.default.put(request, response.clone()));
    return response;
  },
};
