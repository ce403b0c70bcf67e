/* Results as tables for people. */

function number(value, digits) {
    return Number.isFinite(value)
        ? value.toLocaleString("en-US",
            { minimumFractionDigits: digits, maximumFractionDigits: digits })
        : "-";
}

function percent(share) {
    return `${number(share * 100, 0)} %`;
}

/* Rows of cells under a head; the first column is set left, the others right. */
export function table(title, head, rows) {
    const lines = [head, ...rows];
    const widths = head.map((_, i) => Math.max(...lines.map((cells) => cells[i].length)));
    const format = (cells) => cells
        .map((cell, i) => (i ? cell.padStart(widths[i]) : cell.padEnd(widths[i])))
        .join("  ").trimEnd();
    return [title, ...lines.map((cells) => `  ${format(cells)}`)].join("\n");
}

/* Each peer against atoll, or against the first row when atoll is not among them. */
function against(results, value) {
    const name = results.atoll ? "atoll" : Object.keys(results)[0];
    const base = value(results[name]);
    return { head: `x ${name}`, of: (result) => number(value(result) / base, 2) };
}

const BUSY_SHARE_MIN = 0.95;

/* A server with time to spare under full load was held up by others: wrk, or neighbours. */
function heldUp(results) {
    return Object.entries(results)
        .filter(([, result]) => result.cpuShare < BUSY_SHARE_MIN)
        .map(([name, result]) => `\n  note: ${name} had less than its core, ` +
            (result.loadCpuShare < BUSY_SHARE_MIN
                ? "so other programs were running; compare req/CPU s, or run again"
                : "because wrk was the limit; compare req/CPU s"))
        .join("");
}

function throughputTable(title) {
    return (results) => {
        const ratio = against(results, (result) => result.perSecond);
        const text = table(title,
            ["", "req/s", ratio.head, "req/CPU s", "busy", "wrk busy", "p50 ms", "p99 ms",
                "idle MB", "loaded MB", "processes", "failed"],
            Object.entries(results).map(([name, result]) => [
                name, number(result.perSecond, 0), ratio.of(result),
                number(result.perCpuSecond, 0),
                percent(result.cpuShare), percent(result.loadCpuShare),
                number(result.p50Ms, 2), number(result.p99Ms, 2),
                number(result.idleMb, 1), number(result.loadedMb, 1),
                String(result.processes), String(result.failed)]));
        return text + heldUp(results);
    };
}

function coldTable(results) {
    const ratio = against(results, (result) => result.cold.median);
    return table("Cold start of a worker never loaded before, ms",
        ["", "median", ratio.head, "p99", "spaced, median", "p99", "second request, median"],
        Object.entries(results).map(([name, { cold, spaced, again }]) => [
            name, number(cold.median, 2), ratio.of({ cold }), number(cold.p99, 2),
            number(spaced.median, 2), number(spaced.p99, 2), number(again.median, 2)]));
}

function memoryTable(results) {
    const ratio = against(results, (result) => result.perIsolateMb.median);
    return table("Resident memory of a further idle hello isolate, MB",
        ["", "per isolate", ratio.head, "few loaded", "many loaded"],
        Object.entries(results).map(([name, result]) => [
            name, number(result.perIsolateMb.median, 2), ratio.of(result),
            number(result.fewMb.median, 1), number(result.manyMb.median, 1)]));
}

function timesTable(title) {
    return (results) => {
        const ratio = against(results, (result) => result.median);
        return table(title,
            ["", "median", ratio.head, "min", "max"],
            Object.entries(results).map(([name, result]) => [
                name, number(result.median, 1), ratio.of(result),
                number(result.min, 1), number(result.max, 1)]));
    };
}

/* A row for each case of each peer; ratios against atoll in that case. */
function bodiesTable(title) {
    return (results) => {
        const names = Object.keys(Object.values(results)[0].cases);
        const rowsOf = (name) => Object.entries(results).filter(([, { cases }]) => name in cases);
        const rows = names.flatMap((name) => rowsOf(name).map(([peer, { cases }]) => {
            const mine = cases[name];
            const base = (results.atoll ?? Object.values(results)[0]).cases[name];
            return [
                `${name}, ${peer}`, number(mine.perSecond, 1), number(mine.perSecond / base.perSecond, 2),
                number(mine.perCpuSecond, 1), number(mine.perCpuSecond / base.perCpuSecond, 2),
                percent(mine.cpuShare), number(mine.p50Ms, 2), number(mine.loadedMb, 1), String(mine.failed),
            ];
        }));
        const first = results.atoll ? "atoll" : Object.keys(results)[0];
        return table(title, ["", "req/s", `x ${first}`, "req/CPU s", `x ${first}`, "busy", "p50 ms", "loaded MB",
            "failed"], rows);
    };
}

