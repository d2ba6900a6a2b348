/**
 * The write journal of one route: deliveries that came while production could not take them, kept in order of arrival and given to
 * it afterwards, at least once. While any waits, an entry in the policy sends what comes next here as well, so that it stays in order.
 */
import { DurableObject } from "cloudflare:workers";
import { z } from "zod";
import { REPLAY_PATH_CHARACTERS_MAX } from "../guard/write-journal/envelope.ts";
import type { Failure } from "../incidents/journal.ts";
import type { PolicyApi } from "../policy/policy-api.ts";
import type { GuardSettings, JournalRoute, PolicyEntry } from "../policy/policy.ts";
import { deliveryIdIn } from "../shared/ids.ts";
import { err, ok, type Result } from "../shared/result.ts";
import { afterAttempt, dueAfter } from "./after-attempt.ts";
import { isHeld } from "./held.ts";
import type {
  Acceptance,
  DeadLetter,
  JournalApi,
  JournalDelivery,
  JournalStatus,
} from "./journal-api.ts";
import { JournalRows, type Waiting } from "./journal-rows.ts";

/** How often a backlog that may not go yet asks whether it may. */
export const HELD_POLL_MS = 5_000;
/** Should this object die for good, guards stop sending deliveries to it after this. */
export const MARKER_LIFE_MS = 3_600_000;
/** A backlog may end while its marker is raised, but hardly twice. */
const RAISES_MAX = 3;
/** Deliveries per alarm; the next alarm takes the next ones. */
const REPLAYS_PER_ALARM = 50;
const CLEAN_EVERY_MS = 24 * 3_600_000;
const HEADERS_MAX = 32;
export const LETTERS_MAX = 100;

export type WriteJournalDeps = {
  readonly instance: string;
  /** As configured now; null: the route is gone, and what it left behind is still delivered. */
  readonly route: () => JournalRoute | null;
  readonly settings: () => GuardSettings;
  readonly policy: () => Pick<PolicyApi, "put" | "remove" | "entries">;
  /** One attempt to give production a delivery. Throws only by mistake. */
  readonly replay: (delivery: ReplayedDelivery) => Promise<Result<null, Failure>>;
  readonly newId: () => string;
};

export type ReplayedDelivery = JournalDelivery & {
  /** What the receiver applies once. */
  readonly id: string;
  readonly routeId: string;
};

const delivery = z.object({
  key: z.string().min(1).max(200).nullable(),
  /** Its path will be signed. */
  url: z.url().max(REPLAY_PATH_CHARACTERS_MAX),
  headers: z
    .array(z.object({ name: z.string().max(100), value: z.string().max(4_096) }))
    .max(HEADERS_MAX),
  body: z.instanceof(Uint8Array),
  receivedAtMs: z.int(),
});

export class WriteJournalObject<Env = unknown> extends DurableObject<Env> implements JournalApi {
  readonly #deps: WriteJournalDeps;
  readonly #rows: JournalRows;
  readonly #routeId: string;

  constructor(ctx: DurableObjectState, env: Env, routeId: string, deps: WriteJournalDeps) {
    super(ctx, env);
    this.#deps = deps;
    this.#routeId = routeId;
    this.#rows = new JournalRows(ctx.storage.sql, Date.now());
  }

