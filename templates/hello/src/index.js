export default {
  async fetch(request, env, ctx) {
    const { pathname } = new URL(request.url);
    return new Response(`${env.GREETING} from ${pathname}\n`);
  },
};
