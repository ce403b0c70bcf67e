/* Serves a fetch handler with Bun: `bun bun.mjs APP PORT`. */
const [appPath, port] = process.argv.slice(2);
const { default: app } = await import(appPath);

Bun.serve({
    hostname: "127.0.0.1",
    port: Number(port),
    development: false,
    fetch: app.fetch,
});
