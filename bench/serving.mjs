/* A peer that serves a program: started, waited for, stopped. */
import { startChild, stopChild } from "./child.mjs";
import { freePort, untilAnswer } from "./http.mjs";
import { HELLO } from "./peers.mjs";

/* Starts `command` ({binary, port, dir, ...} -> argv) of `peer` on a free port, calls
 * use({child, port}) once GET target(port) is answered with `body`, and stops it in every case. */
export async function withServer(peer, command, options, use) {
    const { core, body = HELLO, target, ...args } = options;
    const port = await freePort();
    const argv = command({ binary: peer.binary, port, ...args });
    const child = startChild(argv, {
        core,
        cwd: args.dir,
        env: { NODE_ENV: "production", NO_COLOR: "1", ...peer.env },
    });
    try {
        await untilAnswer(child, port, body, target?.(port));
        return await use({ child, port });
    } finally {
        await stopChild(child);
    }
}
