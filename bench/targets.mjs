/* What atoll is held to, from the results that run.mjs collects: ratios of two peers in one run, and
 * for the platform times and sizes, which are a guide on a machine of two cores. */

const SERVE = "atoll serve";

function worst(attacks) {
    return attacks ? Math.max(...Object.values(attacks).map(({ ratio }) => ratio)) : NaN;
}

function best(results, names) {
    const values = names.map((name) => results?.[name]?.perSecond).filter(Boolean);
    return values.length ? Math.max(...values) : NaN;
}

/* of(results) is NaN where a peer is missing. */
export const TARGETS = [
    {
        name: "hello world, against the better of bun and deno",
        of: ({ hello }) => hello?.atoll?.perSecond / best(hello, ["bun", "deno"]),
        atLeast: 1.0,
    },
    {
        name: "hello world, against workerd",
        of: ({ hello }) => hello?.atoll?.perSecond / hello?.workerd?.perSecond,
        atLeast: 6,
    },
    {
        name: "Hono GET /, against workerd",
        of: ({ hono }) => hono?.atoll?.perSecond / hono?.workerd?.perSecond,
        atLeast: 4,
    },
    {
        name: "Hono GET /, against bun",
        of: ({ hono }) => hono?.atoll?.perSecond / hono?.bun?.perSecond,
        atLeast: 0.8,
    },
    {
        name: "KV get of a hot key, against hello world of the same process",
        of: ({ kv }) => kv?.atoll?.cases.hot.perSecond / kv?.atoll?.cases.hello.perSecond,
        atLeast: 0.5,
    },
    {
        name: "KV get of a hot key, against wrangler dev",
        of: ({ kv }) => kv?.atoll?.cases.hot.perSecond / kv?.wrangler?.cases.hot.perSecond,
        atLeast: 8,
    },
    {
        name: "KV, 64 puts at once, against a C loop of 64 rows a commit",
        of: ({ kv }) => kv?.atoll?.cases.put64.perSecond / kv?.atoll?.loopPerSecond,
        atLeast: 0.5,
    },
    {
        name: "the same by CPU time",
        of: ({ kv }) => kv?.atoll?.cases.put64.perCpuSecond / kv?.atoll?.loopPerCpuSecond,
        atLeast: 0.5,
    },
    {
        name: "D1 SELECT by primary key, against hello world of the same process",
        of: ({ d1 }) => d1?.atoll?.cases.select.perSecond / d1?.atoll?.cases.hello.perSecond,
        atLeast: 0.3,
    },
    {
        name: "D1 SELECT by primary key, against wrangler dev",
        of: ({ d1 }) => d1?.atoll?.cases.select.perSecond / d1?.wrangler?.cases.select.perSecond,
        atLeast: 5,
    },
    {
        name: "R2 get of 1 MB, streamed, against nginx",
        of: ({ r2 }) => r2?.atoll?.cases.meg.perSecond / r2?.nginx?.cases.meg.perSecond,
        atLeast: 0.7,
    },
    {
        name: "R2: memory that a huge object takes, in or out, MB",
        of: ({ r2 }) => Math.max(r2?.atoll?.huge?.inMb, r2?.atoll?.huge?.outMb) - r2?.atoll?.huge?.beforeMb,
        atMost: 64,
    },
    {
        name: "a static file of 10 KB, against nginx",
        of: ({ static: files }) => files?.atoll?.cases.small.perSecond / files?.nginx?.cases.small.perSecond,
        atLeast: 0.7,
    },
    {
        name: "cold start alone, times faster than workerd",
        of: ({ cold }) => cold?.workerd?.spaced.median / cold?.atoll?.spaced.median,
        atLeast: 7,
    },
    {
        name: "cold start in a burst, times faster than workerd",
        of: ({ cold }) => cold?.workerd?.cold.median / cold?.atoll?.cold.median,
        atLeast: 7,
    },
    {
        name: "memory of a further isolate, against workerd",
        of: ({ memory }) =>
            memory?.atoll?.perIsolateMb.median / memory?.workerd?.perIsolateMb.median,
        atMost: 0.7,
    },
    {
        name: "start to first answer, times faster than wrangler dev",
        of: ({ start }) => start?.wrangler?.median / start?.atoll?.median,
        atLeast: 8,
    },
    {
        name: "save to live, ms",
        of: ({ save }) => save?.atoll?.median ?? NaN,
        atMost: 60,
    },
    {
        name: "atoll serve: cold start alone, median ms",
        of: ({ cold }) => cold?.[SERVE]?.spaced.median ?? NaN,
        atMost: 1,
    },
    {
        name: "atoll serve: cold start alone, p99 ms",
        of: ({ cold }) => cold?.[SERVE]?.spaced.p99 ?? NaN,
        atMost: 5,
    },
    {
        name: "atoll serve: cold start alone, times faster than workerd",
        of: ({ cold }) => cold?.workerd?.spaced.median / cold?.[SERVE]?.spaced.median,
        atLeast: 7,
    },
    {
        name: "atoll serve: memory of an idle worker, MB",
        of: ({ evict }) => evict?.[SERVE]?.perIsolateMb ?? NaN,
        atMost: 1.1,
    },
    {
        name: "atoll serve: what is left of it after eviction",
        of: ({ evict }) => evict?.[SERVE]?.leftShare ?? NaN,
        atMost: 0.1,
    },
    {
        name: "atoll serve: 100,000 workers deployed, MB above none",
        of: ({ deployed }) => deployed?.[SERVE]?.fullMb - deployed?.[SERVE]?.emptyMb,
        atMost: 50,
    },
    {
        name: "atoll serve: first request to one of them, median ms",
        of: ({ deployed }) => deployed?.[SERVE]?.first.median ?? NaN,
        atMost: 5,
    },
    {
        name: "atoll serve: deploy to live everywhere, ms",
        of: ({ deploy }) => deploy?.[SERVE]?.median ?? NaN,
        atMost: 100,
    },
    {
        name: "atoll serve: a neighbour's p99 under the worst attack, x quiet",
        of: ({ neighbours }) => worst(neighbours?.[SERVE]),
        atMost: 3,
    },
    {
        name: "atoll serve: kill -9 to all processes back, ms",
        of: ({ kill }) => kill?.[SERVE]?.full.median ?? NaN,
        atMost: 200,
    },
    {
        name: "atoll serve: CPU time of a request, two runtimes against one",
        of: ({ scale }) => scale?.[SERVE]?.ratio ?? NaN,
        atMost: 1.1,
    },
    ...["hello", "hono"].map((name) => ({
        name: `atoll deploy of ${name}, times faster than wrangler deploy`,
        of: ({ cli }) => cli?.wrangler?.cases[`deploy ${name}`].median / cli?.atoll?.cases[`deploy ${name}`].median,
        atLeast: 10,
    })),
    {
        name: "atoll deploy of hello, ms",
        of: ({ cli }) => cli?.atoll?.cases["deploy hello"].median ?? NaN,
        atMost: 150,
    },
    {
        name: "atoll deploy of hono, ms",
        of: ({ cli }) => cli?.atoll?.cases["deploy hono"].median ?? NaN,
        atMost: 250,
    },
    {
        name: "atoll --version, ms",
        of: ({ cli }) => cli?.atoll?.cases["--version"].median ?? NaN,
        atMost: 10,
    },
];

/* The targets that this run can tell of: [{name, value, want, isMet}]. */
export function checkTargets(results) {
    return TARGETS
        .map(({ name, of, atLeast, atMost }) => {
            const value = of(results);
            return {
                name,
                value,
                want: atLeast !== undefined ? `>= ${atLeast}` : `<= ${atMost}`,
                isMet: atLeast !== undefined ? value >= atLeast : value <= atMost,
            };
        })
        .filter(({ value }) => !Number.isNaN(value));
}
