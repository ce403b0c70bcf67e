/* Load from wrk: one thread on a core of its own, 64 kept connections. */
import { fileURLToPath } from "node:url";
import { runChild } from "./child.mjs";

export const CONNECTIONS = 64;

const SCRIPT = fileURLToPath(new URL("wrk.lua", import.meta.url));
const SLACK_MS = 10_000;

/* Loads the server on `port` for whole seconds: {requests, seconds, failed, p50Ms, p99Ms, maxMs,
 * loadCpuSeconds}. `args` are those of wrk.lua: a method and the file of a body. */
export async function load(port, seconds, core, { path = "/", host, connections = CONNECTIONS, args = [] } = {}) {
    const argv = ["wrk", "-t1", `-c${connections}`, `-d${seconds}s`, "-s", SCRIPT,
        ...(host ? ["-H", `Host: ${host}`] : []), `http://127.0.0.1:${port}${path}`, ...(args.length ? ["--", ...args] : [])];
    const output = await runChild(argv, seconds * 1000 + SLACK_MS, { core });
    const found = output.match(/^JSON (.*)$/m);
    if (!found)
        throw new Error(`wrk printed no result: ${output}`);
    return JSON.parse(found[1]);
}
