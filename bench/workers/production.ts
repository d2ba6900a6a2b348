/** Production, as little of it as possible: what is measured stands in front. */
const PAGE = "x".repeat(512);

export default {
  fetch: () => new Response(PAGE),
} satisfies ExportedHandler;
