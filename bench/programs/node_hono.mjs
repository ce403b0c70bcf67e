/* Serves a fetch handler on node through Hono's own adapter: `node node_hono.mjs APP PORT`. */
import { serve } from "@hono/node-server";

const [appPath, port] = process.argv.slice(2);
const { default: app } = await import(appPath);

serve({ fetch: app.fetch, hostname: "127.0.0.1", port: Number(port) });
