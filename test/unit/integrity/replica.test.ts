import { it } from "vitest";
import {
  agreement,
  COMPARED_ROWS_MAX,
  type Agreement,
  type Answered,
} from "../../../src/integrity/replica.ts";

const primary = (digest: string, position: number | null = 100): Answered => ({
  position,
  isReplica: false,
  oldest: 700,
  next: 700,
  rows: 1,
  digest,
});
const replica = (digest: string, position: number | null = 100): Answered => ({
  ...primary(digest, position),
  isReplica: true,
});
const many = (answered: Answered): Answered => ({ ...answered, rows: COMPARED_ROWS_MAX + 1 });

const ROWS: readonly (readonly [string, readonly [Answered, Answered, Answered], Agreement])[] = [
  ["the same", [primary("a"), replica("a"), primary("a")], { agrees: true }],
  [
    "a replica that has what was written since",
    [primary("a"), replica("b", 110), primary("b", 110)],
    { agrees: true },
  ],
  [
    "a replica that has the same, however far behind",
    [primary("a"), replica("a", 50), primary("a")],
    { agrees: true },
  ],
  [
    "another answer at the same place",
    [primary("a"), replica("b"), primary("a")],
    { agrees: false },
  ],
  [
    "another answer further on, with nothing written",
    [primary("a"), replica("b", 120), primary("a", 130)],
    { agrees: false },
  ],
  [
    "a replica that shows what its primary does not yet",
    [primary("a"), { ...replica("b"), next: 701 }, primary("a")],
    { again: "the primary does not show yet what it has" },
  ],
  [
    "another answer than that of a primary that shows all",
    [primary("a"), { ...replica("b"), next: 701 }, { ...primary("a"), oldest: 701, next: 705 }],
    { agrees: false },
  ],
  [
    "a replica that is behind",
    [primary("a"), replica("b", 99), primary("a")],
    { again: "the replica is behind" },
  ],
  [
    "a replica that has replayed nothing",
    [primary("a"), replica("b", null), primary("a")],
    { again: "the replica is behind" },
  ],
  [
    "a table that is written to",
    [primary("a"), replica("b", 110), primary("c", 120)],
    { again: "it changes too fast to compare" },
  ],
  [
    "two primaries",
    [primary("a"), primary("b"), primary("a")],
    { never: "POSTGRES_REPLICA_URL does not lead to a replica" },
  ],
  [
    "two replicas",
    [replica("a"), replica("b"), replica("a")],
    { never: "POSTGRES_URL leads to a replica" },
  ],
  [
    "more than is compared",
    [primary("a"), many(replica("b")), primary("a")],
    { never: `more than ${COMPARED_ROWS_MAX} rows` },
  ],
];

it.for(ROWS)("%s", ([, [before, there, after], expected], { expect }) => {
  expect(agreement(before, there, after)).toEqual(expected);
});
