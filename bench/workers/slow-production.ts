/** Production that answers after `?ms=`, and the same to everyone. */
export default {
  async fetch(request): Promise<Response> {
    const ms = Number(new URL(request.url).searchParams.get("ms") ?? 0);
    if (ms > 0) await new Promise((resolve) => setTimeout(resolve, ms));
    return new Response("production");
  },
} satisfies ExportedHandler;
