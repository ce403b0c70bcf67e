/* Medians, percentiles and ratios of samples. */

export function percentile(samples, p) {
    if (!samples.length)
        return NaN;
    const sorted = [...samples].sort((a, b) => a - b);
    const at = (sorted.length - 1) * p / 100;
    const low = Math.floor(at);
    const high = Math.ceil(at);
    return sorted[low] + (sorted[high] - sorted[low]) * (at - low);
}

export function median(samples) {
    return percentile(samples, 50);
}

/* What is kept of a list of samples: its median, 99th percentile, range and every sample. */
export function summary(samples) {
    return {
        median: median(samples),
        p99: percentile(samples, 99),
        min: Math.min(...samples),
        max: Math.max(...samples),
        samples,
    };
}

/* The median of one field over rounds: [{a: 1}, {a: 3}], "a" -> 2. */
export function medianOf(rounds, field) {
    return median(rounds.map((round) => round[field]));
}
