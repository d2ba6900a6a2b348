/** What is to become of a request: an answer of ours, or the call of production with what is to be known of it afterwards. */
import type { RefusingEntry } from "../policy/kinds.ts";
import { defaultSettings } from "../policy/policy.ts";
import { answerFor, journalAnswer, problemAnswer } from "./answers.ts";
import { clearanceOf, type CountChallenge } from "./challenge/challenges.ts";
import { challengeOf } from "./challenge/terms.ts";
import { readCredentials, withoutCredentials, type Credentials } from "./credentials.ts";
import { decideFully } from "./decide-fully.ts";
import { closedEntry, type Decision } from "./decide.ts";
import { scopeOf, type Scope } from "./emergency-cache/copies.ts";
import { readFacts, type RequestFacts } from "./facts.ts";
import { isMeant } from "./hits.ts";
import type { Announced } from "./limits/announce.ts";
import { NO_METER, type Meter } from "./limits/meter.ts";
import type { Snapshot } from "./loaded-policy.ts";
import { orElse } from "./or-else.ts";
import { pathOf } from "./routes.ts";
import type { GuardDeps, Scene } from "./scene.ts";
import { verifyToken, type SigningKey, type TokenClaims } from "./signed.ts";
import { ACTIONS } from "./stages.ts";
import type { Verdict } from "./verdict.ts";
import { handOver, type HandedOver } from "./write-journal/hand-over.ts";

/** What is remembered of the decision once it is made. */
export type Seen = {
  readonly verdict: Verdict;
  /** Formatted, `none` in an isolate without one. */
  readonly policySeq: string;
  /** Null when a fault came before they could be read. */
  readonly facts: RequestFacts | null;
  readonly shadowedIds: readonly string[];
  readonly unknownEntries: number;
  readonly isProbe: boolean;
  /** What is suspicious about it is written down. */
  readonly isLogged: boolean;
  /** Operators have asked that every answer names its policy. */
  readonly isNamed: boolean;
  readonly isFault: boolean;
};

export type Plan =
  | { readonly kind: "answer"; readonly response: Response; readonly seen: Seen }
  | OriginPlan;

export type OriginPlan = {
  readonly kind: "origin";
  readonly request: Request;
  readonly seen: Seen;
  /** Null: no copy is asked for or kept. */
  readonly scope: Scope | null;
  /** What production's answer says of the limits that admitted the request. */
  readonly announced: readonly Announced[];
};

/** At once for nearly every request: its policy is there, it carries no token, and nothing need be found out. Never rejects. */
export function planFor(scene: Scene): Plan | Promise<Plan> {
  const { request, deps, waitUntil } = scene;
  try {
    const credentials = readCredentials(request);
    const held = deps.snapshots.current(waitUntil);
    const plan =
      credentials === null && !(held instanceof Promise)
        ? planUnder(scene, { snapshot: held, credentials, bearer: ANYONE })
        : planOnceKnown(scene, credentials, held);
    return plan instanceof Promise ? plan.catch((fault) => planAfterFault(scene, fault)) : plan;
  } catch (fault) {
    return planAfterFault(scene, fault);
  }
}

async function planOnceKnown(
  scene: Scene,
  credentials: Credentials | null,
  held: ReturnType<GuardDeps["snapshots"]["current"]>,
): Promise<Plan> {
  const snapshot = await held;
  const ground = { snapshot, nowMs: Date.now() };
  const bearer = credentials === null ? ANYONE : await verify(credentials, scene.deps.keys, ground);
  return planUnder(scene, { snapshot, credentials, bearer });
}

type Known = {
  readonly snapshot: Snapshot | null;
  readonly credentials: Credentials | null;
  readonly bearer: Bearer;
};

function planUnder(scene: Scene, { snapshot, credentials, bearer }: Known): Plan | Promise<Plan> {
  const { request, deps } = scene;
  const nowMs = Date.now();
  const settings = snapshot?.loaded.policy.settings ?? WITHOUT_POLICY;
  const facts = readFacts(request, settings, bearer.operator, bearer.isProbe);
  const meter = meterFor(scene, facts, snapshot);
  const clearance = () => clearanceOf(deps.challenges, request, credentials, { snapshot, nowMs });
  const deciding = decideFully(request, facts, { snapshot, nowMs, meter, clearance });
  const plan = (decision: Decision): Plan | Promise<Plan> =>
    planBy(scene, { decision, facts, snapshot, nowMs, meter }, credentials !== null);
  return deciding instanceof Promise ? deciding.then(plan) : plan(deciding);
}

