/* Programs under measurement: started, watched, and ended by their own pids, whatever happens.
 *
 * Invariants:
 * (1) every process started here is in `live` until it and its descendants are known to be gone;
 * (2) a signal goes only to a pid whose start time is still the one that was noted. */
import { spawn } from "node:child_process";
import { constants, setPriority } from "node:os";
import { processTree, startTicks } from "./proc.mjs";

const STOP_MS = 3000;           /* from SIGTERM to SIGKILL */
const OUTPUT_CHARS_MAX = 4000;  /* of a program's last words */

const live = new Set();

/* It goes before others where the user may say so: root, as a rule. */
function prefer(pid) {
    try {
        setPriority(pid, constants.priority.PRIORITY_HIGHEST);
    } catch {
        return;
    }
}

/* Starts argv; `core` pins it and its children to one CPU, `prefer` lets it go before other programs.
 * The end of a program's output, `outputChars` of it, is kept. The result has pid, exited (a
 * promise), isGone and output, and input with the option of that name. */
export function startChild(argv, { core, cwd, env, input, prefer: isPreferred, outputChars = OUTPUT_CHARS_MAX } = {}) {
    const words = core === undefined ? argv : ["taskset", "-c", String(core), ...argv];
    const handle = spawn(words[0], words.slice(1), {
        cwd,
        env: { ...process.env, ...env },
        stdio: [input ? "pipe" : "ignore", "pipe", "pipe"],
    });
    const child = { pid: handle.pid, argv, input: handle.stdin, isGone: false, output: "" };
    const keep = (text) => {
        child.output = (child.output + text).slice(-outputChars);
    };
    handle.stdout.on("data", keep);
    handle.stderr.on("data", keep);
    child.exited = new Promise((resolve) => {
        handle.on("error", (error) => { keep(error.message); child.isGone = true; resolve(-1); });
        handle.on("close", (code) => { child.isGone = true; resolve(code ?? -1); });
    });
    live.add(child);
    if (isPreferred)
        prefer(handle.pid);
    return child;
}

/* The output of a program that is expected to end by itself within ms. */
export async function runChild(argv, ms, options) {
    const child = startChild(argv, options);
    const timer = setTimeout(() => signalAll(noteTree(child), "SIGKILL"), ms);
    const code = await child.exited;
    clearTimeout(timer);
    live.delete(child);
    if (code !== 0)
        throw new Error(`${argv[0]} ended with ${code}: ${child.output.trim()}`);
    return child.output;
}

function noteTree(child) {
    if (child.pid === undefined || child.isGone)
        return [];
    return processTree(child.pid).map((pid) => ({ pid, start: startTicks(pid) }));
}

function signalAll(noted, signal) {
    for (const { pid, start } of noted) {
        if (!start || startTicks(pid) !== start)
            continue;
        try {
            process.kill(pid, signal);
        } catch (error) {
            if (error.code !== "ESRCH")
                throw error;
        }
    }
}

/* Asks the child to end, then ends whatever is left of it and of its descendants. */
export async function stopChild(child) {
    const noted = noteTree(child);
    signalAll(noted.slice(0, 1), "SIGTERM");
    let timer;
    const patience = new Promise((resolve) => { timer = setTimeout(resolve, STOP_MS); });
    await Promise.race([child.exited, patience]);
    clearTimeout(timer);
    signalAll(noted, "SIGKILL");
    await child.exited;
    live.delete(child);
}

/* For the way out of the runner: no waiting. */
export function killChildrenNow() {
    for (const child of live)
        signalAll(noteTree(child), "SIGKILL");
}
