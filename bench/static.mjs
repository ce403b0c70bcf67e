/* Static files: 10 KB and 1 MB out of a directory of assets, beside hello world of the same process, beside
 * wrangler dev, and beside nginx (where it is installed) with one worker that serves the same files.
 *
 * atoll is `atoll dev`, which looks at the file for every request, as nginx does. The server has core 0,
 * wrk core 1. */
import { chmodSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { NGINX, hasNginx } from "./nginx.mjs";
import { SERVER_CORE, digestPaths, measurePaths } from "./paths.mjs";
import { HELLO } from "./peers.mjs";
import { writeProject } from "./projects.mjs";
import { interleave } from "./rounds.mjs";
import { withServer } from "./serving.mjs";

const CASES = { hello: "/", small: "/ten.bin", large: "/meg.bin" };
const BYTES = { "ten.bin": 10 << 10, "meg.bin": 1 << 20 };
const SCRIPT = `export default { fetch: () => new Response(${JSON.stringify(HELLO)}) };\n`;

function freshProject(run) {
    const dir = join(run.work, "static");
    rmSync(dir, { recursive: true, force: true });
    mkdirSync(join(dir, "public"), { recursive: true });
    writeProject(dir, "static", SCRIPT, '[assets]\ndirectory = "public"\n');
    for (const [name, bytes] of Object.entries(BYTES))
        writeFileSync(join(dir, "public", name), Buffer.alloc(bytes, "0123456789abcdef"));
    for (const path of [dir, join(dir, "public")])
        chmodSync(path, 0o755);
    return dir;
}

async function measureOnce(server, run) {
    return measurePaths(CASES, server, run);
}

const digest = (rounds) => ({ cases: digestPaths(CASES, rounds), rounds });

/* {peer: {cases: {name: medians}, rounds}} of those that serve workers, and nginx. */
export async function measureStatic(run) {
    const peers = [...run.peers.filter((peer) => peer.serve.dev), ...(hasNginx() ? [NGINX] : [])];
    const samples = await interleave("static", peers, run.rounds, run, (peer) =>
        withServer(peer, peer.command ?? peer.serve.dev, { core: SERVER_CORE, dir: freshProject(run) },
            (server) => measureOnce(server, run)));
    return Object.fromEntries(Object.entries(samples).map(([name, rounds]) => [name, digest(rounds)]));
}
