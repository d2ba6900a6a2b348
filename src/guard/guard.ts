/**
 * The request path, the same for every entry point: decide → answer, or the origin exactly once → count. A fault of ours
 * before the call serves the origin, after it the answer already held; a failure of production is production's.
 */
import type { RefusingEntry } from "../policy/kinds.ts";
import { guardSettings } from "../policy/policy.ts";
import { answerFor, journalAnswer, problemAnswer } from "./answers.ts";
import { readCredentials, withoutCredentials, type Credentials } from "./credentials.ts";
import { within } from "./deadline.ts";
import { clearanceOf, type Challenges, type CountChallenge } from "./challenge/challenges.ts";
import { isChallengeUrl } from "./challenge/paths.ts";
import { challengeOf, puzzleSeconds } from "./challenge/terms.ts";
import { closedEntry, type Decision } from "./decide.ts";
import { decideFully } from "./decide-fully.ts";
import { drop, scopeOf, type Copies, type Scope } from "./emergency-cache/copies.ts";
import { coverOf, NO_COVER, PATIENCE_MS, type Cover } from "./emergency-cache/cover.ts";
import { isOwnUrl, readFacts, type RequestFacts } from "./facts.ts";
import { announcing, type Announced } from "./limits/announce.ts";
import type { Counters } from "./limits/counters.ts";
import { NO_METER, type Meter } from "./limits/meter.ts";
import type { Snapshot } from "./loaded-policy.ts";
import { pathOf } from "./routes.ts";
import { ACTIONS } from "./stages.ts";
import { verifyToken, type SigningKey, type TokenClaims } from "./signed.ts";
import type { Snapshots } from "./snapshots.ts";
import { orElse } from "./or-else.ts";
import type { WaitUntil } from "./wait-until.ts";
import type { Outcome, Telemetry } from "./telemetry.ts";
import { POLICY_HEADER, VERDICT_HEADER, type Verdict } from "./verdict.ts";
import { handOver, type HandedOver, type JournalLink } from "./write-journal/hand-over.ts";

export { POLICY_HEADER, VERDICT_HEADER } from "./verdict.ts";

export type GuardDeps = {
  /** `GUARD=off`: production is served before anything else is looked at. */
  readonly isOff: boolean;
  readonly origin: (request: Request) => Promise<Response>;
  /** Everything below `/_firebreak`. */
  readonly ownRoutes: (request: Request) => Promise<Response>;
  readonly snapshots: Pick<Snapshots, "current" | "peek">;
  readonly telemetry: Pick<Telemetry, "record" | "recordChallenge">;
  /** Null where nobody is ever challenged. */
  readonly challenges: Challenges | null;
  readonly copies: Copies;
  readonly journal: JournalLink;
  readonly counters: Pick<Counters, "meter">;
  readonly keys: readonly SigningKey[];
  /** Told of each fault of the guard's own; it may log, and may not throw the request away by throwing. */
  readonly onFault: (fault: unknown) => void;
};

export type GuardContext = { readonly waitUntil: WaitUntil };

/** Answers one request. Rejects only with what production itself threw. */
export async function guardRequest(
  request: Request,
  deps: GuardDeps,
  ctx: GuardContext,
): Promise<Response> {
  if (deps.isOff) return deps.origin(request);
  const scene: Scene = { request, deps, waitUntil: (promise) => ctx.waitUntil(promise) };
  if (isOwn(request)) return answerOwn(scene);
  const plan = await planFor(scene);
  if (plan.kind === "answer") {
    settle(scene, plan.seen, { kind: "refused", reason: plan.seen.verdict.reason });
    return marked(plan.response, plan.seen);
  }
  if (plan.scope === null) return askOrigin(scene, plan, null);
  const { cover, seen } = await covered(scene, plan, plan.scope);
  if (cover.fresh === null) return askOrigin(scene, { ...plan, seen }, cover.stale);
  settle(scene, seen, { kind: "refused", reason: "emergency_cache" });
  return marked(cover.fresh, seen);
}

/** Calls production, once. With a stale copy at hand it may neither fail nor be late; without, its failure is the answer. */
async function askOrigin(
  scene: Scene,
  plan: OriginPlan,
  stale: Response | null,
): Promise<Response> {
  const asking = callOrigin(scene, plan, stale !== null);
  if (stale === null) return finish(scene, plan, await asking);
  const ended = await within(asking, PATIENCE_MS, LATE);
  if (ended !== LATE && isGood(ended)) {
    drop(stale);
    return finish(scene, plan, ended);
  }
  scene.waitUntil(asking.then((late) => putAway(scene, plan, late)));
  return marked(stale, plan.seen);
}

