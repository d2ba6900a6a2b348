/** The storefront as somebody deployed it in a hurry: it reads its prices from a binding that nobody made. */
import storefront from "./index.ts";
import type { Env } from "./env.ts";

type Hurried = Env & { readonly PRICES: KVNamespace };

export default {
  async fetch(request, env, ctx): Promise<Response> {
    const prices = await env.PRICES.get("today");
    const response = await storefront.fetch(request, env, ctx);
    const answer = new Response(response.body, response);
    answer.headers.set("X-Prices", prices ?? "none");
    return answer;
  },
} satisfies ExportedHandler<Hurried>;
