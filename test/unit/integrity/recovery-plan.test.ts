import { it } from "vitest";
import {
  chooseRecovery,
  NARROW_ROWS_MAX,
  type Compared,
  type RecoveryPlan,
  type SeenOfBranch,
} from "../../../src/integrity/recovery-plan.ts";

const NONE = { added: [], dropped: [] };

const seen = (
  difference: Partial<Compared>,
  changes: Partial<SeenOfBranch> = {},
): SeenOfBranch => ({
  failing: [],
  unseen: [],
  notCompared: [],
  noScript: null,
  tables: [
    { table: "pitches", missing: 0, changed: 0, added: 3, isAtLeast: false, apart: NONE },
    {
      table: "users",
      missing: 0,
      changed: 0,
      added: 0,
      isAtLeast: false,
      apart: NONE,
      ...difference,
    },
  ],
  ...changes,
});

const ROWS: readonly (readonly [
  what: string,
  seen: SeenOfBranch,
  plan: Pick<RecoveryPlan, "way" | "because">,
])[] = [
  ["rows gone", seen({ missing: 40 }), { way: "recover-rows", because: "rows_are_missing" }],
  [
    "rows gone and others changed",
    seen({ missing: 40, changed: 2 }),
    { way: "recover-rows", because: "rows_are_missing_and_changed" },
  ],
  ["rows changed", seen({ changed: 1 }), { way: "by-hand", because: "rows_are_changed" }],
  ["nothing", seen({}), { way: "by-hand", because: "nothing_differs" }],
  [
    "more than was looked at",
    seen({ missing: 1, changed: 800, isAtLeast: true }),
    { way: "by-hand", because: "branch_not_verified" },
  ],
  ["no table at all", seen({}, { tables: [] }), { way: "by-hand", because: "branch_not_verified" }],
  [
    "as many rows as are narrow",
    seen({ missing: NARROW_ROWS_MAX - 1, changed: 1 }),
    { way: "recover-rows", because: "rows_are_missing_and_changed" },
  ],
  [
    "one more",
    seen({ missing: NARROW_ROWS_MAX, changed: 1 }),
    { way: "restore-in-place", because: "too_many_rows" },
  ],
  [
    "rows gone that no script can bring back",
    seen({ missing: 1 }, { noScript: "references go in a circle: a, b" }),
    { way: "restore-in-place", because: "no_script" },
  ],
  [
    "rows changed, for which there never is a script",
    seen({ changed: 1 }, { noScript: "no check has lost rows" }),
    { way: "by-hand", because: "rows_are_changed" },
  ],
  [
    "a column gone, and rows with it",
    seen({ missing: 1, apart: { added: ["nickname"], dropped: ["name"] } }),
    { way: "by-hand", because: "columns_are_gone" },
  ],
  [
    "a column that is new",
    seen({ missing: 1, apart: { added: ["nickname"], dropped: [] } }),
    { way: "recover-rows", because: "rows_are_missing" },
  ],
  [
    "a branch that is damaged as well, whatever else",
    seen({ missing: NARROW_ROWS_MAX + 1 }, { failing: ["pitches-have-users"] }),
    { way: "by-hand", because: "branch_is_damaged" },
  ],
  [
    "a branch that nobody could check",
    seen({ missing: 1 }, { unseen: ["pitches-have-users"] }),
    { way: "by-hand", because: "branch_not_verified" },
  ],
  [
    "a table that could not be compared",
    seen({ missing: 1 }, { notCompared: ["payments"] }),
    { way: "by-hand", because: "branch_not_verified" },
  ],
];

it.for(ROWS)("%s", ([, given, plan], { expect }) => {
  expect(chooseRecovery(given)).toMatchObject(plan);
});

it("says what restoring in place would cost", ({ expect }) => {
  expect(chooseRecovery(seen({ missing: NARROW_ROWS_MAX + 1 })).why).toContain("lose 3 rows");
});

it("says what the script must leave out, because the branch does not have it", ({ expect }) => {
  const apart = { added: ["nickname"], dropped: [] };
  expect(chooseRecovery(seen({ missing: 1, apart })).why).toContain(
    "take users.nickname out of the script first",
  );
  expect(chooseRecovery(seen({ missing: 1 })).why).not.toContain("out of the script");
});
