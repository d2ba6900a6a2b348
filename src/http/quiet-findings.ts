/** What nobody hears of for a while, because somebody wanted it so: silences and maintenance windows, in force and to come. */
import { reasonOf, silenceState, type Silence } from "../alerts/silences.ts";
import { clip } from "../shared/clip.ts";
import { utcDate, utcTime } from "../shared/utc.ts";
import type { DoctorInput, Finding } from "./doctor-report.ts";

const WORDS_CHARS_MAX = 160;

/** Those that end first come first; what has ended is no finding. */
export const quietFindings = ({
  silences,
  nowMs,
}: Pick<DoctorInput, "silences" | "nowMs">): readonly Finding[] =>
  (silences ?? [])
    .filter((silence) => silenceState(silence, nowMs) !== "expired")
    .toSorted((a, b) => a.endsAtMs - b.endsAtMs)
    .map((silence) => quietFinding(silence, nowMs));

function quietFinding(silence: Silence, nowMs: number): Finding {
  const { id, matchers, startsAtMs, endsAtMs, author, comment } = silence;
  const isActive = silenceState(silence, nowMs) === "active";
  const isWindow = reasonOf(silence) === "maintenance";
  const place = isWindow ? "maintenance-windows" : "silences";
  const span = isActive ? `until ${at(endsAtMs)}` : `from ${at(startsAtMs)} until ${at(endsAtMs)}`;
  return {
    kind: "silence",
    id,
    // Somebody should know; what is to come may wait until it is there.
    state: isActive ? "due" : "ok",
    detail: `${isWindow ? "maintenance" : "a silence"} keeps ${clip(matchers.join(", "), WORDS_CHARS_MAX)} quiet ${span}; ${author}: ${clip(comment, WORDS_CHARS_MAX)}`,
    mend: `it ends by itself; sooner by DELETE /_firebreak/api/v1/${place}/${id}`,
  };
}

const at = (ms: number): string => `${utcDate(ms)} ${utcTime(ms)} UTC`;
