/* What atoll is held to: ratios of two peers in one run, from the results that run.mjs collects. */

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
