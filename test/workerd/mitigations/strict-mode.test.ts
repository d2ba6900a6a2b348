/** A lease of several entries, of which somebody takes one over. */
import { describe, it } from "vitest";
import { actuators } from "../../../src/mitigations/registry.ts";
import { anEntry } from "../../support/policy.ts";
import { freshPolicy } from "./fresh-policy.ts";

describe("strict-mode", () => {
  it("takes back what is its own, whoever took over what stood beside it", async ({ expect }) => {
    const { reach, policy } = freshPolicy();
    const lease = {
      id: "lse_strict" as const,
      incidentId: "inc_strict",
      options: { api_routes: ["/pitches/*"] },
      reason: "",
      shadow: false,
      share: 1,
      expiresAtMs: Date.now() + 60_000,
      prior: null,
    };
    expect(await actuators["strict-mode"].apply(lease, reach)).toMatchObject({ ok: true });
    const theirs = anEntry({
      id: "lse_strict.api",
      owner: "somebody else",
      expiresAtMs: Date.now() + 60_000,
    });
    await policy.put(theirs);
    expect(
      await actuators["strict-mode"].revert({ ...lease, prior: { entry: null } }, reach),
    ).toEqual({
      ok: true,
      value: "changed",
    });
    expect((await policy.entries()).map(({ id }) => id)).toEqual(["lse_strict.api"]);
  });
});