function r2Table(results) {
    const huge = results.atoll?.huge;
    const text = bodiesTable("R2: an object of 1 MB from a worker, beside hello world")(results);
    if (!huge)
        return text;
    return `${text}\n${table(`An object of ${huge.gigabytes} GB, atoll`, ["", "seconds", "MB of memory before", "at most"], [
        ["in", number(huge.inSeconds, 1), number(huge.beforeMb, 1), number(huge.inMb, 1)],
        ["out", number(huge.outSeconds, 1), number(huge.beforeMb, 1), number(huge.outMb, 1)]])}`;
}

function evictTable(results) {
    return table("Memory of all runtimes with many idle workers, MB",
        ["", "before", "loaded", "evicted", "per isolate", "left"],
        Object.entries(results).map(([name, result]) => [
            name, number(result.before, 1), number(result.loaded, 1), number(result.after, 1),
            number(result.perIsolateMb, 2), percent(result.leftShare)]));
}

function deployedTable(results) {
    return table("100,000 workers deployed, none loaded",
        ["", "empty MB", "full MB", "first request, median ms", "p99 ms"],
        Object.entries(results).map(([name, { emptyMb, fullMb, first }]) => [
            name, number(emptyMb, 1), number(fullMb, 1), number(first.median, 2), number(first.p99, 2)]));
}

function deployTable(results) {
    return table("Deploy of 20 KB through the API to live on every runtime, ms",
        ["", "median", "p99", "min", "stale answers"],
        Object.entries(results).map(([name, result]) => [
            name, number(result.median, 1), number(result.p99, 1), number(result.min, 1), String(result.stale)]));
}

function cliTable(results) {
    const names = Object.keys(Object.values(results)[0].cases);
    return table("Commands, from their start to their end, ms", ["", "median", "x atoll", "min", "max"],
        names.flatMap((name) => Object.entries(results).map(([peer, { cases }]) => [
            `${name}, ${peer}`, number(cases[name].median, 1),
            number(cases[name].median / results.atoll?.cases[name].median, 1),
            number(cases[name].min, 1), number(cases[name].max, 1)])));
}

function neighboursTable(results) {
    return table("p99 of a neighbour's hello world while another tenant misbehaves, ms",
        ["", "quiet", "p50", "p99", "x quiet", "max", "failed"],
        Object.entries(results).flatMap(([name, attacks]) => Object.entries(attacks).map(([kind, result]) => [
            `${kind}, ${name}`, number(result.quietMs, 2), number(result.p50Ms, 2), number(result.p99Ms, 2),
            number(result.ratio, 1), number(result.maxMs, 1), String(result.failed)])));
}

function killTable(results) {
    return table("kill -9 of a runtime under load",
        ["", "new connection ms", "max", "all processes ms", "max", "failed a kill", "answered", "in usage"],
        Object.entries(results).map(([name, { answer, full, failedPerKill, connections, answered, used }]) => [
            name, number(answer.median, 1), number(answer.max, 1), number(full.median, 1), number(full.max, 1),
            `${number(failedPerKill, 1)} of ${connections}`, number(answered, 0), number(used, 0)]));
}

function scaleTable(results) {
    return table("Hello world, requests per CPU second of all processes",
        ["", "one runtime", "two runtimes", "CPU time, x one", "failed"],
        Object.entries(results).map(([name, result]) => [
            name, number(result.one, 0), number(result.two, 0), number(result.ratio, 3), String(result.failed)]));
}

const TABLES = {
    hello: throughputTable("Hello world, one process on one core, 64 connections"),
    hono: throughputTable("Hono GET /, one process on one core, 64 connections"),
    text: bodiesTable("request.text()"),
    json: bodiesTable("request.json()"),
    upload: bodiesTable("for await (const chunk of request.body), 100 MB, one connection"),
    pipe: bodiesTable("return fetch(upstream); new Response((await fetch(upstream)).body)"),
    sha256: bodiesTable("crypto.subtle.digest(\"SHA-256\")"),
    url: bodiesTable("new URL() and searchParams"),
    d1: bodiesTable("D1: a row by its key, a list of 20, an insert, from a worker"),
    r2: r2Table,
    static: bodiesTable("Static files of 10 KB and 1 MB, beside hello world"),
    kv: bodiesTable("KV: get and put of 100 bytes from a worker"),
    cold: coldTable,
    memory: memoryTable,
    start: timesTable("Process start to first answer, ms"),
    save: timesTable("Save to live, ms"),
    evict: evictTable,
    deployed: deployedTable,
    deploy: deployTable,
    neighbours: neighboursTable,
    kill: killTable,
    scale: scaleTable,
    cli: cliTable,
};

/* The table of one measure, or "" when it has no results. */
export function tableOf(measure, results) {
    return Object.keys(results).length ? TABLES[measure](results) : "";
}

export function targetsTable(targets) {
    return table("Targets", ["", "value", "wanted", ""],
        targets.map(({ name, value, want, isMet }) =>
            [name, number(value, 2), want, isMet ? "met" : "MISSED"]));
}
