/** What waits for production in the write journals, what was given up, and what guards could not keep. */
import type { VerdictReason } from "../../guard/verdict.ts";
import { answerAll, defineSource } from "../source.ts";

const emits = [
  "write_journal.backlog_count",
  "write_journal.oldest_age_seconds",
  "write_journal.dead_count",
  "write_journal.missed_count",
] as const;

const MISSED_WINDOW_SECONDS = 60;
const MISSED: VerdictReason = "journal_missed";

export const writeJournal = defineSource({
  id: "write_journal",
  emits,
  // Each route is an object that would sleep otherwise.
  everyMs: { idle: 5 * 60_000, busy: 60_000, alert: 0 },
  deadlineMs: 2_000,

  async poll({ writeJournals, traffic, atMs }) {
    if (writeJournals.length === 0) {
      return answerAll(emits, { unknown: "not_configured", detail: "no route is journaled" });
    }
    const [states, window] = await Promise.all([
      Promise.all(writeJournals.map((journal) => journal.status())),
      traffic.window(MISSED_WINDOW_SECONDS, Math.floor(atMs / 1_000)),
    ]);
    const sum = (of: (state: (typeof states)[number]) => number): number =>
      states.reduce((total, state) => total + of(state), 0);
    const ages = states.map(({ oldestAtMs }) => (oldestAtMs === null ? 0 : atMs - oldestAtMs));
    const missed = window.seconds.reduce((total, { refused }) => total + (refused[MISSED] ?? 0), 0);
    return {
      "write_journal.backlog_count": { value: sum(({ backlogCount }) => backlogCount) },
      "write_journal.oldest_age_seconds": { value: Math.max(0, ...ages) / 1_000 },
      "write_journal.dead_count": { value: sum(({ deadCount }) => deadCount) },
      "write_journal.missed_count": { value: missed },
    };
  },
});
