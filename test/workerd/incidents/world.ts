/** What stands around an incident or a desk under test: it does what it is asked, remembers it, and ends the object where the test says. */
import type { GroupRule } from "../../../src/alerts/grouping.ts";
import type { QuietRules } from "../../../src/alerts/mutes.ts";
import type { CommandAnswer, IncidentCommand } from "../../../src/incidents/command.ts";
import type { Effect } from "../../../src/incidents/effect.ts";
import type { EffectContext } from "../../../src/incidents/incident-object.ts";
import type { Failure } from "../../../src/incidents/journal.ts";
import { performWith } from "../../../src/incidents/perform.ts";
import type { IncidentView } from "../../../src/incidents/view.ts";
import type { ChannelMessage } from "../../../src/notify/channel.ts";
import { statuspage as pageStandIn } from "../../../dev/vendors/statuspage.ts";
import { publicMessage } from "../../../src/notify/public-message.ts";
import { statuspage } from "../../../src/notify/public/statuspage.ts";
import { USUAL_TEMPLATES } from "../../../src/playbooks/site-templates.ts";
import type { MessageSite } from "../../../src/notify/message-site.ts";
import { actuators } from "../../../src/mitigations/registry.ts";
import type { Selector } from "../../../src/mitigations/selector.ts";
import { Switchboard, switchAct } from "../../support/acts.ts";
import type { PolicyEntry } from "../../../src/policy/policy.ts";
import { err, ok, type Result } from "../../../src/shared/result.ts";

/** Why the object died. */
export const DEATH = "the test ends it here";

/** Storage calls, and the beginnings and ends of outbound calls, in the order they happen; the object dies at the one that is due. */
export class Fate {
  points: string[] = [];
  /** Which point is the last; 0: none. */
  dieAt = 0;
  #dieAtNext: string | null = null;
  #failAfter = 0;

  storage(what: string, die: () => void): void {
    this.#pass(what, die);
    this.#failAfter -= 1;
    if (this.#failAfter === 0) throw new Error("the disk is full");
  }

  /** Ends it the next time it comes to this point. */
  dieAtNext(what: string): void {
    this.#dieAtNext = what;
  }

  /** Fails the n-th storage call from now, instead of ending the object. */
  failStorageAfter(calls: number): void {
    this.#failAfter = calls;
  }

  call(what: string, die: () => void): void {
    this.#pass(what, die);
  }

  #pass(what: string, die: () => void): void {
    this.points.push(what);
    const isNext = this.#dieAtNext === what;
    if (isNext) this.#dieAtNext = null;
    if (isNext || this.points.length === this.dieAt) die();
  }
}

const PAGE = {
  apiKey: "k3y-of-the-test-0123456789",
  page: "kctbh9vrtdwd",
  components: ["5551"],
};
const PUBLIC_SITE = {
  title: "Test",
  components: [{ id: "website", name: "Website" }],
  templates: USUAL_TEMPLATES,
  update_every: "30m",
  public_channels: [
    {
      id: "page",
      kind: "statuspage",
      secret: "CHANNEL_PAGE",
      components: { website: "5551" },
    },
  ],
};
/** A site whose public is told elsewhere too. */
export const RELAYED: World["site"] = {
  channels: [{ id: "pager", severities: ["SEV-1", "SEV-2"] }],
  publicChannels: PUBLIC_SITE.public_channels,
};

/** The world of one object: in memory, so that what the object lost it cannot have kept here by accident. */
export class World {
  readonly fate = new Fate();
  /** What the guard enforces. */
  readonly policy = new Map<string, PolicyEntry>();
  /** Messages by delivery id, with how often each arrived. */
  readonly messages = new Map<string, number>();
  /** What the channel called the incident when each message came, by delivery id. */
  readonly refs = new Map<string, string | null>();
  readonly board = new Switchboard();
  /** What the site says of channels and people. */
  site: Pick<MessageSite, "channels"> & Partial<MessageSite> = {
    channels: [{ id: "pager", severities: ["SEV-1", "SEV-2"] }],
  };
  /** What the site says keeps alerts quiet. */
  quiet: QuietRules = { inhibit: [], flapping: { withinMs: 3_600_000, high: 0.3, low: 0.15 } };
  /** How the site says alerts are grouped. */
  grouping: readonly GroupRule[] = [];
  /** Channels that fail for now. */
  readonly broken = new Set<string>();
  /** What arrived, in order. */
  readonly arrived: { readonly channel: string; readonly message: ChannelMessage }[] = [];
  /** The status page at a vendor's that `RELAYED` brings what is public to. */
  readonly page = pageStandIn(PAGE);
  readonly collected: string[] = [];
  readonly spent = new Set<string>();
  /** Effects as they were tried, by id. */
  readonly tried: string[] = [];
  readonly projections: IncidentView[] = [];
  /** Commands that incidents got from the desk, by incident. */
  readonly handled: { readonly incidentId: string; readonly command: IncidentCommand }[] = [];
  #ids = 0;
  #asked = 0;
  isFickle = false;
  /** The networks of each entry that was put. */
  readonly put: unknown[] = [];
  /** Runs in the middle of each effect: it may wait, throw, or fail it. */
  onEffect = async (_effect: Effect): Promise<Failure | null> => null;
  /** What every effect answers, instead of what it did. */
  answer: unknown = undefined;
  onHandle = async (_incidentId: string): Promise<void> => {};

