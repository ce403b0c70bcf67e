/* The peers: where each one's binary is, what it can run, and by which command. */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const HERE = fileURLToPath(new URL(".", import.meta.url));
const ROOT = join(HERE, "..");
const PROGRAMS = join(HERE, "programs");
const CACHE = join(ROOT, "build", "bench", "cache");     /* what the peers keep between runs */
const IS_ARM = process.arch === "arm64";

/* Native binaries lie in packages of their own, one a platform, and package.json names these:
 * nothing is downloaded by an install script, and no other platform's packages are locked. */
const WORKERD = IS_ARM ? "@cloudflare/workerd-linux-arm64" : "@cloudflare/workerd-linux-64";
const DENO = IS_ARM ? "@deno/linux-arm64-glibc" : "@deno/linux-x64-glibc";
const BUN = IS_ARM ? "@oven/bun-linux-aarch64" : "@oven/bun-linux-x64";

const ATOLL = join(ROOT, "build", "atoll");

/* Found also by a binary that lies elsewhere, as --atoll may name one. */
const ATOLL_ENV = {
    ATOLL_ESBUILD: join(ROOT, "node_modules", "@esbuild", IS_ARM ? "linux-arm64" : "linux-x64", "bin", "esbuild"),
};

function fromNpm(...path) {
    return join(HERE, "node_modules", ...path);
}

function versionOf(packageName) {
    return JSON.parse(readFileSync(fromNpm(packageName, "package.json"), "utf8")).version;
}

function atollVersion(binary) {
    try {
        return execFileSync(binary, ["--version"], { encoding: "utf8", timeout: 5000 }).trim();
    } catch {
        return "unknown";
    }
}

export const HELLO = "Hello World!";

/* Each peer: binary; version(binary); env; and serve.<program>({binary, port, dir}) -> argv that
 * serves the app.mjs in dir. serve.dev is a server that follows edits of that file. cli(binary) begins
 * the argv of its command line, where it has one that deploys. */
export const PEERS = {
    atoll: {
        binary: ATOLL,
        env: ATOLL_ENV,
        missing: "is not built; run `make` first",
        version: atollVersion,
        cli: (binary) => [binary],
        serve: {
            hello: atollDev,
            hono: atollDev,
            bodies: atollDev,
            dev: atollDev,
        },
    },
    "atoll serve": {
        binary: ATOLL,
        env: ATOLL_ENV,
        missing: "is not built; run `make` first",
        version: atollVersion,
        serve: {},
    },
    workerd: {
        binary: fromNpm(WORKERD, "bin", "workerd"),
        version: () => versionOf(WORKERD),
        serve: {
            hello: workerdServe,
            hono: workerdServe,
            bodies: workerdServe,
        },
    },
    deno: {
        binary: fromNpm(DENO, "deno"),
        version: () => versionOf(DENO),
        env: { DENO_NO_UPDATE_CHECK: "1", DENO_DIR: join(CACHE, "deno") },
        serve: {
            hello: denoServe,
            hono: denoServe,
            bodies: denoServe,
        },
    },
    bun: {
        binary: fromNpm(BUN, "bin", "bun"),
        version: () => versionOf(BUN),
        serve: {
            hello: bunServe,
            hono: bunServe,
            bodies: bunServe,
        },
    },
    node: {
        binary: process.execPath,
        version: () => process.version.slice(1),
        serve: {
            hello: ({ binary, port }) => [binary, join(PROGRAMS, "node_hello.mjs"), String(port)],
            hono: ({ binary, port, dir }) =>
                [binary, join(PROGRAMS, "node_hono.mjs"), join(dir, "app.mjs"), String(port)],
        },
    },
    wrangler: {
        binary: fromNpm("wrangler", "wrangler-dist", "cli.js"),
        version: () => versionOf("wrangler"),
        /* Nothing is asked of the network, whose slowness would be charged to wrangler. */
        env: {
            CI: "1",
            WRANGLER_SEND_METRICS: "false",
            WRANGLER_HIDE_BANNER: "true",
            CLOUDFLARE_CF_FETCH_ENABLED: "false",
            WRANGLER_LOG_PATH: join(CACHE, "wrangler"),
            WRANGLER_REGISTRY_PATH: join(CACHE, "wrangler-registry"),
        },
        cli: (binary) => [process.execPath, "--no-warnings", binary],
        serve: {
            dev: ({ binary, port }) => [process.execPath, "--no-warnings", binary, "dev",
                "--ip", "127.0.0.1", "--port", String(port), "--inspector-port", "0",
                "--show-interactive-dev-session=false"],
        },
    },
};

export function atollDev({ binary, port, dir, dirs = [dir] }) {
    return [binary, "dev", ...dirs, "--port", String(port), "--ip", "127.0.0.1", "--quiet"];
}

/* Both ports are chosen by the system; the line "server.ready" tells them. */
export function atollServe({ binary, data, config }) {
    return [binary, "serve", "--data", data, "--config", config, "--listen", "127.0.0.1:0",
        "--admin", "127.0.0.1:0"];
}

function workerdServe({ binary, port, dir }) {
    return [binary, "serve", join(dir, "workerd.capnp"), "--socket-addr",
        `http=127.0.0.1:${port}`];
}

export function workerdLoader({ binary, port, dir }) {
    return [binary, "serve", join(dir, "workerd_loader.capnp"), "--experimental", "--socket-addr",
        `http=127.0.0.1:${port}`];
}

function denoServe({ binary, port, dir }) {
    return [binary, "serve", "--no-config", "--no-lock", "--cached-only", "--allow-net", "--host", "127.0.0.1",
        "--port", String(port), join(dir, "app.mjs")];
}

function bunServe({ binary, port, dir }) {
    return [binary, join(PROGRAMS, "bun.mjs"), join(dir, "app.mjs"), String(port)];
}

/* The peers that can run here, in the table's order: {name, binary, version, ...}. `say` is told
 * of each one that cannot. */
export function availablePeers(wanted, atollBinary, say) {
    const names = wanted ?? Object.keys(PEERS);
    const found = [];
    for (const name of names) {
        const peer = PEERS[name];
        const binary = peer.binary === ATOLL && atollBinary ? atollBinary : peer.binary;
        if (!existsSync(binary)) {
            const why = peer.missing ?? "is missing; run npm ci --prefix bench";
            say(`${name} is skipped: ${binary} ${why}`);
            continue;
        }
        found.push({ ...peer, name, binary, version: peer.version(binary) });
    }
    return found;
}