function finish(scene: Scene, { seen, scope, announced }: OriginPlan, ended: Ended): Response {
  if ("failure" in ended) throw ended.failure; // Production's own, and it stays what it is.
  if (scope !== null) keepCopy(scene, ended.response, scope);
  const { response } = ended;
  return marked(
    orElse(() => announcing(response, announced), response),
    seen,
  );
}

type Ended = { readonly response: Response } | { readonly failure: unknown };

const LATE = Symbol("late");
const isGood = (ended: Ended): boolean => "response" in ended && ended.response.status < 500;

/** Never rejects. Counted as it ended, whoever still waited for it. */
async function callOrigin(
  scene: Scene,
  { request, seen }: OriginPlan,
  isCovered: boolean,
): Promise<Ended> {
  const startedAtMs = Date.now();
  try {
    const response = await scene.deps.origin(request);
    const latencyMs = Date.now() - startedAtMs;
    if (response.status < 500) settle(scene, seen, { kind: "served", latencyMs });
    else settle(scene, seen, { kind: "failed", latencyMs, isCovered });
    return { response };
  } catch (failure) {
    settle(scene, seen, { kind: "failed", latencyMs: Date.now() - startedAtMs, isCovered });
    return { failure };
  }
}

/** An answer that nobody waits for any more may still renew the copy. */
function putAway(scene: Scene, { scope }: OriginPlan, ended: Ended): void {
  if ("failure" in ended) return;
  if (scope !== null) keepCopy(scene, ended.response, scope);
  drop(ended.response);
}

/** Asks the emergency cache, where an entry says so. A fault of it costs the copy and nothing else. */
async function covered(
  { request, deps }: Scene,
  { seen }: OriginPlan,
  scope: Scope,
): Promise<{ readonly cover: Cover; readonly seen: Seen }> {
  try {
    return { cover: await coverOf(request, scope, deps.copies), seen };
  } catch (fault) {
    orElse(() => deps.onFault(fault), undefined);
    return { cover: NO_COVER, seen: { ...seen, isFault: true } };
  }
}

/** After the answer; only production's own ever gets here. */
function keepCopy({ request, deps, waitUntil }: Scene, response: Response, scope: Scope): void {
  const report = (fault: unknown): void => orElse(() => deps.onFault(fault), undefined);
  try {
    waitUntil(deps.copies.keep(request, response, scope).catch(report));
  } catch (fault) {
    report(fault);
  }
}

type Scene = {
  readonly request: Request;
  readonly deps: GuardDeps;
  readonly waitUntil: WaitUntil;
};

/** What is remembered of the decision once it is made. */
type Seen = {
  readonly verdict: Verdict;
  /** Formatted, `none` in an isolate without one. */
  readonly policySeq: string;
  /** Null when a fault came before they could be read. */
  readonly facts: RequestFacts | null;
  readonly shadowedIds: readonly string[];
  readonly unknownEntries: number;
  readonly isProbe: boolean;
  /** Operators have asked that every answer names its policy. */
  readonly isNamed: boolean;
  readonly isFault: boolean;
};

type Plan =
  | { readonly kind: "answer"; readonly response: Response; readonly seen: Seen }
  | OriginPlan;

type OriginPlan = {
  readonly kind: "origin";
  readonly request: Request;
  readonly seen: Seen;
  /** Null: no copy is asked for or kept. */
  readonly scope: Scope | null;
  /** What production's answer says of the limits that admitted the request. */
  readonly announced: readonly Announced[];
};