  /** A new id each time, as the product's clock and randomness would make it. */
  newIncidentId(): `inc_${string}` {
    this.#ids += 1;
    return `inc_${String(this.#ids).padStart(26, "0")}`;
  }

  async perform(
    effect: Effect,
    context: EffectContext,
    die: () => void,
  ): Promise<Result<unknown, Failure>> {
    this.tried.push(effect.id);
    this.fate.call(`before ${effect.kind}`, die);
    const failure = await this.onEffect(effect);
    if (failure !== null) return { ok: false, error: failure };
    const done = await this.#perform(effect, context);
    this.fate.call(`after ${effect.kind}`, die);
    return this.answer === undefined ? done : ok(this.answer);
  }

  /** An incident as the desk sees it: it answers, and the same command id is the same command. */
  async handle(
    incidentId: string,
    command: IncidentCommand,
    die: () => void,
  ): Promise<CommandAnswer> {
    this.fate.call(`before ${command.type}`, die);
    await this.onHandle(incidentId);
    this.handled.push({ incidentId, command });
    this.fate.call(`after ${command.type}`, die);
    return { ok: true, seq: 1, events: [] };
  }

  /** Names an address that is not named yet; `isFickle`: another each time it is asked. */
  #suspects(): Selector {
    return {
      id: "traffic-suspects",
      words: { problemsWith: () => [], fills: () => [] },
      select: async ({ already }) => {
        this.#asked += 1;
        const named: unknown = already["networks"];
        const at = this.isFickle ? this.#asked : Array.isArray(named) ? named.length + 1 : 1;
        const address = `192.0.2.${at}`;
        return ok({ kind: "selected", picked: { networks: [address] }, says: address, facts: {} });
      },
    };
  }

  readonly #perform = performWith({
    actuators,
    acts: {
      "throw-switch": switchAct(() => this.board),
      "turn-two-keys": switchAct(() => this.board, "turn-two-keys", 2),
    },
    reach: {
      instance: "shop.test",
      cloudflare: null,
      neon: null,
      credentials: null,
      sessions: null,
      canSign: true,
      postgres: null,
      policy: {
        put: async (entry) => {
          this.policy.set(entry.id, entry);
          this.put.push(entry.match["networks"]);
          return ok({ seq: { epoch: 1, n: 1 } });
        },
        get: async (id) => ok(this.policy.get(id) ?? null),
        remove: async (id) => ok({ existed: this.policy.delete(id) }),
      },
    },
    selectors: { "traffic-suspects": this.#suspects() },
    // What stands in for the selector asks nobody.
    selectReach: {
      traffic: {
        talkers: () => Promise.reject(new Error("nobody is asked")),
        signIns: () => Promise.reject(new Error("nobody is asked")),
        conduct: () => Promise.reject(new Error("nobody is asked")),
      },
      allowlist: [],
    },
    now: Date.now,
    spendAction: async (id) => {
      this.spent.add(id);
      return true;
    },
    collect: async (collector) => {
      this.collected.push(collector);
      return ok({ summary: `${collector} answered`, facts: { collector } });
    },
    deliver: async (channel, message) => {
      const { deliveryId, ref, triedAtMs } = message;
      if (this.broken.has(channel)) return err({ class: "retry", detail: "it is broken" });
      this.arrived.push({ channel, message });
      const times = this.messages.get(deliveryId) ?? 0;
      if (times > 0 && triedAtMs === null)
        throw new Error(`${deliveryId} came again as if it were new`);
      this.messages.set(deliveryId, times + 1);
      this.refs.set(deliveryId, ref);
      return ok({ status: 200, ref: ref ?? `made for ${deliveryId}` });
    },
    relay: (channel, relayed) =>
      statuspage.deliver(
        publicMessage(relayed, channel, PUBLIC_SITE, "https://status.test"),
        { api_key: PAGE.apiKey, page: PAGE.page },
        {
          fetch: async (url, init) => this.page.fetch(new Request(url, init)),
          atMs: Date.now(),
          deadlineMs: 5_000,
        },
      ),
    project: async (view) => void this.projections.push(view),
  });
}

const worlds = new Map<string, World>();

/** The world of the object with this name, made on first use. */
export function worldOf(name: string): World {
  const world = worlds.get(name) ?? new World();
  worlds.set(name, world);
  return world;
}
