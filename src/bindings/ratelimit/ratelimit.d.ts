// ---- rate limits ----

interface RateLimitOptions {
  /** What is counted: a user, an address, a path. */
  key: string;
  /** How much this counts, a positive integer; 1 when it is not given. */
  delta?: number;
}
interface RateLimitOutcome {
  success: boolean;
}
interface RateLimit {
  /** Counts, when the key has taken less than its limit in this window; says whether it had. */
  limit(options: RateLimitOptions): Promise<RateLimitOutcome>;
}