function planBy(scene: Scene, judged: Judged, hasCredentials: boolean): Plan | Promise<Plan> {
  const { decision, facts } = judged;
  if (decision.journal !== null) return planAfterJournal(scene, judged, hasCredentials);
  return planOf(scene, judged, { seen: seenIn(decision, facts, judged), hasCredentials });
}

async function planAfterJournal(
  scene: Scene,
  judged: Judged,
  hasCredentials: boolean,
): Promise<Plan> {
  const kept = await journaled(scene, judged);
  if (kept.response !== null) return { kind: "answer", ...kept };
  return planOf(scene, judged, { seen: kept.seen, hasCredentials });
}

type Judged = {
  readonly decision: Decision;
  readonly facts: RequestFacts;
  readonly snapshot: Snapshot | null;
  readonly nowMs: number;
  readonly meter: Meter;
};

function planOf(
  scene: Scene,
  judged: Judged,
  { seen, hasCredentials }: { readonly seen: Seen; readonly hasCredentials: boolean },
): Plan | Promise<Plan> {
  const { request } = scene;
  const { decision, facts, snapshot, nowMs, meter } = judged;
  const { enforced, cache, verdict } = decision;
  if (verdict.reason === "challenge_unavailable") counting(scene)("unenforced", nowMs);
  if (enforced !== null && snapshot !== null) {
    return refuse(scene, enforced, judged).then((response) => ({
      kind: "answer",
      response,
      seen,
    }));
  }
  const scope =
    cache === null || snapshot === null
      ? null
      : scopeOf(cache, facts, snapshot.loaded.policy.settings);
  const announced = decision.announced.map((limit) => ({ limit, left: meter.left(limit) }));
  // Last, because it may take the body over: nothing of ours stands between this and the call.
  const forwarded = hasCredentials ? withoutCredentials(request) : request;
  return { kind: "origin", request: forwarded, seen, scope, announced };
}

type Kept =
  | { readonly response: Response; readonly seen: Seen }
  /** It was not kept, and meets what it would have met without a journal. */
  | { readonly response: null; readonly seen: Seen };

/** Gives a delivery to the journal of its route. Never rejects. */
async function journaled(
  { request, deps }: Scene,
  { decision, facts, snapshot, nowMs }: Judged,
): Promise<Kept> {
  const seen = seenIn(decision, facts, { snapshot, nowMs });
  const outcome = await orMissed(deps, async () => {
    const { journal } = decision;
    if (journal === null || snapshot === null) return "journal_missed";
    const { instance } = snapshot.loaded.policy;
    return handOver(request, journal, { link: deps.journal, keys: deps.keys, instance, nowMs });
  });
  if (outcome === "passes") return { response: null, seen };
  const isFault = outcome === "journal_missed";
  const verdict: Verdict = { ...decision.verdict, reason: outcome };
  const response = journalAnswer(request, outcome);
  if (response !== null) {
    return { response, seen: { ...seen, verdict: { ...verdict, action: "journal" } } };
  }
  // Whom production serves all the same is counted as served.
  return {
    response,
    seen: decision.enforced === null ? { ...seen, isFault } : { ...seen, verdict, isFault },
  };
}

async function orMissed(deps: GuardDeps, attempt: () => Promise<HandedOver>): Promise<HandedOver> {
  try {
    return await attempt();
  } catch (fault) {
    orElse(() => deps.onFault(fault), undefined);
    return "journal_missed";
  }
}

async function refuse(
  scene: Scene,
  enforced: RefusingEntry,
  { decision: { limited }, snapshot, nowMs }: Judged,
): Promise<Response> {
  const { request, deps } = scene;
  const { settings, instance } = snapshot?.loaded.policy ?? {
    settings: defaultSettings(),
    instance: null,
  };
  const refusal = { enforced, limited, settings, nowMs };
  const terms = challengeOf(enforced);
  return terms === null || deps.challenges === null
    ? answerFor(request, refusal)
    : deps.challenges.answer(request, { ...refusal, terms, instance }, counting(scene));
}

