// ---- analytics engine ----

interface AnalyticsEngineDataPoint {
  /** One, of at most 96 bytes. */
  indexes?: ((ArrayBuffer | string) | null)[];
  /** At most 20. */
  doubles?: number[];
  /** At most 20, of 16 KB together. */
  blobs?: ((ArrayBuffer | string) | null)[];
}
interface AnalyticsEngineDataset {
  /** Returns at once; the point can be queried a second or two later. At most 250 for a request. */
  writeDataPoint(event?: AnalyticsEngineDataPoint): void;
}
