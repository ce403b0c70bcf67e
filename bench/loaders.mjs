/* The peers that load workers on demand, told to serve many of them.
 *
 * atoll gets a project for each worker and tells them apart by Host, and so does `atoll serve`, where
 * they are deployed once in a run and the server is started anew for each round; workerd gets a
 * worker with a worker-loader binding, which makes each one up from the path. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { atollDev, workerdLoader } from "./peers.mjs";
import { newData, servePeers, withPlatform } from "./platform.mjs";
import { commandLine, processTree } from "./proc.mjs";
import { greeting, greetingSource, writeGreetings } from "./projects.mjs";
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

const DEPLOYS_AT_ONCE = 2;

export function loadingPeers(peers) {
    return peers.filter((peer) => LOADERS[peer.name] || servePeers([peer]).length);
}

/* The data directory of a server that has workers `names`, each deployed through its API. */
export async function dataWith(peer, run, names) {
    const known = join(run.work, "serve", `greetings-${names.length}`);
    if (existsSync(known))
        return known;
    const data = newData(run, `greetings-${names.length}`);
    const rest = [...names];
    await withPlatform(peer, { data }, (platform) =>
        Promise.all(Array.from({ length: DEPLOYS_AT_ONCE }, async () => {
            for (let name = rest.pop(); name; name = rest.pop()) {
                run.progress(`deploying, ${rest.length} to go`);
                await platform.deploy(name, greetingSource(name));
            }
        })));
    return data;
}

async function withServeLoader(peer, run, names, use) {
    const data = await dataWith(peer, run, names);
    return withPlatform(peer, { data }, async (platform) => {
        await platform.ask(names[0]);
        return use({
            child: platform.child,
            port: platform.port,
            target: (name) => platform.target(name),
            pids: () => platform.runtimes(),
        });
    });
}

export function workerNames(count) {
    return Array.from({ length: count }, (_, i) => `w${String(i).padStart(4, "0")}`);
}

/* Serves workers `names` with `peer`, the first of them loaded, and calls
 * use({child, port, target(name), pids()}). */
export function withLoader(peer, run, names, use) {
    if (servePeers([peer]).length)
        return withServeLoader(peer, run, names, use);
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