async function planFor(scene: Scene): Promise<Plan> {
  const { request, deps, waitUntil } = scene;
  try {
    const credentials = readCredentials(request);
    const held = deps.snapshots.current(waitUntil);
    // Waiting for what is there already is what most of a clean request would be spent on.
    const snapshot = held instanceof Promise ? await held : held;
    const nowMs = Date.now();
    const bearer =
      credentials === null ? ANYONE : await verify(credentials, deps.keys, { snapshot, nowMs });
    const settings = snapshot?.loaded.policy.settings ?? WITHOUT_POLICY;
    const facts = readFacts(request, settings, bearer.operator, bearer.isProbe);
    const meter = meterFor(scene, facts, snapshot);
    const clearance = () => clearanceOf(deps.challenges, request, credentials, { snapshot, nowMs });
    const deciding = decideFully(request, facts, { snapshot, nowMs, meter, clearance });
    const decision = deciding instanceof Promise ? await deciding : deciding;
    const judged: Judged = { decision, facts, snapshot, nowMs, meter };
    const kept = decision.journal === null ? null : await journaled(scene, judged);
    if (kept !== null && kept.response !== null) return { kind: "answer", ...kept };
    const seen = kept?.seen ?? seenIn(decision, facts, { snapshot, nowMs });
    return await planOf(scene, judged, { seen, hasCredentials: credentials !== null });
  } catch (fault) {
    return planAfterFault(scene, fault);
  }
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
  const { settings, instance } = snapshot?.loaded.policy ?? { settings: DEFAULTS, instance: null };
  const refusal = { enforced, limited, settings, nowMs };
  const terms = challengeOf(enforced);
  return terms === null || deps.challenges === null
    ? answerFor(request, refusal)
    : deps.challenges.answer(request, { ...refusal, terms, instance }, counting(scene));
}

/** A fault here costs a count and nothing else. */
const counting =
  ({ deps, waitUntil }: Scene): CountChallenge =>
  (event, issuedAtMs) =>
    orElse(
      () => deps.telemetry.recordChallenge(event, issuedAtMs, { nowMs: Date.now(), waitUntil }),
      undefined,
    );

/** Of a site whose policy is not there yet. */
const WITHOUT_POLICY = { clientAddress: "none" } as const;
const DEFAULTS = guardSettings.parse({ pollMs: Number.MAX_SAFE_INTEGER });

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
  isNamed: isNamed(snapshot, nowMs),
  isFault: false,
});

/** Counts how it ended; our own probes are not traffic. A fault here costs a count and nothing else. */
function settle({ deps, waitUntil }: Scene, seen: Seen, outcome: Outcome): void {
  if (seen.isProbe) return;
  const { facts, policySeq, shadowedIds, unknownEntries, isFault } = seen;
  const refusedBy = outcome.kind === "refused" ? seen.verdict.entryId : null;
  orElse(() => {
    const counted = { outcome, facts, policySeq, shadowedIds, refusedBy, unknownEntries, isFault };
    deps.telemetry.record(counted, Date.now(), waitUntil);
  }, undefined);
}

const isNamed = (snapshot: Snapshot | null, nowMs: number): boolean =>
  nowMs < (snapshot?.loaded.policy.settings.policyHeaderUntilMs ?? 0);

/** Tells a probe of ours what was decided, and on which policy; while operators ask for it, everybody learns the policy. */
function marked(
  response: Response,
  { isProbe, isNamed: isForAll, verdict, policySeq }: Seen,
): Response {
  if (!(isProbe || isForAll) || response.status === 101) return response;
  return orElse(() => {
    const copy = new Response(response.body, response);
    copy.headers.set(POLICY_HEADER, policySeq);
    if (isProbe) copy.headers.set(VERDICT_HEADER, verdict.reason);
    return copy;
  }, response);
}

const isOwn = (request: Request): boolean => orElse(() => isOwnUrl(request.url), false);

/** Our own routes never fall through to production, which does not know them. */
async function answerOwn(scene: Scene): Promise<Response> {
  const { request, deps } = scene;
  if (deps.challenges !== null && isChallengeUrl(request.url)) {
    return answerChallenge(scene, deps.challenges);
  }
  try {
    return await deps.ownRoutes(request);
  } catch (fault) {
    orElse(() => deps.onFault(fault), undefined);
    return problemAnswer(request, "control-unreachable", {
      title: "Firebreak's control plane does not answer",
      detail: "The site itself is served by the guard as before. Try again in a moment.",
    });
  }
}

/** Challenges are paid here, whether or not there is a control plane, or a policy to be had. */
async function answerChallenge(scene: Scene, challenges: Challenges): Promise<Response> {
  const { request, deps, waitUntil } = scene;
  try {
    const loaded = (await deps.snapshots.current(waitUntil))?.loaded ?? null;
    const { settings, instance } = loaded?.policy ?? { settings: DEFAULTS, instance: null };
    const site = { settings, instance, puzzleSeconds: puzzleSeconds(loaded) };
    return await challenges.answerOwn(request, site, counting(scene));
  } catch (fault) {
    orElse(() => deps.onFault(fault), undefined);
    return closedAnswer(request);
  }
}

const closedAnswer = (request: Request): Response =>
  problemAnswer(request, "guard-fault", {
    title: "Temporarily unavailable",
    detail: "This request cannot be handled safely at the moment. Please try again shortly.",
  });
