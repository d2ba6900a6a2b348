import { it } from "vitest";
import { writeJournal } from "../../../../src/signals/sources/write-journal.ts";
import { aPoll, aSecond, aWindow, NOW_MS } from "../../../support/signals.ts";

const journal = (state: Partial<Awaited<ReturnType<typeof status>>> = {}) => ({
  status: async () => ({ ...(await status()), ...state }),
});
const status = async () => ({
  backlogCount: 0,
  backlogBytes: 0,
  oldestAtMs: null as number | null,
  deadCount: 0,
  lastFailure: null,
});

it("adds up the routes, and waits as long as the one that waits longest", async ({ expect }) => {
  const writeJournals = [
    journal({ backlogCount: 2, oldestAtMs: NOW_MS - 90_000, deadCount: 1 }),
    journal({ backlogCount: 3, oldestAtMs: NOW_MS - 5_000 }),
    journal(),
  ];
  const seconds = [
    aSecond({ refused: { journal_missed: 2, maintenance: 7 } }),
    aSecond({ refused: { journal_missed: 1, journaled: 5 } }),
  ];
  const traffic = { ...aPoll().traffic, window: async () => aWindow({ seconds }) };
  expect(await writeJournal.poll(aPoll({ writeJournals, traffic }))).toEqual({
    "write_journal.backlog_count": { value: 5 },
    "write_journal.oldest_age_seconds": { value: 90 },
    "write_journal.dead_count": { value: 1 },
    "write_journal.missed_count": { value: 3 },
  });
});

it("is zero where nothing waits, which is known and not assumed", async ({ expect }) => {
  const answers = await writeJournal.poll(aPoll({ writeJournals: [journal()] }));
  expect(Object.values(answers)).toEqual(Array.from({ length: 4 }, () => ({ value: 0 })));
});

it("is unknown where no route is journaled", async ({ expect }) => {
  const answers = await writeJournal.poll(aPoll());
  for (const answer of Object.values(answers)) {
    expect(answer).toMatchObject({ unknown: "not_configured" });
  }
});
