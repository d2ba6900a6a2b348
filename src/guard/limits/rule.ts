/** A rate limit as the guard counts it, laid out once when a policy is swapped in. */
import { assert } from "../../shared/assert.ts";
import { hashText } from "../../sketches/hash.ts";
import { KEY_PARTS, type Accuracy, type KeyPart, type Penalty } from "../../policy/limits.ts";
import type { Quota } from "./gcra.ts";

/** Different cookies and headers that the rules of one policy may count by. */
export const SESSION_SOURCES_MAX = 8;

/** Where in a request's hashes each part of a key stands; each source of sessions has a place of its own. */
const SUBJECT_PARTS = KEY_PARTS.filter((part) => part !== "session" && part !== "route");
export const SESSION_PLACE = SUBJECT_PARTS.length;
export const PLACES = SESSION_PLACE + SESSION_SOURCES_MAX;
/** What stands at the places before `SESSION_PLACE`. */
export const partAt = (place: number): SubjectPart | undefined => SUBJECT_PARTS[place];
export type SubjectPart = Exclude<KeyPart, "session" | "route">;

export type LimitRule = {
  /** Whose counters these are; another id counts apart. */
  readonly id: string;
  readonly quota: Quota;
  readonly accuracy: Accuracy;
  /** What a shard that does not answer means: each isolate counts alone (`open`), or what needs the shard is refused. */
  readonly fail: "open" | "closed";
  readonly penalty: Penalty | null;
  /** Keep the keys of one rule apart from any other's, and of one quota from its successor's. */
  readonly seeds: readonly [high: number, low: number];
  /** Of what each key is made; of nothing, where all that the rule sees is counted together. */
  readonly places: readonly number[];
};

export type RuleWords = Omit<LimitRule, "seeds" | "places"> & {
  /** `route` adds nothing: the pattern is part of the id. */
  readonly parts: readonly KeyPart[];
  /** Which source of sessions, where one of the parts is `session`. */
  readonly sessionSource: number;
};

/** Lays a rule out. `salt` is the instance's: it keeps strangers from computing whose keys collide. */
export function limitRule({ parts, sessionSource, ...rule }: RuleWords, salt: string): LimitRule {
  assert(parts.length >= 1, "a limit counts by something");
  assert(sessionSource < SESSION_SOURCES_MAX, "sources of sessions are few");
  const { limit, windowMs, burst } = rule.quota;
  const name = `${salt}\n${rule.id}\n${limit}/${windowMs}/${burst}`;
  const places = parts.flatMap((part) => {
    if (part === "route") return [];
    return part === "session" ? SESSION_PLACE + sessionSource : SUBJECT_PARTS.indexOf(part);
  });
  return { ...rule, seeds: [hashText(name, 1), hashText(name, 2)], places };
}

/** How long the `strikes`-th penalty in a row lasts. */
export const penaltyMs = ({ firstMs, maxMs }: Penalty, strikes: number): number =>
  Math.min(firstMs * 2 ** (Math.max(1, strikes) - 1), maxMs);