  async accept(wanted: JournalDelivery): Promise<Acceptance> {
    const route = this.#deps.route();
    if (route === null) return { taken: false, why: "unknown" };
    const given = { ...delivery.parse(wanted), body: ownBytes(wanted.body) };
    for (let tries = 0; tries < RAISES_MAX; tries += 1) {
      const settled = this.#refusal(given, route);
      if (settled !== null) return settled;
      if (this.#isMarked()) return this.#keep(given);
      await this.#raiseMarker(route);
    }
    return { taken: false, why: "unready" };
  }

  async status(): Promise<JournalStatus> {
    return this.#rows.status();
  }

  async deadLetters(
    after: string | null,
    limit: number,
  ): Promise<{ readonly items: readonly DeadLetter[]; readonly next: string | null }> {
    const wanted = Math.min(Math.max(1, limit), LETTERS_MAX);
    const found = this.#rows.deadLetters(after, wanted + 1);
    const items = found.slice(0, wanted);
    return { items, next: found.length > wanted ? (items.at(-1)?.id ?? null) : null };
  }

  async deadLetter(id: string): ReturnType<JournalApi["deadLetter"]> {
    const found = this.#rows.deadLetter(id);
    return found === null ? null : { ...found.letter, headers: found.headers, body: found.body };
  }

  async redrive(id: string | null): Promise<number> {
    const count = this.#rows.redrive(id);
    if (count > 0) await this.#wakeAt(Date.now() + 1);
    return count;
  }

  async discard(id: string): Promise<boolean> {
    return this.#rows.discard(id);
  }

  /** Twice or late is the same: each step looks at the rows, and the rows say what is left to do. */
  override async alarm(): Promise<void> {
    await this.ctx.storage.setAlarm(Date.now() + HELD_POLL_MS);
    this.#rows.forget(Date.now());
    await this.#removeLowered();
    const route = this.#deps.route();
    if (this.#rows.hasWaiting() && route !== null) await this.#raiseMarker(route);
    const wakeAtMs = await this.#deliver();
    if (wakeAtMs !== null) return this.ctx.storage.setAlarm(Math.max(wakeAtMs, Date.now() + 1));
    this.#lowerMarker();
    await this.#removeLowered();
    // Something else has begun meanwhile, or is not over: the alarm that is set comes for it.
    if (this.#rows.lowered().length > 0 || this.#rows.marker().expiresAtMs !== 0) return;
    if (this.#rows.held().count > 0) await this.ctx.storage.setAlarm(Date.now() + CLEAN_EVERY_MS);
    else await this.ctx.storage.deleteAlarm();
  }

  /** Nothing is awaited between the look at the marker and the row: a backlog never waits unmarked. */
  async #keep(given: JournalDelivery): Promise<Acceptance> {
    this.#rows.add(deliveryIdIn(this.#routeId, given.key ?? this.#deps.newId()), given);
    await this.#wakeAt(Date.now() + 1);
    return { taken: true, isRepeated: false };
  }

  /** Why it is not stored (again); null when it is to be. */
  #refusal(given: JournalDelivery, route: JournalRoute): Acceptance | null {
    if (given.key !== null && this.#rows.knows(given.key)) return { taken: true, isRepeated: true };
    const { count, bytes } = this.#rows.held();
    const isFull = count >= route.deliveriesMax || bytes + given.body.byteLength > route.bytesMax;
    return isFull ? { taken: false, why: "full" } : null;
  }

  /** Replays what is due. Answers when to go on, null when nothing waits any more. */
  async #deliver(): Promise<number | null> {
    for (let replays = 0; replays < REPLAYS_PER_ALARM; replays += 1) {
      const head = this.#rows.head();
      if (head === null) return null;
      const nowMs = Date.now();
      // In order: while the first may not go, none does.
      if (head.dueAtMs > nowMs) return head.dueAtMs;
      if (await this.#mustWait(head)) return Date.now() + HELD_POLL_MS;
      await this.#attempt(head);
    }
    return Date.now() + 1;
  }

  /** Not knowing whether production may have it is a reason to wait. */
  async #mustWait({ url }: Waiting): Promise<boolean> {
    try {
      const entries = await this.#deps.policy().entries();
      const view = { entries, settings: this.#deps.settings(), nowMs: Date.now() };
      return isHeld(new URL(url).pathname, view);
    } catch {
      return true;
    }
  }

  async #attempt(head: Waiting): Promise<void> {
    const attempts = head.attempts + 1;
    const dueAtMs = dueAfter(attempts, Date.now(), Math.random());
    this.#rows.begin(head.seq, attempts, dueAtMs);
    const replayed = { ...head, id: head.key ?? head.id, routeId: this.#routeId };
    // One that cannot even be sent has been tried, or it would stand at the head of its route for ever.
    const answer = await calling("it could not be sent", () => this.#deps.replay(replayed));
    const nowMs = Date.now();
    this.ctx.storage.transactionSync(() => {
      if (answer.ok) return this.#rows.delivered(head, nowMs);
      const next = afterAttempt(answer.error, { attempts, dueAtMs });
      this.#rows.failed(head, answer.error.detail, next.step === "dead" ? nowMs : null);
    });
  }

  /** Guards know of the backlog, or will with the policy that they read next. */
  #isMarked(): boolean {
    const { isUp, expiresAtMs } = this.#rows.marker();
    return isUp && expiresAtMs > Date.now();
  }

  /** Tells guards of the backlog that is there or about to be, and again before they forget. Whether it worked is in the rows. */
  async #raiseMarker(route: JournalRoute): Promise<void> {
    const nowMs = Date.now();
    const { generation, ...before } = this.#rows.marker();
    if (before.isUp && before.expiresAtMs - nowMs > MARKER_LIFE_MS / 2) return;
    const expiresAtMs = nowMs + MARKER_LIFE_MS;
    // Written down first, with an alarm: should this be the end, the entry is found and taken back.
    if (!before.isUp) this.#rows.saveMarker({ generation, isUp: false, expiresAtMs });
    await this.#wakeAt(nowMs + HELD_POLL_MS);
    const told = await calling(NO_POLICY, () =>
      this.#deps.policy().put(this.#entry(generation, expiresAtMs, route)),
    );
    // Lowered meanwhile: then this entry is on its way out, and the next one gets another id.
    if (!told.ok || this.#rows.marker().generation !== generation) return;
    this.#rows.saveMarker({ generation, isUp: true, expiresAtMs });
  }

  /** An id that was taken out of the policy never comes back, so the next backlog gets another. */
  #lowerMarker(): void {
    this.ctx.storage.transactionSync(() => {
      const { generation, expiresAtMs } = this.#rows.marker();
      if (expiresAtMs === 0 || this.#rows.hasWaiting()) return;
      this.#rows.lower(generation);
      this.#rows.saveMarker({ generation: generation + 1, isUp: false, expiresAtMs: 0 });
    });
  }

  async #removeLowered(): Promise<void> {
    for (const generation of this.#rows.lowered()) {
      const removed = await calling(NO_POLICY, () =>
        this.#deps.policy().remove(this.#entryId(generation)),
      );
      if (removed.ok) this.#rows.lowerDone(generation);
    }
  }

  #entry(generation: number, expiresAtMs: number, { route }: JournalRoute): PolicyEntry {
    const id = this.#entryId(generation);
    return {
      id,
      kind: "write-journal",
      owner: `${this.#deps.instance}/write-journal`,
      reason: "deliveries wait here, and what comes next waits behind them",
      match: { routes: [route] },
      action: {},
      mode: "enforce",
      fail: "open",
      share: 1,
      salt: id,
      expiresAtMs,
    };
  }

  #entryId(generation: number): string {
    return `wj_${this.#routeId}_${generation}`;
  }

  /** At this moment at the latest. */
  async #wakeAt(atMs: number): Promise<void> {
    const set = await this.ctx.storage.getAlarm();
    if (set === null || set > atMs) await this.ctx.storage.setAlarm(atMs);
  }
}

/** A view of a larger buffer would be stored with all of it. */
const ownBytes = (bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(bytes);

const NO_POLICY = "the policy object did not answer";

/** `detail` says what a fault means; the fault's own words may hold what was sent. */
async function calling<T>(
  detail: string,
  call: () => Promise<Result<T, Failure>>,
): Promise<Result<T, Failure>> {
  try {
    const answer = await call();
    return answer.ok ? ok(answer.value) : answer;
  } catch {
    return err({ class: "unknown_outcome", detail });
  }
}
