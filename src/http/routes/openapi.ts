/** The document of this API, generated from the schemas that validate it. */
import { OWN_PREFIX } from "../../guard/facts.ts";
import type { Api } from "../api-app.ts";

export const API_VERSION = "1.0.0";

export function openApiRoutes(api: Api): void {
  // Made on the first request for it, from the routes that are there by then.
  let document: string | null = null;
  api.openAPIRegistry.registerComponent("securitySchemes", "bearer", {
    type: "http",
    scheme: "bearer",
  });
  api.get("/api/v1/openapi.json", (c) => {
    document ??= JSON.stringify(
      api.getOpenAPI31Document({
        openapi: "3.1.0",
        info: {
          title: "Firebreak",
          version: API_VERSION,
          description:
            "Additive changes only. Times are RFC 3339 in UTC; errors are RFC 9457 problems; lists are `{items, next}`.",
        },
        servers: [{ url: OWN_PREFIX }],
      }),
    );
    return c.body(document, 200, { "content-type": "application/json" });
  });
}
