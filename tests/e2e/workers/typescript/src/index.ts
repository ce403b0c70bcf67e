import { risky } from "./lib/risky";

interface Env {
  NAME?: string;
}

const enum Kind {
  Direct = "/direct",
  Deep = "/deep",
}

export default {
  async fetch(request: Request, _env: Env): Promise<Response> {
    const path: string = new URL(request.url).pathname;
    if (path === Kind.Direct) throw new TypeError("direct <b>&amp; plain</b>");
    if (path === Kind.Deep) return new Response(String(risky(3)));
    if (path === "/later") {
      await new Promise<void>((resolve) => setTimeout(resolve, 1));
      risky(4);
    }
    if (path === "/logged") {
      try {
        risky(5);
      } catch (error) {
        console.error("caught", error);
      }
      return new Response("logged");
    }
    if (path === "/lost") {
      setTimeout(() => {
        throw new Error("in a timer");
      }, 1);
      await new Promise<void>((resolve) => setTimeout(resolve, 10));
      return new Response("went on");
    }
    return new Response("fine");
  },
};