/** A fault here costs a count and nothing else. */
export const counting =
  ({ deps, waitUntil }: Scene): CountChallenge =>
  (event, issuedAtMs) =>
    orElse(
      () => deps.telemetry.recordChallenge(event, issuedAtMs, { nowMs: Date.now(), waitUntil }),
      undefined,
    );

/** Of a site whose policy is not there yet. */
const WITHOUT_POLICY = { clientAddress: "none" } as const;

/** Serves production, unless an entry in force declared that a fault of ours means refusal. */
function planAfterFault({ request, deps }: Scene, fault: unknown): Plan {
  orElse(() => deps.onFault(fault), undefined);
  const nowMs = Date.now();
  const path = orElse(() => pathOf(request.url).path, null);
  const asked = { method: request.method, path };
  const closed = orElse(() => closedEntry(asked, deps.snapshots.peek(), nowMs), null);
  const verdict: Verdict = {
    action: closed === null ? "serve" : ACTIONS[closed.kind],
    reason: "guard_fault",
    entryId: closed?.entry.id ?? null,
    policySeq: null,
  };
  const seen: Seen = {
    verdict,
    policySeq: "none",
    facts: null,
    shadowedIds: [],
    unknownEntries: 0,
    isProbe: false,
    isLogged: false,
    isNamed: orElse(() => isNamed(deps.snapshots.peek(), nowMs), false),
    isFault: true,
  };
  if (closed !== null) return { kind: "answer", response: closedAnswer(request), seen };
  return {
    kind: "origin",
    request: orElse(() => withoutCredentials(request), request),
    seen,
    scope: null,
    announced: [],
  };
}

/** Nothing is counted where no policy says what. */
function meterFor(
  { deps, waitUntil }: Scene,
  facts: RequestFacts,
  snapshot: Snapshot | null,
): Meter {
  if (snapshot === null || snapshot.loaded.limits === null) return NO_METER;
  const { limits, policy } = snapshot.loaded;
  return deps.counters.meter(facts, limits, { shards: policy.settings.limiterShards, waitUntil });
}

type Bearer = { readonly operator: string | null; readonly isProbe: boolean };

const ANYONE: Bearer = { operator: null, isProbe: false };

async function verify(
  credentials: Credentials,
  keys: readonly SigningKey[],
  { snapshot, nowMs }: { readonly snapshot: Snapshot | null; readonly nowMs: number },
): Promise<Bearer> {
  const instance = snapshot?.loaded.policy.instance ?? null;
  const holder = async (
    token: string | null,
    kind: TokenClaims["kind"],
  ): Promise<string | null> => {
    if (token === null) return null;
    const verified = await verifyToken(token, { keys, kind, instance, nowMs });
    return verified.ok ? verified.value.sub : null;
  };
  return {
    operator: await holder(credentials.bypass, "bypass"),
    isProbe: (await holder(credentials.probe, "probe")) !== null,
  };
}

const seenIn = (
  decision: Decision,
  facts: RequestFacts,
  { snapshot, nowMs }: { readonly snapshot: Snapshot | null; readonly nowMs: number },
): Seen => ({
  verdict: decision.verdict,
  policySeq: snapshot?.loaded.seqText ?? "none",
  facts,
  shadowedIds: decision.shadowedIds,
  unknownEntries: snapshot?.loaded.unknownEntries ?? 0,
  isProbe: facts.isProbe,
  isLogged: snapshot !== null && isMeant("security-log", facts, snapshot, nowMs),
  isNamed: isNamed(snapshot, nowMs),
  isFault: false,
});

const isNamed = (snapshot: Snapshot | null, nowMs: number): boolean =>
  nowMs < (snapshot?.loaded.policy.settings.policyHeaderUntilMs ?? 0);

export const closedAnswer = (request: Request): Response =>
  problemAnswer(request, "guard-fault", {
    title: "Temporarily unavailable",
    detail: "This request cannot be handled safely at the moment. Please try again shortly.",
  });
