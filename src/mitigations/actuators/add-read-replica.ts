/**
 * Adds a compute at Neon that only reads, has production read from it through the SDK, and takes both back. A note holds the mark, as
 * with `scale-compute`; the compute bears the lease's id for its name, so that it is made once and found by whoever comes later.
 */
import { z } from "zod";
import type { Failure } from "../../incidents/journal.ts";
import { readParent } from "../../platform/neon-branches.ts";
import {
  addReader,
  listComputes,
  removeCompute,
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
import { durationOption, msOf } from "../duration-option.ts";
import { guardEntry, type NoPrior } from "../guard-entry.ts";
import { readMark, writeMark, type Mark } from "../mark.ts";
import { keepNote, settled } from "../neon-note.ts";
import type { Marking } from "../reaper.ts";

const ID = "add-read-replica";
const CU_MAX = 16;

const options = z.strictObject({
  /** Compute units that it may grow to; what that costs is for who writes the playbook. */
  max_cu: z.int().min(1).max(CU_MAX),
  /** While it is further behind it is not read from. */
  max_lag: durationOption(100, 300_000).default("5s"),
  /** A session that wrote this recently reads from the primary; longer than `max_lag`, or it may miss what it wrote. */
  read_your_writes: durationOption(0, 60_000).default("10s"),
});
type Options = z.infer<typeof options>;
/** Null in a rehearsal, and until it is known. */
const prior = z.object({ computeId: z.string().nullable() });
type Prior = z.infer<typeof prior>;
type Lease = AppliedLease<Options, Prior>;
/** What stands at Neon for one lease, each null when it is not there. */
type Standing = {
  readonly note: NeonNote | null;
  readonly mark: Mark | null;
  /** The compute that bears the lease's name. */
  readonly ours: NeonCompute | null;
  /** The one that did, and has been given another name since: somebody keeps it. */
  readonly theirs: NeonCompute | null;
};

const traits = {
  siteWide: false,
  masks: [],
  // Bit by bit, so that the primary is not met by every read at once.
  release: "staged",
} as const;

/** How production learns of it. */
const entry = guardEntry<{ readonly host: string } & Options>(
  ({ host, max_lag, read_your_writes }) => ({
    kind: "added-replica",
    match: {},
    action: { host, maxLagMs: msOf(max_lag), readYourWritesMs: msOf(read_your_writes) },
    fail: "open",
  }),
  { ...traits, touches: "" },
);
const entryOf = (lease: Lease, host: string) =>
  ({ ...lease, options: { ...lease.options, host }, prior: null }) satisfies AppliedLease<
    { readonly host: string } & Options,
    NoPrior
  >;

export const addReadReplica = defineLease({
  id: ID,
  kind: "lease",
  options: options.refine((given) => msOf(given.read_your_writes) >= msOf(given.max_lag), {
    path: ["read_your_writes"],
    message: "must be at least max_lag",
  }),
  prior,
  traits,
  plan: ({ max_cu: maxCu, max_lag: maxLag }) => ({
    ...traits,
    touches: `what visitors read may be up to ${maxLag} old; a replica of up to ${maxCu} CU is paid for`,
  }),
  missing: ({ neon }) => (neon === null ? MISSING : null),

  async apply(lease, reach) {
    const { neon } = reach;
    if (neon === null) return refuse(MISSING);
    if (lease.expiresAtMs <= neon.now()) return refuse("the lease has ended already");
    const standing = await look(neon.api, lease.id, lease.prior);
    if (!standing.ok) return standing;
    const { note, ours, theirs } = standing.value;
    if (theirs !== null) return refuse(`somebody has taken ${theirs.id} over`);
    const parent = await decide(neon, lease);
    if (!parent.ok) return parent;
    // A rehearsal ends here: it has found out what it would do.
    if (lease.shadow) return ok({ prior: { computeId: null }, receipt: null });
    const written = await keepNote(neon, noteOf(lease, parent.value, reach), note);
    if (!written.ok) return written;
    const made = ours === null ? await make(neon.api, lease, parent.value) : ok(ours);
    if (!made.ok) return made;
    const { id: computeId, host, isStarting } = made.value;
    if (isStarting) return err({ class: "retry", detail: `${computeId} is still starting` });
    const told = await entry.apply(entryOf(lease, host), reach);
    return told.ok ? ok({ prior: { computeId }, receipt: { computeId, host } }) : told;
  },

  async verify(lease, reach) {
    if (reach.neon === null) return refuse(MISSING);
    const standing = await look(reach.neon.api, lease.id, lease.prior);
    if (!standing.ok) return standing;
    const { mark, ours } = standing.value;
    if (lease.shadow) return ok(true);
    if (ours === null || mark?.expiresAtMs !== lease.expiresAtMs) return ok(false);
    return entry.verify(entryOf(lease, ours.host), reach);
  },

  async inspect(lease, { neon }) {
    if (neon === null) return "unknown";
    const standing = await look(neon.api, lease.id, lease.prior);
    return standing.ok ? whose(standing.value) : "unknown";
  },

  async revert(lease, reach) {
    if (reach.neon === null) return refuse(MISSING);
    // Reads leave it before it goes; whoever has not heard of that yet asks the primary when it does not answer.
    const left = await entry.revert(entryOf(lease, ""), reach);
    if (!left.ok) return left;
    const standing = await look(reach.neon.api, lease.id, lease.prior);
    return standing.ok ? takeBack(reach.neon.api, standing.value) : standing;
  },
});

/** For the reaper. What production was told ends by its own time. */
export const addReadReplicaMarking: Marking = {
  actuator: ID,
  async marked({ neon, instance }) {
    if (neon === null) return ok([]);
    const notes = await findNotes(neon.api, `firebreak/${instance}/lse_`);
    if (!notes.ok) return notes;
    return ok(
      notes.value.flatMap(({ id, text }) => {
        const mark = readMark(text);
        return mark === null || !WORDS.test(text) ? [] : [{ mark, place: id }];
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

async function look(
  api: Neon,
  leaseId: string,
  journaled: Prior | null,
): Promise<Result<Standing, Failure>> {
  const notes = await findNotes(api, leaseId);
  if (!notes.ok) return notes;
  const computes = await listComputes(api);
  if (!computes.ok) return computes;
  const note = notes.value.find(({ text }) => readMark(text)?.leaseId === leaseId) ?? null;
  const ours = computes.value.find(({ name }) => name === leaseId) ?? null;
  const known = computes.value.find(({ id }) => id === journaled?.computeId) ?? null;
  return ok({
    note,
    mark: note === null ? null : readMark(note.text),
    ours,
    theirs: ours === null ? known : null,
  });
}

/** The branch it is added to; one lease at a time, for production knows of one. */
async function decide(neon: NeonReach, lease: Lease): Promise<Result<string, Failure>> {
  const parent = await readParent(neon.api, neon.branchId);
  if (!parent.ok) return parent;
  if (parent.value === null) return refuse("the project has no such branch");
  const notes = await findNotes(neon.api, ` ${ID} ${parent.value.id}`);
  if (!notes.ok) return notes;
  const other = notes.value.find(({ text }) => readMark(text)?.leaseId !== lease.id);
  return other === undefined
    ? ok(parent.value.id)
    : refuse(`another lease has added a replica to ${parent.value.id}`);
}

async function make(
  api: Neon,
  { id: name, options: { max_cu: maxCu } }: Lease,
  branchId: string,
): Promise<Result<NeonCompute, Failure>> {
  const made = await settled(api, await addReader(api, { branchId, name, maxCu }));
  if (!made.ok) return made;
  const computes = await listComputes(api);
  if (!computes.ok) return computes;
  const found = computes.value.find((compute) => compute.name === name);
  return found === undefined
    ? err({ class: "unknown_outcome", detail: "Neon: it made a replica, and does not list it" })
    : ok(found);
}

function whose({ ours, theirs }: Standing): "ours" | "changed" | "gone" {
  if (ours !== null) return "ours";
  return theirs === null ? "gone" : "changed";
}

/** Removes what is still ours; the note goes last, and in any case. */
async function takeBack(api: Neon, standing: Standing): Promise<Result<Reverted, Failure>> {
  const { note, ours } = standing;
  if (ours !== null) {
    const removed = await settled(api, await removeCompute(api, ours.id));
    if (!removed.ok) return removed;
  }
  if (note !== null) {
    const removed = await settled(api, await removeNote(api, note.id));
    if (!removed.ok) return removed;
  }
  const is = whose(standing);
  return ok(is === "ours" ? "restored" : is);
}

const noteOf = ({ id: leaseId, expiresAtMs }: Lease, branchId: string, { instance }: Reach) =>
  `${writeMark({ instance, leaseId, expiresAtMs })} ${ID} ${branchId}`;

const WORDS = new RegExp(` ${ID} [a-z0-9-]{1,60}$`);

const MISSING = "NEON_API_KEY and NEON_PROJECT_ID are not set";
type Refusal = { readonly class: "refuse"; readonly detail: string };
const refuse = (detail: string): Result<never, Refusal> => err({ class: "refuse", detail });
