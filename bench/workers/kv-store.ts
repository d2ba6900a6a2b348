/** Stands for KV, as workerd asks it over HTTP: it holds nothing. */
export default {
  fetch: () => new Response(null, { status: 404 }),
} satisfies ExportedHandler;
