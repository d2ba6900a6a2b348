/** Keeps the policy: leases and lists with their expiry, compiled and numbered. Guards read it through the per-location cache. */
import { DurableObject } from "cloudflare:workers";
import type { Failure } from "../incidents/journal.ts";
import { assert } from "../shared/assert.ts";
import { err, ok, type Result } from "../shared/result.ts";
import { compilePolicy } from "./compile.ts";
import { KeptLists } from "./kept-lists.ts";
import { isListEntry } from "./list-ids.ts";
import { ListRows } from "./list-rows.ts";
import { listTerms, type ListHead, type ListTerms } from "./lists.ts";
import {
  POLICY_HEADER_MS_MAX,
  type ListChange,
  type ListRefusal,
  type PolicyAnswer,
  type PolicyApi,
} from "./policy-api.ts";
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
import type { PolicyVersion } from "./receipts.ts";

export type PolicyDeps = {
  readonly instance: string;
  /** The guard's part of the site, from the deployed bundle; see settings.ts. */
  readonly settings: () => GuardSettings;
};

export class GuardPolicyObject<Env = unknown> extends DurableObject<Env> implements PolicyApi {
  readonly #deps: PolicyDeps;
  readonly #rows: PolicyRows;
  readonly #listRows: ListRows;
  readonly #lists: KeptLists;
  #policy: Policy;
  /** Since this object started, the newest first. */
  #versions: readonly PolicyVersion[] = [];

  constructor(ctx: DurableObjectState, env: Env, deps: PolicyDeps) {
    super(ctx, env);
    this.#deps = deps;
    const nowMs = Date.now();
    this.#rows = new PolicyRows(ctx.storage.sql, nowMs);
    this.#listRows = new ListRows(ctx.storage.sql);
    this.#lists = new KeptLists(this.#listRows);
    this.#policy = ctx.storage.transactionSync(() => this.#start(nowMs));
    this.#remember(this.#policy);
  }

