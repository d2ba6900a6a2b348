/**
 * Lets production's compute at Neon grow further, up to a cap, and takes that back. A note beside it holds the mark and what was there
 * before, and is written first: whoever comes later knows what to undo, even if nobody else is left.
 */
import { z } from "zod";
import type { Failure } from "../../incidents/journal.ts";
import { readParent } from "../../platform/neon-branches.ts";
import {
  listComputes,
  setMaxCu,
  SPAN_CU_MAX,
  type NeonCompute,
} from "../../platform/neon-computes.ts";
import { findNotes, removeNote, type NeonNote } from "../../platform/neon-notes.ts";
import type { Neon } from "../../platform/neon.ts";
import { err, ok, type Result } from "../../shared/result.ts";
import {
  defineLease,
  type AppliedLease,
  type NeonReach,
  type Reach,
  type Reverted,
} from "../actuator.ts";
import { readMark, writeMark, type Mark } from "../mark.ts";
import { keepNote, settled } from "../neon-note.ts";
import type { Marking } from "../reaper.ts";

const ID = "scale-compute";
const CU_MAX = 16;

const options = z.strictObject({
  /** Compute units that it may grow to; what that costs is for who writes the playbook. */
  max_cu: z.int().min(1).max(CU_MAX),
});
const prior = z.object({ computeId: z.string(), beforeCu: z.number(), afterCu: z.number() });
type Prior = z.infer<typeof prior>;
type Lease = AppliedLease<z.output<typeof options>, Prior>;
/** What stands at Neon for one lease: the note, and the compute that it names, each null when it is gone. */
type Standing = {
  readonly note: NeonNote | null;
  readonly mark: Mark | null;
  readonly prior: Prior | null;
  readonly compute: NeonCompute | null;
};

export const scaleCompute = defineLease({
  id: ID,
  kind: "lease",
  options,
  prior,
  traits: { siteWide: false, masks: [], release: "at_once" },
  plan: ({ max_cu: maxCu }) => ({
    siteWide: false,
    masks: [],
    release: "at_once",
    touches: `nobody: the database's compute may grow to ${maxCu} CU, which is paid for`,
  }),
  missing: ({ neon }) => (neon === null ? MISSING : null),

  async apply(lease, reach) {
    const { neon } = reach;
    if (neon === null) return refuse(MISSING);
    if (lease.expiresAtMs <= neon.now()) return refuse("the lease has ended already");
    const standing = await look(neon.api, lease.id, lease.prior);
    if (!standing.ok) return standing;
    const known = standing.value.prior;
    const meant = known === null ? await decide(neon, lease) : ok(known);
    if (!meant.ok) return meant;
    // A rehearsal ends here: it has found out what it would do.
    if (lease.shadow) return ok({ prior: meant.value, receipt: null });
    const written = await keepNote(neon, noteOf(lease, meant.value, reach), standing.value.note);
    if (!written.ok) return written;
    const { computeId, beforeCu, afterCu } = meant.value;
    const grown = await grow(neon.api, meant.value, standing.value.compute?.maxCu ?? beforeCu);
    return grown.ok
      ? ok({ prior: meant.value, receipt: { computeId, fromCu: beforeCu, toCu: afterCu } })
      : grown;
  },

  async verify(lease, { neon }) {
    if (neon === null) return refuse(MISSING);
    const standing = await look(neon.api, lease.id, lease.prior);
    if (!standing.ok) return standing;
    const { mark, prior: known, compute } = standing.value;
    return ok(
      lease.shadow ||
        (mark?.expiresAtMs === lease.expiresAtMs && compute?.maxCu === known?.afterCu),
    );
  },

  async inspect(lease, { neon }) {
    if (neon === null) return "unknown";
    const standing = await look(neon.api, lease.id, lease.prior);
    return standing.ok ? whose(standing.value) : "unknown";
  },

  async revert(lease, { neon }) {
    if (neon === null) return refuse(MISSING);
    const standing = await look(neon.api, lease.id, lease.prior);
    return standing.ok ? takeBack(neon.api, standing.value) : standing;
  },
});

/** For the reaper: the notes of every lease. */
export const scaleComputeMarking: Marking = {
  actuator: ID,
  async marked({ neon, instance }) {
    if (neon === null) return ok([]);
    const notes = await findNotes(neon.api, `firebreak/${instance}/lse_`);
    if (!notes.ok) return notes;
    return ok(
      notes.value.flatMap(({ id, text }) => {
        const mark = readMark(text);
        return mark === null || priorIn(text) === null ? [] : [{ mark, place: id }];
      }),
    );
  },
  async undo({ mark }, { neon }) {
    if (neon === null) return refuse(MISSING);
    const standing = await look(neon.api, mark.leaseId, null);
    if (!standing.ok) return standing;
    // Renewed since, or written by another instance.
    const found = standing.value.mark;
    if (found !== null && writeMark(found) !== writeMark(mark)) return ok("changed");
    return takeBack(neon.api, standing.value);
  },
};

