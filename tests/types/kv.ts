// A worker that uses all of KVNamespace: it must compile with src/bindings/kv/kv.d.ts and with
// @cloudflare/workers-types alike (tests/e2e/types.test.mjs). It is never run.
interface Env {
  KV: KVNamespace;
}

interface Session {
  user: string;
}

async function gets({ KV }: Env): Promise<number> {
  const text: string | null = await KV.get("a");
  const cached: string | null = await KV.get("a", { type: "text", cacheTtl: 60 });
  const session: Session | null = await KV.get<Session>("a", "json");
  const again: Session | null = await KV.get<Session>("a", { type: "json" });
  const buffer: ArrayBuffer | null = await KV.get("a", "arrayBuffer");
  const stream: ReadableStream | null = await KV.get("a", { type: "stream" });
  const many: Map<string, string | null> = await KV.get(["a", "b"]);
  const sessions: Map<string, Session | null> = await KV.get<Session>(["a"], "json");
  await stream?.cancel();
  return (text ?? cached ?? "").length + (buffer?.byteLength ?? 0) + many.size + sessions.size + (session === again ? 1 : 0);
}

async function metadata({ KV }: Env): Promise<string | null> {
  const { value, metadata, cacheStatus } = await KV.getWithMetadata<{ tag: string }>("a");
  const typed = await KV.getWithMetadata<Session, number>("a", "json");
  const user: string | undefined = typed.value?.user;
  return cacheStatus ?? value ?? metadata?.tag ?? user ?? `${typed.metadata}`;
}

export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    await env.KV.put("a", "text", { expirationTtl: 60, metadata: { tag: "x" } });
    await env.KV.put("b", new Uint8Array(4), { expiration: 2e9 });
    if (request.body) await env.KV.put("c", request.body);
    await env.KV.delete("a");
    const names: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await env.KV.list<{ tag: string }>({ prefix: "a:", limit: 10, cursor });
      for (const { name, expiration, metadata } of page.keys) names.push(`${name} ${expiration} ${metadata?.tag}`);
      cursor = page.list_complete ? undefined : page.cursor;
    } while (cursor);
    return Response.json([names, await gets(env), await metadata(env)]);
  },
};
