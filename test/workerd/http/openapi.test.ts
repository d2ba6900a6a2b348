import { describe, it } from "vitest";
import golden from "../../fixtures/http/openapi.json";
import { client } from "./api.ts";

type Operation = {
  readonly security?: readonly unknown[];
  readonly responses: Readonly<Record<string, unknown>>;
};
type Document = {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
};

const ask = client();
const document = async (): Promise<Document> =>
  (await ask("/api/v1/openapi.json", { as: null })).json();

describe("openapi.json", () => {
  // The surface is a contract: the golden file may be added to, and nothing taken away. After an addition, with a local stack:
  // curl "$GUARD/_firebreak/api/v1/openapi.json" | jq . > test/fixtures/http/openapi.json
  it("is what people script against", async ({ expect }) => {
    expect(await document()).toEqual(golden);
  });

  it("asks for a token exactly where the surface does", async ({ expect }) => {
    const { openapi, paths } = await document();
    expect(openapi).toBe("3.1.0");
    for (const [path, operations] of Object.entries(paths)) {
      for (const [method, operation] of Object.entries(operations)) {
        // Scrapers show the same token.
        const needsToken = path.startsWith("/api/") || path === "/metrics";
        expect(operation.security !== undefined, `${method} ${path}`).toBe(needsToken);
        if (needsToken) expect(operation.responses).toHaveProperty("default");
      }
    }
  });

  it("holds every route that the surface answers", async ({ expect }) => {
    const { paths } = await document();
    for (const [template, operations] of Object.entries(paths)) {
      const path = template.replace("{source}", "alertmanager").replaceAll(/\{\w+\}/g, "x");
      for (const method of Object.keys(operations)) {
        const answer = await ask(path, { method: method.toUpperCase(), as: "viewer" });
        expect(answer.status, `${method} ${path}`).not.toBe(405);
      }
    }
  });
});
