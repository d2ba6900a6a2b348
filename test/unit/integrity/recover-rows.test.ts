import { describe, it } from "vitest";
import {
  RECOVER_TABLES_MAX,
  recoverRowsScript,
  type Damage,
  type Reference,
} from "../../../src/integrity/recover-rows.ts";

const named = (name: string) => ({ schema: "public", name });
const table = (name: string) => ({ ...named(name), columns: ["id", "parent_id"], key: ["id"] });
const reference = (child: string, parent: string): Reference => ({
  child: named(child),
  columns: ["parent_id"],
  parent: named(parent),
  parentColumns: ["id"],
});
const damage = (changes: Partial<Damage>): Damage => ({
  losses: [],
  tables: ["a", "b", "c"].map(table),
  references: [],
  ...changes,
});
const parents = (child: string, parent: string) =>
  ({ kind: "parents", reference: reference(child, parent) }) as const;
const refusal = (given: Damage): string => {
  const script = recoverRowsScript(given);
  return script.ok ? "a script" : script.error;
};

describe("no script is written", () => {
  it.for([
    ["of nothing lost", {}, "no check has lost rows"],
    [
      "of references in a circle",
      { losses: [parents("a", "b")], references: [reference("b", "c"), reference("c", "b")] },
      "references go in a circle: public.b, public.c",
    ],
    [
      "of parents of their own kind",
      { losses: [parents("a", "b")], references: [reference("b", "b")] },
      "public.b refers to itself",
    ],
    [
      "of a table that is not there",
      { losses: [parents("a", "d")] },
      "public.d is not in the live",
    ],
    [
      "that reaches everywhere",
      {
        losses: [parents("a", "t0")],
        references: Array.from({ length: RECOVER_TABLES_MAX }, (_, n) =>
          reference(`t${n}`, `t${n + 1}`),
        ),
      },
      `reaches ${RECOVER_TABLES_MAX + 1} tables`,
    ],
    [
      "of tables that are too wide to read it",
      {
        losses: [parents("a", "b")],
        tables: [{ ...table("b"), columns: Array.from({ length: 900 }, (_, n) => `column_${n}`) }],
      },
      "longer than",
    ],
  ] as const)("%s", ([, changes, why], { expect }) => {
    expect(refusal(damage(changes))).toContain(why);
  });
});

it("inserts parents before the rows that need them, and whole tables of their own kind at once", ({
  expect,
}) => {
  const script = recoverRowsScript(
    damage({
      losses: [{ kind: "rows", table: named("c") }, parents("a", "b")],
      references: [reference("a", "b"), reference("b", "c"), reference("c", "c")],
    }),
  );
  const text = script.ok ? script.value : "";
  const at = ["b", "c"].map((name) => text.indexOf(`INSERT INTO "public"."${name}"`));
  expect(at[1]).toBeGreaterThan(0);
  expect(at[0]).toBeGreaterThan(at[1] ?? Infinity);
});
