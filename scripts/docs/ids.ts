/** One table of every id that playbooks, site files and scripts may name, from the registries. */
import { actuators, acts } from "../../src/mitigations/registry.ts";
import { selectors } from "../../src/mitigations/selectors/registry.ts";
import { channels, publicChannels } from "../../src/notify/registry.ts";
import { catalogue } from "../../src/signals/catalogue.ts";
import { COLLECTOR_IDS } from "../../src/signals/collectors/registry.ts";
import { WEBHOOKS } from "../../src/webhooks/registry.ts";
import { table } from "./table.ts";

export function idTables(): string {
  const signals = Object.entries(catalogue).map(([name, spec]) => [
    `\`${name}\``,
    spec.type,
    `${spec.evidence.kind}, ${spec.evidence.vantage}`,
    spec.describes,
  ]);
  const leases = Object.values(actuators).map(({ id, words }) => [
    `\`${id}\``,
    words.siteWide ? "every visitor" : "some visitors",
    words.release.replaceAll("_", " "),
    words.masks.length === 0 ? "nothing" : words.masks.map((name) => `\`${name}\``).join(", "),
  ]);
  const deeds = Object.values(acts).map(({ id, words }) => [
    `\`${id}\``,
    words.siteWide ? "every visitor" : "some visitors",
    "never: an act",
    "nothing",
  ]);
  const others = [
    ["collector", list(COLLECTOR_IDS)],
    ["selector", list(Object.keys(selectors))],
    ["channel", list(Object.keys(channels))],
    ["public channel", list(Object.keys(publicChannels))],
    ["webhook source", list(Object.keys(WEBHOOKS))],
  ];
  return [
    table(["signal", "type", "evidence", "what it says"], signals),
    table(["actuator", "touches", "released", "masks"], [...leases, ...deeds]),
    table(["kind", "ids"], others),
  ].join("\n");
}

const list = (ids: readonly string[]): string => ids.map((id) => `\`${id}\``).join(", ");
