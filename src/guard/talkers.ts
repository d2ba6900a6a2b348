/**
 * Counts one isolate's requests by who sent them, whether production ever saw them or not. The keys are read from the facts
 * of a request without putting anything together; names are made for the few keys that stand out.
 */
import { hashText, mix32, mixPair } from "../sketches/hash.ts";
import {
  NAME_CHARS_MAX,
  talkerKeys,
  TopTalkers,
  type Dimension,
  type DimensionCut,
  type TalkerKeys,
  type TalkerNames,
} from "../sketches/top-talkers.ts";
import { sectionOf, SectionTally } from "../traffic/section-tally.ts";
import type { SectionCut, DistinctCut } from "../traffic/traffic-api.ts";
import { DistinctTally } from "../traffic/distinct-tally.ts";
import type { ClientAddress, RequestFacts } from "./facts.ts";
import { networkName } from "./ip/network-name.ts";
import { templateHash, templateOf } from "./path-template.ts";

/**
 * Whoever looks at `request.cf` has it parsed, and written out again on the way to production: more than all else that a guard does.
 * So that, and the user agent, is looked at for so many requests in each second, and beyond for one in sixteen, which counts for
 * sixteen. Decisions look whenever an entry asks: docs/decisions/0240.
 */
export const LOOKED_AT_PER_SECOND = 32;
export const ONE_IN = 16;

/** Of a longer URL its end, where what is made up stands. */
const URL_CHARS_MAX = 256;

export class Talkers implements TalkerNames {
  readonly #talkers = new TopTalkers();
  readonly #urls = new DistinctTally();
  readonly #sections = new SectionTally();
  readonly #harmed = new DistinctTally();
  readonly #keys = talkerKeys();
  #second = 0;
  #inSecond = 0;
  /** Of the request at hand. */
  #facts: RequestFacts | null = null;

  /** Bytes held by the sketches; it never changes. */
  get byteLength(): number {
    return this.#talkers.byteLength + this.#urls.byteLength + this.#harmed.byteLength;
  }

  /** Gives the keys that it was counted by, until the next is. */
  record(facts: RequestFacts, isRefused: boolean, nowMs: number): Readonly<TalkerKeys> {
    const keys = this.#keys;
    const { address } = facts;
    const sampledFor = this.#sampledFor(nowMs);
    keys[0] = address === null ? 0 : addressKey(address);
    keys[1] = address === null ? 0 : networkKey(address);
    keys.fill(0, 2, 6);
    if (sampledFor > 0) {
      const { asn, country } = facts.place();
      keys[2] = asn ?? 0;
      keys[3] = textKey(country);
      keys[4] = textKey(facts.ja4());
      keys[5] = textKey(facts.header("user-agent"));
    }
    keys[6] = templateHash(facts.path) || 1;
    this.#facts = facts;
    this.#talkers.record(keys, this, nowMs, { isRefused, sampledFor });
    this.#facts = null;
    const { url } = facts;
    this.#urls.count(hashText(url.length > URL_CHARS_MAX ? url.slice(-URL_CHARS_MAX) : url));
    this.#sections.count(sectionOf(facts.path));
    return keys;
  }

  /** Production failed to answer this client, by its key; 0: nobody knows who it is. */
  harm(client: number): void {
    if (client !== 0) this.#harmed.count(mix32(client));
  }

  /** How many requests this one stands for; 0: it is passed over. */
  #sampledFor(nowMs: number): number {
    const second = Math.floor(nowMs / 1_000);
    this.#inSecond = second === this.#second ? this.#inSecond + 1 : 1;
    this.#second = second;
    if (this.#inSecond <= LOOKED_AT_PER_SECOND) return 1;
    return this.#inSecond % ONE_IN === 0 ? ONE_IN : 0;
  }

  cut(nowMs: number): readonly DimensionCut[] {
    return this.#talkers.cut(nowMs);
  }

  /** The same of the URLs. */
  cutUrls(): DistinctCut {
    const urls = this.#urls.cut();
    this.#urls.clear();
    return urls;
  }

  /** And of whom production failed to answer. */
  cutHarmed(): DistinctCut {
    const harmed = this.#harmed.cut();
    this.#harmed.clear();
    return harmed;
  }

  /** And of the site's sections. */
  cutSections(): SectionCut {
    const sections = this.#sections.cut();
    this.#sections.clear();
    return sections;
  }

  /** Asked while a request is being recorded. */
  nameOf(dimension: Dimension): string {
    return this.#facts === null ? "" : NAMES[dimension](this.#facts);
  }
}

/** The client as one unsigned word: IPv4, or the /64 that one IPv6 subscriber has; never 0. */
export const addressKey = ({ family, words }: ClientAddress): number =>
  (family === 4 ? (words[0] ?? 0) : mixPair(words[0] ?? 0, words[1] ?? 0)) || 1;

/** The /24 or /48 around it; never 0. */
const networkKey = ({ family, words }: ClientAddress): number =>
  (family === 4 ? (words[0] ?? 0) >>> 8 : mixPair(words[0] ?? 0, (words[1] ?? 0) >>> 16)) || 1;

/** 0 without a text. Beyond what a name holds, nobody could tell two of them apart. */
function textKey(text: string | null): number {
  if (text === null || text === "") return 0;
  return hashText(text.length > NAME_CHARS_MAX ? text.slice(0, NAME_CHARS_MAX) : text) || 1;
}

const NAMES: Readonly<Record<Dimension, (facts: RequestFacts) => string>> = {
  address: ({ address }) => (address === null ? "" : networkName(address, 32, 64)),
  network: ({ address }) => (address === null ? "" : networkName(address, 24, 48)),
  asn: (facts) => `AS${facts.place().asn ?? 0}`,
  country: (facts) => facts.place().country ?? "",
  ja4: (facts) => facts.ja4() ?? "",
  user_agent: (facts) => facts.header("user-agent") ?? "",
  path: ({ path }) => templateOf(path),
};
