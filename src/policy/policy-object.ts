/** Keeps the policy: entries with their expiry, compiled and numbered. Guards read it through the per-location cache. */
import { DurableObject } from "cloudflare:workers";
import type { Failure } from "../incidents/journal.ts";
import { assert } from "../shared/assert.ts";
import { err, ok, type Result } from "../shared/result.ts";
import { compilePolicy } from "./compile.ts";
import type { PolicyApi } from "./policy-api.ts";
import {
  compareSeq,
  policyEntry,
  type GuardSettings,
  type Policy,
  type PolicyEntry,
  type PolicySeq,
} from "./policy.ts";
import { nextChangeMs } from "./windows.ts";
import { PolicyRows, type Progress } from "./policy-rows.ts";

export type PolicyDeps = {
  readonly instance: string;
  /** The guard's part of the site, from the deployed bundle; see settings.ts. */
  readonly settings: () => GuardSettings;
};

export class GuardPolicyObject<Env = unknown> extends DurableObject<Env> implements PolicyApi {
  readonly #deps: PolicyDeps;
  readonly #rows: PolicyRows;
  #policy: Policy;

  constructor(ctx: DurableObjectState, env: Env, deps: PolicyDeps) {
    super(ctx, env);
    this.#deps = deps;
    const nowMs = Date.now();
    this.#rows = new PolicyRows(ctx.storage.sql, nowMs);
    this.#policy = ctx.storage.transactionSync(() => this.#start(nowMs));
  }

