/* The two peers that load workers on demand, told to serve many of them.
 *
 * atoll gets a project for each worker and tells them apart by Host; workerd gets a worker with a
 * worker-loader binding, which makes each one up from the path. */
import { join } from "node:path";
import { atollDev, workerdLoader } from "./peers.mjs";
import { commandLine, processTree } from "./proc.mjs";
import { greeting, writeGreetings } from "./projects.mjs";
import { withServer } from "./serving.mjs";

const READY_MS = 60_000;        /* atoll bundles every project before it answers */
const RUNTIME = /(^|\/)atoll runtime\b/;

const LOADERS = {
    atoll: {
        command: atollDev,
        options: (work, names) => ({ dirs: writeGreetings(work, names), dir: work }),
        target: (name, port) => ({ host: `${name}.localhost:${port}` }),
        /* The process with the isolates in it; its supervisor's memory is no worker's. */
        pids: (child) => {
            const tree = processTree(child.pid);
            const runtimes = tree.filter((pid) => RUNTIME.test(commandLine(pid)));
            return runtimes.length ? runtimes : tree;
        },
    },
    workerd: {
        command: workerdLoader,
        options: (work) => ({ dir: join(work, "loader") }),
        target: (name) => ({ path: `/${name}` }),
        pids: (child) => [child.pid],
    },
};

export function loadingPeers(peers) {
    return peers.filter((peer) => LOADERS[peer.name]);
}

export function workerNames(count) {
    return Array.from({ length: count }, (_, i) => `w${String(i).padStart(4, "0")}`);
}

/* Serves workers `names` with `peer`, the first of them loaded, and calls
 * use({child, port, target(name), pids()}). */
export function withLoader(peer, run, names, use) {
    const loader = LOADERS[peer.name];
    const options = {
        ...loader.options(run.work, names),
        body: greeting(names[0]),
        target: (port) => ({ ms: READY_MS, ...loader.target(names[0], port) }),
    };
    return withServer(peer, loader.command, options, ({ child, port }) => use({
        child,
        port,
        target: (name) => loader.target(name, port),
        pids: () => loader.pids(child),
    }));
}

/* Asks for worker `name` and returns the milliseconds its answer took. */
export async function ask(connection, server, name) {
    const { status, body, ms } = await connection.get(server.target(name));
    if (status !== 200 || body !== greeting(name))
        throw new Error(`worker ${name} answered ${status} ${JSON.stringify(body.slice(0, 200))}`);
    return ms;
}
