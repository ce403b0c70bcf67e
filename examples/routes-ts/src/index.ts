interface Env {}

export default {
  async fetch(request, env, ctx): Promise<Response> {
    if (request.method === "POST") {
      if (request.url.endsWith("/user")) {
        return new Response("This is a post request on route /user");
      }
      return new Response("This is a post request not on route /user");
    }
    return Response.json({ msg: "This is a get request" });
  },
} satisfies ExportedHandler<Env>;