  async read(
    since: PolicySeq | null,
  ): Promise<{ readonly seq: PolicySeq; readonly policy: Policy | null }> {
    const isNews = since === null || compareSeq(since, this.#policy.seq) < 0;
    return { seq: this.#policy.seq, policy: isNews ? this.#policy : null };
  }

  async put(wanted: PolicyEntry): Promise<Result<{ readonly seq: PolicySeq }, Failure>> {
    const parsed = policyEntry.safeParse(wanted);
    if (!parsed.success) return err(refused(`the entry is malformed: ${parsed.error.message}`));
    const entry = parsed.data;
    const nowMs = Date.now();
    if (entry.expiresAtMs <= nowMs) return err(refused(`entry ${entry.id} has already expired`));
    // A call that was under way, or repeated, while its lease was taken back.
    if (this.#rows.wasRemoved(entry.id)) return err(refused(`entry ${entry.id} was taken back`));
    // Applying the same twice is applying it once: guards need not hear of it.
    if (isSame(entry, this.#find(entry.id))) return ok({ seq: this.#policy.seq });
    return this.#change(nowMs, () => this.#rows.save(entry), entry);
  }

  async get(id: string): Promise<PolicyEntry | null> {
    return this.#find(id);
  }

  async remove(
    id: string,
  ): Promise<Result<{ readonly seq: PolicySeq; readonly existed: boolean }, Failure>> {
    const existed = this.#find(id) !== null;
    if (!existed) {
      this.#rows.remove(id, Date.now());
      return ok({ seq: this.#policy.seq, existed });
    }
    const changed = await this.#change(Date.now(), () => this.#rows.remove(id, Date.now()));
    return changed.ok ? ok({ seq: changed.value.seq, existed }) : changed;
  }

  async entries(): Promise<readonly PolicyEntry[]> {
    return this.#policy.entries.filter(isLive);
  }

  async setPollMs(pollMs: number): Promise<void> {
    if (pollMs === this.#policy.settings.pollMs) return;
    const changed = await this.#change(Date.now(), ({ seq }) =>
      this.#rows.saveProgress({ seq, pollMs }),
    );
    assert(changed.ok, "a poll interval is at least 100 ms");
  }

  /** Guards begin and end an entry by its timestamps; this only tidies up after them. Twice or late is the same. */
  override async alarm(): Promise<void> {
    const nowMs = Date.now();
    const isDue = nextChangeMs(this.#policy.entries) <= nowMs;
    if (isDue) await this.#change(nowMs, () => this.#rows.removeExpired(nowMs));
    else await this.#rearm();
  }

  /**
   * A new epoch for each start of this object. Restoring its storage always restarts it, and the restored n may be one that
   * guards have already seen with another content: a later epoch is what makes them read it.
   */
  #start(nowMs: number): Policy {
    const { seq, pollMs } = this.#rows.progress();
    const started: Progress = {
      seq: { epoch: Math.max(seq.epoch + 1, nowMs), n: seq.n },
      pollMs,
    };
    const compiled = this.#compileStored(started, { nowMs, wanted: null });
    assert(compiled.ok, `what was stored compiles again: ${compiled.ok ? "" : compiled.error}`);
    this.#rows.saveProgress({ ...started, seq: compiled.value.seq });
    return compiled.value;
  }

  #find(id: string): PolicyEntry | null {
    return this.#policy.entries.find((entry) => entry.id === id && isLive(entry)) ?? null;
  }

  /**
   * All that is stored, or as much as this version accepts together: a row that only an earlier one accepted is left out, or it
   * would cost every other lease. `wanted` is never left out; when it does not fit, that is the refusal.
   */
  #compileStored(
    progress: Progress,
    { nowMs, wanted }: { readonly nowMs: number; readonly wanted: PolicyEntry | null },
  ): Result<Policy, string> {
    const stored = this.#rows.entries();
    const whole = this.#compile(progress, stored, nowMs);
    if (whole.ok) return whole;
    const kept = stored
      .filter(({ id }) => id !== wanted?.id)
      .reduce<readonly PolicyEntry[]>((before, entry) => {
        const both = [...before, entry];
        return this.#compile(progress, both, nowMs).ok ? both : before;
      }, []);
    return this.#compile(progress, wanted === null ? kept : [...kept, wanted], nowMs);
  }

  /** The single write path: edit the rows, compile, and keep both or neither. */
  async #change(
    nowMs: number,
    edit: (progress: Progress) => void,
    wanted: PolicyEntry | null = null,
  ): Promise<Result<{ readonly seq: PolicySeq }, Failure>> {
    let refusal: string | null = null;
    try {
      // Memory moves only after the rows have: a thrown write leaves both where they were.
      this.#policy = this.ctx.storage.transactionSync(() => {
        edit(this.#rows.progress());
        const compiled = this.#compileStored(this.#rows.progress(), { nowMs, wanted });
        if (!compiled.ok) {
          refusal = compiled.error;
          throw new Error(compiled.error);
        }
        this.#rows.saveProgress({ ...this.#rows.progress(), seq: compiled.value.seq });
        return compiled.value;
      });
    } catch (fault) {
      if (refusal === null) throw fault;
      return err(refused(refusal));
    }
    await this.#rearm();
    return ok({ seq: this.#policy.seq });
  }

  #compile(
    { seq, pollMs }: Progress,
    entries: readonly PolicyEntry[],
    nowMs: number,
  ): Result<Policy, string> {
    const settings = this.#deps.settings();
    return compilePolicy({
      instance: this.#deps.instance,
      previous: seq,
      entries,
      settings: { ...settings, pollMs: pollMs ?? settings.pollMs },
      nowMs,
    });
  }

  async #rearm(): Promise<void> {
    const wakeAtMs = nextChangeMs(this.#policy.entries);
    if (wakeAtMs === Infinity) return this.ctx.storage.deleteAlarm();
    // A deadline at or behind now, set from inside alarm(), is dropped by workerd (workerd#6866).
    await this.ctx.storage.setAlarm(Math.max(wakeAtMs, Date.now() + 1));
  }
}

const refused = (detail: string): Failure => ({ class: "refuse", detail });

const isLive = (entry: PolicyEntry): boolean => entry.expiresAtMs > Date.now();

/** Both went through the same schema, which fixes the order of keys outside `match` and `action`. */
const isSame = (a: PolicyEntry, b: PolicyEntry | null): boolean =>
  b !== null && JSON.stringify(a) === JSON.stringify(b);
