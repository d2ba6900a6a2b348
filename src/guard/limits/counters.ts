/** Counts requests under the limits of the policy: one isolate's counters, and a meter for each request. */
import type { RequestFacts } from "../facts.ts";
import type { WaitUntil } from "../wait-until.ts";
import { LimitKeys } from "./key.ts";
import type { LimitEntry, LimitTable } from "./limit-table.ts";
import { LimiterLink, type LimiterLinkDeps } from "./limiter-link.ts";
import type { LimitKey } from "./local-table.ts";
import { NO_METER, type Meter } from "./meter.ts";
import { ADMIT, ASK, RateLimits, type Left, type LimitDecision } from "./rate-limit.ts";
import type { LimitRule } from "./rule.ts";

export const NO_COUNTERS: Pick<Counters, "meter"> = { meter: () => NO_METER };

export type CountersDeps = {
  /** Null where no shard is bound: then each isolate counts alone, whatever a limit asks for. */
  readonly shard: LimiterLinkDeps["shard"] | null;
  readonly newIsolateId: LimiterLinkDeps["newIsolateId"];
};

/** One isolate's counters. They take their memory when a request is first counted. */
export class Counters {
  readonly #deps: CountersDeps;
  readonly #keys = new LimitKeys();
  #link: LimiterLink | null = null;
  #shards = 0;

  constructor(deps: CountersDeps) {
    this.#deps = deps;
  }

  get isAlone(): boolean {
    return this.#deps.shard === null;
  }

  /** For one request. `shards` is the policy's. */
  meter(facts: RequestFacts, table: LimitTable, { shards, waitUntil }: MeterTerms): Meter {
    return new RequestMeter(facts, table, {
      keys: this.#keys,
      link: this.#linkTo(shards),
      isAlone: this.isAlone,
      waitUntil,
    });
  }

  /** With another number of shards keys live elsewhere: counting begins anew. */
  #linkTo(shards: number): LimiterLink {
    if (this.#link !== null && this.#shards === shards) return this.#link;
    const { shard, newIsolateId } = this.#deps;
    this.#shards = shards;
    this.#link = new LimiterLink({
      limits: new RateLimits(shards),
      shard: shard ?? nobody,
      newIsolateId,
    });
    return this.#link;
  }
}

type MeterTerms = { readonly shards: number; readonly waitUntil: WaitUntil };

/** Nobody is asked where each isolate counts alone. */
const nobody = (): never => {
  throw new Error("no shard is bound");
};

type Instruments = {
  readonly keys: LimitKeys;
  readonly link: LimiterLink;
  readonly isAlone: boolean;
  readonly waitUntil: WaitUntil;
};

class RequestMeter implements Meter {
  readonly #facts: RequestFacts;
  readonly #table: LimitTable;
  readonly #by: Instruments;
  /** What was said of which, in the order they were asked: a handful, in which looking is cheaper than in a map. */
  readonly #limits: LimitEntry[] = [];
  readonly #said: LimitDecision[] = [];
  #asking: Promise<void>[] = [];

  constructor(facts: RequestFacts, table: LimitTable, by: Instruments) {
    this.#facts = facts;
    this.#table = table;
    this.#by = by;
  }

  read(limit: LimitEntry): LimitDecision {
    const known = this.#said[this.#limits.indexOf(limit)];
    if (known !== undefined) return known;
    const at = this.#limits.push(limit) - 1;
    return (this.#said[at] = this.#count(limit, at));
  }

  left(limit: LimitEntry): Left {
    const { link } = this.#by;
    const { rule, key } = this.#keyed(limit);
    return key === null ? NO_METER.left(limit) : link.left(rule, key);
  }

  async answered(): Promise<void> {
    const asking = this.#asking;
    this.#asking = [];
    await Promise.all(asking);
  }

  #count(limit: LimitEntry, at: number): LimitDecision {
    const { link, waitUntil } = this.#by;
    const { rule, key } = this.#keyed(limit);
    if (key === null) return ADMIT;
    const checked = link.check(rule, key, waitUntil);
    if (!(checked instanceof Promise)) return checked;
    const told = checked.then((said) => void (this.#said[at] = said));
    // What is only rehearsed keeps nobody waiting: this one request counts as admitted.
    if (limit.entry.mode === "shadow") {
      waitUntil(told);
      return ADMIT;
    }
    this.#asking.push(told);
    return ASK;
  }

  /** The key is null when a part of it is not known; the next one that is read writes over it. */
  #keyed(limit: LimitEntry): { readonly rule: LimitRule; readonly key: LimitKey | null } {
    const { keys, isAlone } = this.#by;
    const rule = isAlone ? limit.ruleAlone : limit.rule;
    keys.begin(this.#facts, this.#table.sources);
    return { rule, key: keys.read(rule) ? keys.key : null };
  }
}