  async read(since: PolicySeq | null): Promise<PolicyAnswer> {
    const isNews = since === null || compareSeq(since, this.#policy.seq) < 0;
    const { seq, compiledAtMs } = this.#policy;
    return { seq, compiledAtMs, policy: isNews ? this.#policy : null };
  }

  async put(wanted: PolicyEntry): Promise<Result<{ readonly seq: PolicySeq }, Failure>> {
    const read = policyEntry(wanted);
    if (!read.ok) return err(refused(`the entry is malformed: ${read.error}`));
    const entry = read.value;
    const nowMs = Date.now();
    if (isListEntry(entry)) return err(refused(`${entry.id} is a list, which has its own routes`));
    if (entry.expiresAtMs <= nowMs) return err(refused(`entry ${entry.id} has already expired`));
    // A call that was under way, or repeated, while its lease was taken back.
    if (this.#rows.wasRemoved(entry.id)) return err(refused(`entry ${entry.id} was taken back`));
    // Applying the same twice is applying it once: guards need not hear of it.
    if (isSame(entry, this.#find(entry.id))) return ok({ seq: this.#policy.seq });
    const changed = await this.#change(nowMs, () => this.#rows.save(entry), entry);
    return changed.ok ? ok({ seq: this.#policy.seq }) : err(refused(changed.error));
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
    return changed.ok ? ok({ seq: this.#policy.seq, existed }) : err(refused(changed.error));
  }

  async entries(): Promise<readonly PolicyEntry[]> {
    return this.#policy.entries.filter((entry) => isLive(entry) && !isListEntry(entry));
  }

  async blob(sha256: string): Promise<Uint8Array | null> {
    return this.#listRows.tableBytes(sha256);
  }

  async putList(
    wanted: ListTerms,
    parts: readonly string[],
    change: ListChange,
  ): Promise<Result<ListHead, ListRefusal>> {
    const parsed = listTerms.safeParse(wanted);
    if (!parsed.success) return err({ reason: "refused", detail: parsed.error.message });
    const terms = parsed.data;
    const nowMs = Date.now();
    const before = this.#listOf(terms.id);
    if (this.#listRows.wasAnswered(change.request)) {
      return before === null ? err(noSuchList(terms.id)) : ok(before);
    }
    if (!isAsExpected(before, change)) return err(changedMeanwhile(terms.id));
    const put = await this.#change(nowMs, () => {
      const head = orRefuse(this.#lists.put(terms, parts, nowMs));
      // No lease makes room for a list.
      const leases = this.#policy.entries.filter((entry) => !isListEntry(entry));
      orRefuse(this.#compile(this.#rows.progress(), leases, nowMs));
      this.#listRows.saveAnswer(change.request, head.sha256, nowMs);
      return head;
    });
    return put.ok ? put : err({ reason: "refused", detail: put.error });
  }

  async removeList(id: string, change: ListChange): Promise<Result<null, ListRefusal>> {
    const before = this.#listOf(id);
    if (this.#listRows.wasAnswered(change.request)) return ok(null);
    if (before === null) return err(noSuchList(id));
    if (!isAsExpected(before, change)) return err(changedMeanwhile(id));
    const nowMs = Date.now();
    const removed = await this.#change(nowMs, () => {
      orRefuse(this.#lists.remove(id, nowMs));
      this.#listRows.saveAnswer(change.request, before.sha256, nowMs);
      return null;
    });
    return removed.ok ? removed : err({ reason: "refused", detail: removed.error });
  }

  async lists(): Promise<readonly ListHead[]> {
    return this.#listRows.lists().filter(isLive);
  }

  async listParts(id: string): Promise<readonly string[] | null> {
    return this.#listOf(id) === null ? null : [...this.#listRows.parts(id)];
  }

  async versions(): Promise<readonly PolicyVersion[]> {
    return this.#versions;
  }

  async setPollMs(pollMs: number): Promise<void> {
    if (pollMs === this.#policy.settings.pollMs) return;
    const changed = await this.#change(Date.now(), (progress) =>
      this.#rows.saveProgress({ ...progress, pollMs }),
    );
    assert(changed.ok, "a poll interval is at least 100 ms");
  }

  async nameUntil(untilMs: number | null): Promise<Result<{ readonly seq: PolicySeq }, Failure>> {
    const nowMs = Date.now();
    if (untilMs !== null && (untilMs <= nowMs || untilMs > nowMs + POLICY_HEADER_MS_MAX)) {
      return err(refused("the header is for a time that lies ahead, and at most a day long"));
    }
    if (untilMs === this.#policy.settings.policyHeaderUntilMs) {
      return ok({ seq: this.#policy.seq });
    }
    const changed = await this.#change(nowMs, (progress) =>
      this.#rows.saveProgress({ ...progress, headerUntilMs: untilMs }),
    );
    return changed.ok ? ok({ seq: this.#policy.seq }) : err(refused(changed.error));
  }

  /** Guards begin and end an entry by its timestamps; this only tidies up after them. Twice or late is the same. */
  override async alarm(): Promise<void> {
    const nowMs = Date.now();
    if (this.#wakeAtMs() > nowMs) return this.#rearm();
    await this.#change(nowMs, () => {
      this.#rows.removeExpired(nowMs);
      this.#lists.tidy(nowMs);
    });
  }

  /**
   * A new epoch for each start of this object. Restoring its storage always restarts it, and the restored n may be one that
   * guards have already seen with another content: a later epoch is what makes them read it.
   */
  #start(nowMs: number): Policy {
    const progress = this.#rows.progress();
    const { epoch, n } = progress.seq;
    const started: Progress = { ...progress, seq: { epoch: Math.max(epoch + 1, nowMs), n } };
    this.#lists.tidy(nowMs);
    const compiled = this.#compileStored(started, { nowMs, wanted: null });
    assert(compiled.ok, `what was stored compiles again: ${compiled.ok ? "" : compiled.error}`);
    this.#rows.saveProgress({ ...started, seq: compiled.value.seq });
    return compiled.value;
  }

  #find(id: string): PolicyEntry | null {
    const isIt = (entry: PolicyEntry): boolean =>
      entry.id === id && isLive(entry) && !isListEntry(entry);
    return this.#policy.entries.find(isIt) ?? null;
  }

  #listOf(id: string): ListHead | null {
    return this.#listRows.lists().find((head) => head.id === id && isLive(head)) ?? null;
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

  /** The single write path: edit the rows, compile, and keep both or neither. What `edit` answers, or why it was refused. */
  async #change<T>(
    nowMs: number,
    edit: (progress: Progress) => T,
    wanted: PolicyEntry | null = null,
  ): Promise<Result<T, string>> {
    try {
      // Memory moves only after the rows have: a thrown write leaves both where they were.
      const { answer, policy } = this.ctx.storage.transactionSync(() => {
        const edited = edit(this.#rows.progress());
        const compiled = orRefuse(this.#compileStored(this.#rows.progress(), { nowMs, wanted }));
        this.#rows.saveProgress({ ...this.#rows.progress(), seq: compiled.seq });
        return { answer: edited, policy: compiled };
      });
      this.#policy = policy;
      this.#remember(policy);
      await this.#rearm();
      return ok(answer);
    } catch (fault) {
      if (fault instanceof Refused) return err(fault.message);
      throw fault;
    }
  }

  #remember({ seq, compiledAtMs }: Policy): void {
    this.#versions = [{ seq, compiledAtMs }, ...this.#versions].slice(0, VERSIONS_KEPT);
  }

  #compile(
    { seq, pollMs, headerUntilMs }: Progress,
    entries: readonly PolicyEntry[],
    nowMs: number,
  ): Result<Policy, string> {
    const settings = this.#deps.settings();
    return compilePolicy({
      instance: this.#deps.instance,
      previous: seq,
      entries: [...entries, ...this.#lists.entries()],
      networks: this.#lists.table.blob,
      settings: {
        ...settings,
        pollMs: pollMs ?? settings.pollMs,
        policyHeaderUntilMs: headerUntilMs,
      },
      nowMs,
    });
  }

  /** The next moment at which something begins, ends, or is worth clearing. */
  #wakeAtMs(): number {
    return Math.min(nextChangeMs(this.#policy.entries), this.#lists.nextChangeMs());
  }

  async #rearm(): Promise<void> {
    const wakeAtMs = this.#wakeAtMs();
    if (wakeAtMs === Infinity) return this.ctx.storage.deleteAlarm();
    // A deadline at or behind now, set from inside alarm(), is dropped by workerd (workerd#6866).
    await this.ctx.storage.setAlarm(Math.max(wakeAtMs, Date.now() + 1));
  }
}

/** Versions whose compilation is remembered, for their receipts. */
const VERSIONS_KEPT = 50;

/** Thrown inside a transaction, so that nothing of it is kept. */
class Refused extends Error {}

function orRefuse<T>(result: Result<T, string>): T {
  if (!result.ok) throw new Refused(result.error);
  return result.value;
}

const refused = (detail: string): Failure => ({ class: "refuse", detail });

const isAsExpected = (before: ListHead | null, { ifMatch }: ListChange): boolean =>
  ifMatch === null || (before !== null && (ifMatch === "*" || ifMatch === before.sha256));

const noSuchList = (id: string): ListRefusal => ({
  reason: "not_found",
  detail: `there is no list ${id}`,
});

const changedMeanwhile = (id: string): ListRefusal => ({
  reason: "changed",
  detail: `list ${id} is not the one that If-Match names; read it again`,
});

const isLive = (entry: { readonly expiresAtMs: number }): boolean => entry.expiresAtMs > Date.now();

/** Both went through the same schema, which fixes the order of keys outside `match` and `action`. */
const isSame = (a: PolicyEntry, b: PolicyEntry | null): boolean =>
  b !== null && JSON.stringify(a) === JSON.stringify(b);
