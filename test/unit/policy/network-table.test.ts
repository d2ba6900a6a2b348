import { describe, it } from "vitest";
import { parseCidr } from "../../../src/guard/ip/cidr.ts";
import type { ListedNetwork } from "../../../src/policy/network-list.ts";
import {
  compileTable,
  LISTED_NETWORKS_MAX,
  TIDY_MS_MIN,
} from "../../../src/policy/network-table.ts";

const NOW_MS = 1_000_000;

const listed = (text: string, expiresAtMs: number | null = null): ListedNetwork => {
  const network = parseCidr(text);
  if (!network.ok) throw new Error(network.error);
  return { network: network.value, reason: null, expiresAtMs };
};
const source = (...networks: readonly ListedNetwork[]) =>
  ({ entryId: "list_a", action: "block", networks }) as const;

describe("the table of all lists", () => {
  it("is the same bytes for the same networks, in whatever order lists and lines come", ({
    expect,
  }) => {
    const b = { entryId: "list_b", action: "allow", networks: [listed("10.0.0.0/8")] } as const;
    const one = compileTable([source(listed("192.0.2.1"), listed("192.0.2.2")), b], NOW_MS);
    const other = compileTable([b, source(listed("192.0.2.2"), listed("192.0.2.1"))], NOW_MS);
    if (!one.ok || !other.ok) throw new Error("compiles");
    expect(one.value?.bytes).toEqual(other.value?.bytes);
    expect(one.value).toMatchObject({ count: 3, entryIds: ["list_a", "list_b"], tidyAtMs: null });
  });

  it("holds what has not ended, and says when it is worth clearing", ({ expect }) => {
    const table = (...ends: readonly number[]) => {
      const compiled = compileTable(
        [source(...ends.map((end, n) => listed(`192.0.2.${n}`, end)))],
        NOW_MS,
      );
      return compiled.ok ? compiled.value : null;
    };
    expect(table(NOW_MS)).toBeNull();
    expect(table(NOW_MS, NOW_MS + 1)).toMatchObject({ count: 1, tidyAtMs: NOW_MS + TIDY_MS_MIN });
    const farMs = NOW_MS + TIDY_MS_MIN + 1;
    expect(table(farMs + 5, farMs)).toMatchObject({ count: 2, tidyAtMs: farMs });
  });

  it("is bounded", ({ expect }) => {
    const one = listed("192.0.2.1");
    const networks = Array.from({ length: LISTED_NETWORKS_MAX + 1 }, () => one);
    const many = { ...source(), networks };
    expect(compileTable([many], NOW_MS)).toMatchObject({
      ok: false,
      error: expect.stringContaining("200001 networks together, more than the 200000"),
    });
    expect(compileTable([], NOW_MS)).toEqual({ ok: true, value: null });
  });
});
