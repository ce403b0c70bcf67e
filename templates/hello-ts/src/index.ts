interface Env {
  GREETING: string;
}

export default {
  async fetch(request, env, ctx): Promise<Response> {
    const { pathname } = new URL(request.url);
    return Response.json({ message: `${env.GREETING} from ${pathname}` });
  },
} satisfies ExportedHandler<Env>;
