/* What Linux tells of a process in /proc: its children, memory and CPU time. */
import { readFileSync, readdirSync } from "node:fs";

const TICKS_PER_SECOND = 100;   /* USER_HZ, the same on every Linux that node runs on */

function read(path) {
    try {
        return readFileSync(path, "utf8");
    } catch {
        return "";              /* the process is gone, or never had such a file */
    }
}

/* The fields of /proc/PID/stat that follow the name, which may itself hold spaces. */
function statFields(pid) {
    const text = read(`/proc/${pid}/stat`);
    return text.slice(text.lastIndexOf(")") + 2).split(" ");
}

/* When pid was started, in ticks since boot; with the pid it names one process for good. */
export function startTicks(pid) {
    return statFields(pid)[19] ?? "";
}

export function commandLine(pid) {
    return read(`/proc/${pid}/cmdline`).split("\0").join(" ").trim();
}

function childrenOf(pid) {
    let threads;
    try {
        threads = readdirSync(`/proc/${pid}/task`);
    } catch {
        return [];
    }
    return threads.flatMap((tid) =>
        read(`/proc/${pid}/task/${tid}/children`).split(" ").filter(Boolean).map(Number));
}

/* pid and all that descends from it, parents before children. */
export function processTree(pid) {
    return [pid, ...childrenOf(pid).flatMap(processTree)];
}

/* CPU time of the whole tree so far, in seconds. */
export function cpuSeconds(pid) {
    let ticks = 0;
    for (const member of processTree(pid)) {
        const fields = statFields(member);
        ticks += Number(fields[11] ?? 0) + Number(fields[12] ?? 0);
    }
    return ticks / TICKS_PER_SECOND;
}

function rollupKb(pid, field) {
    const found = read(`/proc/${pid}/smaps_rollup`).match(new RegExp(`^${field}: +(\\d+) kB`, "m"));
    return found ? Number(found[1]) : 0;
}

/* Resident memory of pids, in MB: rss counts a shared page in each process that maps it, pss
 * counts each process's share of it. */
export function memoryMb(pids) {
    const sum = (field) => pids.reduce((kb, pid) => kb + rollupKb(pid, field), 0) / 1024;
    return { rssMb: sum("Rss"), pssMb: sum("Pss"), processes: pids.length };
}