/** What is there for the lease; the note counts before the journal, for it was written first. */
async function look(
  api: Neon,
  leaseId: Mark["leaseId"],
  journaled: Prior | null,
): Promise<Result<Standing, Failure>> {
  const notes = await findNotes(api, leaseId);
  if (!notes.ok) return notes;
  const note = notes.value.find(({ text }) => readMark(text)?.leaseId === leaseId) ?? null;
  const known = note === null ? journaled : priorIn(note.text);
  const computes = await listComputes(api);
  if (!computes.ok) return computes;
  return ok({
    note,
    mark: note === null ? null : readMark(note.text),
    prior: known,
    compute: computes.value.find(({ id }) => id === known?.computeId) ?? null,
  });
}

/** The compute that writes to production's branch, and how far it would be let grow. */
async function decide(neon: NeonReach, lease: Lease): Promise<Result<Prior, Failure>> {
  const parent = await readParent(neon.api, neon.branchId);
  if (!parent.ok) return parent;
  const computes = await listComputes(neon.api);
  if (!computes.ok) return computes;
  const compute = computes.value.find(
    ({ branchId, isWriter }) => isWriter && branchId === parent.value?.id,
  );
  if (compute === undefined) return refuse("production's branch has no compute that writes");
  const others = await findNotes(neon.api, ` ${ID} ${compute.id} `);
  if (!others.ok) return others;
  if (others.value.length > 0) return refuse(`another lease has ${compute.id} scaled`);
  const afterCu = Math.min(lease.options.max_cu, compute.minCu + SPAN_CU_MAX);
  if (afterCu <= compute.maxCu) {
    return refuse(`${compute.id} may use ${compute.maxCu} CU already`);
  }
  return ok({ computeId: compute.id, beforeCu: compute.maxCu, afterCu });
}

/** Raises the limit if it is what it was before, and only then. */
async function grow(
  api: Neon,
  { computeId, beforeCu, afterCu }: Prior,
  current: number,
): Promise<Result<null, Failure>> {
  if (current === afterCu) return ok(null);
  return current === beforeCu
    ? settled(api, await setMaxCu(api, computeId, afterCu))
    : refuse(`somebody set ${computeId} to ${current} CU since`);
}

/** While it is as it was before, ours is what was only begun. */
function whose({ note, prior: known, compute }: Standing): "ours" | "changed" | "gone" {
  if (known === null || compute === null) return "gone";
  if (compute.maxCu === known.afterCu) return "ours";
  if (note === null) return "gone";
  return compute.maxCu === known.beforeCu ? "ours" : "changed";
}

/** Restores what is still ours; the note goes last, and in any case. */
async function takeBack(api: Neon, standing: Standing): Promise<Result<Reverted, Failure>> {
  const { note, prior: known, compute } = standing;
  const is = whose(standing);
  if (is === "ours" && known !== null && compute?.maxCu === known.afterCu) {
    const set = await settled(api, await setMaxCu(api, known.computeId, known.beforeCu));
    if (!set.ok) return set;
  }
  if (note !== null) {
    const removed = await settled(api, await removeNote(api, note.id));
    if (!removed.ok) return removed;
  }
  return ok(is === "ours" ? "restored" : is);
}

const noteOf = (
  { id: leaseId, expiresAtMs }: Lease,
  { computeId, beforeCu, afterCu }: Prior,
  { instance }: Reach,
): string =>
  `${writeMark({ instance, leaseId, expiresAtMs })} ${ID} ${computeId} from ${beforeCu} to ${afterCu} CU`;

const WORDS = new RegExp(` ${ID} ([a-z0-9-]{1,60}) from ([0-9.]{1,6}) to ([0-9.]{1,6}) CU$`);

function priorIn(text: string): Prior | null {
  const [, computeId, before, after] = WORDS.exec(text) ?? [];
  if (computeId === undefined) return null;
  return { computeId, beforeCu: Number(before), afterCu: Number(after) };
}

const MISSING = "NEON_API_KEY and NEON_PROJECT_ID are not set";
type Refusal = { readonly class: "refuse"; readonly detail: string };
const refuse = (detail: string): Result<never, Refusal> => err({ class: "refuse", detail });
