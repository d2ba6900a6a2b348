/**
 * Who sent most of the last two minutes, by address, network, operator, country, fingerprint, agent and path; and, where more came
 * since the harm began than before, from whom.
 */
import { distinctOf } from "../../sketches/merged-talkers.ts";
import type { DimensionCut } from "../../sketches/top-talkers.ts";
import type { OfAllShards } from "../../traffic/shards.ts";
import type { TalkersWindow } from "../../traffic/traffic-api.ts";
import { suspectsIn, UNSEEN_SECONDS, type Suspicion } from "../../traffic/suspects.ts";
import { TALKERS_KEPT_SECONDS } from "../../traffic/talker-memory.ts";
import { err, ok } from "../../shared/result.ts";
import { defineCollector } from "./collector.ts";

/** Of each dimension. */
const LISTED_MAX = 10;
const NAME_CHARACTERS_MAX = 120;

export const topTalkers = defineCollector({
  id: "top-talkers",

  async collect({ traffic, atMs, onsetAtMs }) {
    const untilSecond = Math.floor(atMs / 1_000) - 1;
    const onsetSecond = Math.floor(onsetAtMs / 1_000);
    const beganSecond = onsetSecond - UNSEEN_SECONDS;
    const [window, before, during] = await Promise.all([
      traffic.talkers(TALKERS_KEPT_SECONDS, untilSecond),
      traffic.talkers(BEFORE_SECONDS, beganSecond),
      traffic.talkers(Math.max(1, untilSecond - onsetSecond), untilSecond),
    ]);
    const { silentShards, missingReports, dimensions } = window;
    if (silentShards > 0 && dimensions.length === 0) {
      return err({ class: "retry", detail: "the traffic counters did not answer" });
    }
    // A part of either says nothing about the difference.
    const suspicion = isWhole(before) && isWhole(during) ? suspectsIn(during, before) : null;
    return ok({
      summary: `${summaryOf(dimensions, silentShards + missingReports > 0)}${excessText(suspicion)}`,
      facts: {
        fromSecond: window.fromSecond,
        untilSecond: window.untilSecond,
        silentShards,
        missingReports,
        excess: excessFact(suspicion),
        dimensions: Object.fromEntries(dimensions.map((cut) => [cut.dimension, toFact(cut)])),
      },
    });
  },
});

/** Unless the counters have forgotten it. */
const BEFORE_SECONDS = 60;

const isWhole = ({ silentShards, missingReports }: OfAllShards<TalkersWindow>): boolean =>
  silentShards === 0 && missingReports === 0;

function excessText(suspicion: Suspicion | null): string {
  if (suspicion === null || suspicion.kind === "none") return "";
  if (suspicion.kind === "spread")
    return ". The excess since the harm began has no source of its own";
  if (suspicion.kind === "regulars")
    return `. The excess since the harm began is of ${suspicion.dimension.replace("_", " ")}s that are usual here`;
  const { dimension, suspects, explained } = suspicion;
  const [first] = suspects;
  const others = suspects.length > 1 ? ` and ${suspects.length - 1} more` : "";
  return `. Of the excess since the harm began, ${percent(explained, 1)} is of ${dimension.replace("_", " ")} ${first?.name.slice(0, NAME_CHARACTERS_MAX) ?? ""}${others}`;
}

const excessFact = (suspicion: Suspicion | null) =>
  suspicion?.kind === "named"
    ? {
        ...suspicion,
        suspects: suspicion.suspects.slice(0, LISTED_MAX).map((suspect) => ({
          ...suspect,
          name: suspect.name.slice(0, NAME_CHARACTERS_MAX),
        })),
      }
    : suspicion;

function summaryOf(dimensions: readonly DimensionCut[], isPart: boolean): string {
  const address = dimensions.find(({ dimension }) => dimension === "address");
  const [busiest] = address?.top ?? [];
  const part = isPart ? "; a part of the reports is missing" : "";
  if (address === undefined) return `No request with a known address lately${part}`;
  const lead =
    busiest === undefined
      ? "nobody stands out"
      : `the busiest, ${busiest.name}, sent at least ${percent(busiest.atLeast, address.total)}`;
  return `${address.total} requests of about ${distinctOf(address)} clients, ${percent(address.refused, address.total)} refused: ${lead}${part}`;
}

const percent = (part: number, whole: number): string =>
  `${Math.round((100 * part) / Math.max(1, whole))} %`;

const toFact = (cut: DimensionCut) => ({
  requests: cut.total,
  refused: cut.refused,
  distinct: distinctOf(cut),
  top: cut.top.slice(0, LISTED_MAX).map(({ name, count, atLeast, refused }) => ({
    name: name.slice(0, NAME_CHARACTERS_MAX),
    requests: count,
    atLeast,
    refused,
  })),
});
