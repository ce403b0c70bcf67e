interface Env {
  GREETING: string;
}

const greet = (env: Env, name: string): string => `${env.GREETING}, ${name}!`;

export default {
  async fetch(request, env, ctx): Promise<Response> {
    const name = new URL(request.url).searchParams.get("name") ?? "World";
    return new Response(greet(env, name));
  },
} satisfies ExportedHandler<Env>;
