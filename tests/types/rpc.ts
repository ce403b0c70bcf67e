// Service bindings: types as they are written there; see worker.ts.
import { RpcTarget, WorkerEntrypoint } from "cloudflare:workers";

class Counter extends RpcTarget {
  #value = 0;
  add(n: number): number {
    return (this.#value += n);
  }
  child(): Counter {
    return new Counter();
  }
}

interface Row {
  id: number;
  tags: string[];
}

export class Store extends WorkerEntrypoint<{ KEY: string }, { tenant: string }> {
  async fetch(request: Request): Promise<Response> {
    return new Response(request.url + this.env.KEY + this.ctx.props.tenant);
  }
  find(id: number): Row {
    return { id, tags: [] };
  }
  counter(): Counter {
    return new Counter();
  }
  async each(visit: (row: Row) => void): Promise<number> {
    visit({ id: 1, tags: [] });
    return 1;
  }
}

interface Env {
  STORE: Service<typeof Store>;
  OTHER: Fetcher;
}

export default {
  async fetch(request, env, ctx): Promise<Response> {
    const row = await env.STORE.find(1);
    const tags: string[] = row.tags;
    const sum: number = await env.STORE.counter().child().add(2);
    using counter = await env.STORE.counter();
    const next: number = await counter.dup().add(sum);
    const rows: number = await env.STORE.each((found) => console.log(found.id));
    ctx.waitUntil(env.OTHER.fetch("http://other/", { method: "POST" }));
    const answer: Response = await env.STORE.fetch(request);
    return new Response(`${tags.length} ${next} ${rows} ${answer.status}`);
  },
} satisfies ExportedHandler<Env>;
