/**
 * The request path, the same for every entry point: decide → answer, or the origin exactly once → count. A fault of ours
 * before the call serves the origin, after it the answer already held; a failure of production is production's.
 */
import { defaultSettings } from "../policy/policy.ts";
import { problemAnswer } from "./answers.ts";
import type { Challenges } from "./challenge/challenges.ts";
import { isChallengeUrl } from "./challenge/paths.ts";
import { puzzleSeconds } from "./challenge/terms.ts";
import { within } from "./deadline.ts";
import { drop, type Scope } from "./emergency-cache/copies.ts";
import { coverOf, NO_COVER, PATIENCE_MS, type Cover } from "./emergency-cache/cover.ts";
import { isOwnUrl } from "./facts.ts";
import { announcing } from "./limits/announce.ts";
import { orElse } from "./or-else.ts";
import { closedAnswer, counting, planFor, type OriginPlan, type Plan, type Seen } from "./plan.ts";
import type { GuardContext, GuardDeps, Scene } from "./scene.ts";
import type { Outcome } from "./telemetry.ts";
import { POLICY_HEADER, VERDICT_HEADER } from "./verdict.ts";

export type { GuardContext, GuardDeps } from "./scene.ts";
export { POLICY_HEADER, VERDICT_HEADER } from "./verdict.ts";

/**
 * Answers one request. Rejects only with what production itself threw. No step of it is asynchronous that need not be: for a clean
 * request, waiting for what is there already would cost more than the decision.
 */
export function guardRequest(
  request: Request,
  deps: GuardDeps,
  ctx: GuardContext,
): Promise<Response> {
  if (deps.isOff) return deps.origin(request);
  const scene: Scene = { request, deps, waitUntil: (promise) => ctx.waitUntil(promise) };
  const own = isOwn(request) ? answerOwn(scene) : null;
  if (own !== null) return own;
  const plan = planFor(scene);
  return plan instanceof Promise
    ? plan.then((made) => carryOut(scene, made))
    : carryOut(scene, plan);
}

async function carryOut(scene: Scene, plan: Plan): Promise<Response> {
  if (plan.kind === "answer") {
    settle(scene, plan.seen, { kind: "refused", reason: plan.seen.verdict.reason });
    return marked(plan.response, plan.seen);
  }
  if (plan.scope === null) return finish(scene, plan, await callOrigin(scene, plan, false));
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
  if (!seen.isProbe)
    orElse(() => scene.deps.telemetry.ask(startedAtMs, scene.waitUntil), undefined);
  try {
    const response = await scene.deps.origin(request);
    const nowMs = Date.now();
    const latencyMs = nowMs - startedAtMs;
    const { status } = response;
    if (status < 500) settle(scene, seen, { kind: "served", latencyMs, status }, nowMs);
    else settle(scene, seen, { kind: "failed", latencyMs, isCovered }, nowMs);
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

/** Counts how it ended; our own probes are not traffic. A fault here costs a count and nothing else. */
function settle(
  { deps, waitUntil }: Scene,
  seen: Seen,
  outcome: Outcome,
  nowMs = Date.now(),
): void {
  if (seen.isProbe) return;
  const { facts, policySeq, shadowedIds, unknownEntries, isFault, isLogged } = seen;
  const refusedBy = outcome.kind === "refused" ? seen.verdict.entryId : null;
  orElse(() => {
    const known = { facts, policySeq, shadowedIds, unknownEntries, isFault, isLogged };
    deps.telemetry.record({ ...known, outcome, refusedBy }, nowMs, waitUntil);
  }, undefined);
}

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

/** Our own routes never fall through to production, which does not know them. Null: this one is not ours. */
function answerOwn(scene: Scene): Promise<Response> | null {
  const { request, deps } = scene;
  if (deps.challenges !== null && isChallengeUrl(request.url)) {
    return answerChallenge(scene, deps.challenges);
  }
  return deps.ownRoutes === null ? null : askControl(scene, deps.ownRoutes);
}

async function askControl(
  { request, deps }: Scene,
  control: NonNullable<GuardDeps["ownRoutes"]>,
): Promise<Response> {
  try {
    return await control(request);
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
    const { settings, instance } = loaded?.policy ?? {
      settings: defaultSettings(),
      instance: null,
    };
    const site = { settings, instance, puzzleSeconds: puzzleSeconds(loaded) };
    return await challenges.answerOwn(request, site, counting(scene));
  } catch (fault) {
    orElse(() => deps.onFault(fault), undefined);
    return closedAnswer(request);
  }
}
