/** Who sent most of the last two minutes, by address, network, operator, country, fingerprint, agent and path. */
import { distinctOf } from "../../sketches/merged-talkers.ts";
import type { DimensionCut } from "../../sketches/top-talkers.ts";
import { TALKERS_KEPT_SECONDS } from "../../traffic/talker-memory.ts";
import { err, ok } from "../../shared/result.ts";
import { defineCollector } from "./collector.ts";

/** Of each dimension. */
const LISTED_MAX = 10;
const NAME_CHARACTERS_MAX = 120;

export const topTalkers = defineCollector({
  id: "top-talkers",

  async collect({ traffic, atMs }) {
    const untilSecond = Math.floor(atMs / 1_000) - 1;
    const window = await traffic.talkers(TALKERS_KEPT_SECONDS, untilSecond);
    const { silentShards, missingReports, dimensions } = window;
    if (silentShards > 0 && dimensions.length === 0) {
      return err({ class: "retry", detail: "the traffic counters did not answer" });
    }
    return ok({
      summary: summaryOf(dimensions, silentShards + missingReports > 0),
      facts: {
        fromSecond: window.fromSecond,
        untilSecond: window.untilSecond,
        silentShards,
        missingReports,
        dimensions: Object.fromEntries(dimensions.map((cut) => [cut.dimension, toFact(cut)])),
      },
    });
  },
});

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
