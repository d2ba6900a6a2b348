import { it } from "vitest";
import { collectEvidence } from "../../../../src/signals/collectors/registry.ts";
import { mergeSignIns } from "../../../../src/traffic/sign-in-figures.ts";
import { SignInMemory } from "../../../../src/traffic/sign-in-memory.ts";
import type { SignInReport } from "../../../../src/traffic/traffic-api.ts";
import { failedAt, openedAt } from "../../../support/sign-ins.ts";
import { aCollection, aTraffic } from "../../../support/signals.ts";

const NOW = 1_800_000_000;
const failed = failedAt(NOW);

const collected = (signIns: readonly SignInReport[], silentShards = 0) => {
  const memory = new SignInMemory();
  memory.add(signIns, NOW);
  const told = async () => ({ ...mergeSignIns([memory.window(NOW)]), silentShards });
  return collectEvidence(
    "sign-in-offenders",
    aCollection({
      atMs: NOW * 1_000,
      onsetAtMs: NOW * 1_000,
      traffic: aTraffic({ signIns: told }),
    }),
  );
};

it("tells networks, not addresses, and accounts by their hashes", async ({ expect }) => {
  const tried = [1, 2, 3, 4, 5, 6].map((n) => failed("192.0.2.7", `account-${n}`));
  const evidence = await collected([
    ...tried,
    failed("192.0.2.9", "account-1"),
    failed("2001:db8:1:2::/64", "account-1"),
    openedAt(NOW)("192.0.2.7", "account-9"),
  ]);
  expect(evidence).toMatchObject({
    ok: true,
    value: {
      summary:
        "3 addresses of 2 networks failed to sign in lately, one of them at 6 accounts; 1 accounts were opened that had been tried before",
      facts: {
        networks: [
          { network: "192.0.2.0/24", addresses: 2, failed: 7, accountsMax: 6 },
          { network: "2001:db8:1::/48", addresses: 1, failed: 1, accountsMax: 1 },
        ],
        accountsOpened: ["account-9"],
      },
    },
  });
  expect(JSON.stringify(evidence)).not.toContain("192.0.2.7");
  expect(evidence).toMatchObject({
    value: {
      facts: { accountsTriedMost: [{ account: "account-1", addresses: 3 }, {}, {}, {}, {}, {}] },
    },
  });
});

it("says that nobody failed, and that it cannot tell", async ({ expect }) => {
  expect(await collected([])).toMatchObject({
    ok: true,
    value: { summary: expect.stringMatching(/^0 addresses of 0 networks/) },
  });
  expect(await collected([], 1)).toMatchObject({ ok: false, error: { class: "retry" } });
});
