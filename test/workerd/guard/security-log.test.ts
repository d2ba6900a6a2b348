/** Which requests are written down while an entry asks for it: those that it means, refused or not, and no probe of ours. */
import { it } from "vitest";
import { PROBE_HEADER } from "../../../src/guard/signed.ts";
import type { PolicyEntry } from "../../../src/policy/policy.ts";
import { forAMinute, guarded, token } from "./guarded.ts";

const log = (changes: Partial<PolicyEntry> = {}) =>
  forAMinute({ id: "lse_log", kind: "security-log", ...changes });
const block = forAMinute({
  id: "lse_block",
  kind: "block-networks",
  match: { networks: ["192.0.2.0/24"] },
});

it("hands suspicious ones to the counters, and changes nothing for anybody", async ({ expect }) => {
  const { ask, counted } = guarded([log(), block], {
    origin: async () => new Response("no", { status: 404 }),
  });
  const blocked = await ask("/", { headers: { "cf-connecting-ip": "192.0.2.7" } });
  const missing = await ask("/orders/1");
  expect([blocked.status, missing.status, await missing.text()]).toEqual([403, 404, "no"]);
  expect(counted).toMatchObject([
    { isLogged: true, outcome: { kind: "refused", reason: "blocked" } },
    { isLogged: true, outcome: { kind: "served", status: 404 } },
  ]);
});

it("means only its routes, and nobody while it is in shadow, over or not there", async ({
  expect,
}) => {
  const onRoutes = guarded([log({ match: { routes: ["/sign-in"] } })]);
  await onRoutes.ask("/sign-in");
  await onRoutes.ask("/cart");
  expect(onRoutes.counted.map(({ isLogged }) => isLogged)).toEqual([true, false]);
  for (const entries of [[], [log({ mode: "shadow" })], [log({ expiresAtMs: Date.now() - 1 })]]) {
    const { ask, counted } = guarded(entries);
    await ask("/sign-in");
    expect(counted).toMatchObject([{ isLogged: false }]);
  }
});

it("does not count our own probes", async ({ expect }) => {
  const { ask, counted } = guarded([log()]);
  await ask("/", { headers: { [PROBE_HEADER]: await token("probe") } });
  expect(counted).toEqual([]);
});
