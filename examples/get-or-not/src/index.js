export default {
  async fetch(request, env, ctx) {
    console.log(request.body);
    console.log(request.headers);
    if (request.method === "GET") {
      return Response.json({ message: "you sent a get request" });
    }
    return Response.json({ message: "you did not send a get request" });
  },
};
