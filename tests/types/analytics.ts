// Rate limits, datasets and version metadata.
interface Env {
  RL: RateLimit;
  VISITS: AnalyticsEngineDataset;
  VERSION: WorkerVersionMetadata;
}

export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    const { success }: { success: boolean } = await env.RL.limit({ key: request.url });
    await env.RL.limit({ key: "a", delta: 2 });
    env.VISITS.writeDataPoint({ blobs: ["a", null, new ArrayBuffer(1)], doubles: [1, 2.5], indexes: ["i"] });
    const nothing: void = env.VISITS.writeDataPoint();
    const { id, tag, timestamp }: { id: string; tag: string; timestamp: string } = env.VERSION;
    return Response.json([success, nothing, id, tag, timestamp]);
  },
};
