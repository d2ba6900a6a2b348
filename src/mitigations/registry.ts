/** Every actuator there is: leases, which are taken back, and acts, which cannot be. A new one is a file in `actuators/` and a line here. */
import type { ActuatorWords } from "../playbooks/vocabulary.ts";
import { addReadReplica, addReadReplicaMarking } from "./actuators/add-read-replica.ts";
import { allowNetworks } from "./actuators/allow-networks.ts";
import { blockNetworks } from "./actuators/block-networks.ts";
import { challengeSuspicious } from "./actuators/challenge-suspicious.ts";
import {
  cloudflareBlockList,
  cloudflareBlockListMarking,
} from "./actuators/cloudflare-block-list.ts";
import { cloudflareCache, cloudflareCacheMarking } from "./actuators/cloudflare-cache.ts";
import {
  cloudflareChallenge,
  cloudflareChallengeMarking,
} from "./actuators/cloudflare-challenge.ts";
import {
  cloudflareRateLimit,
  cloudflareRateLimitMarking,
} from "./actuators/cloudflare-rate-limit.ts";
import {
  cloudflareUnderAttack,
  cloudflareUnderAttackMarkings,
} from "./actuators/cloudflare-under-attack.ts";
import { disableFeatures } from "./actuators/disable-features.ts";
import { emergencyCache } from "./actuators/emergency-cache.ts";
import { emergencyQueryCache } from "./actuators/emergency-query-cache.ts";
import { endLongQueries } from "./actuators/end-long-queries.ts";
import { failoverToReplica } from "./actuators/failover-to-replica.ts";
import { flushSessions } from "./actuators/flush-sessions.ts";
import { forcePasswordReset } from "./actuators/force-password-reset.ts";
import { maintenanceMode } from "./actuators/maintenance-mode.ts";
import { paymentBypass } from "./actuators/payment-bypass.ts";
import { poolSize } from "./actuators/pool-size.ts";
import { rateLimit } from "./actuators/rate-limit.ts";
import { readOnly } from "./actuators/read-only.ts";
import { restoreInPlace } from "./actuators/restore-in-place.ts";
import { revokeSessions } from "./actuators/revoke-sessions.ts";
import { rollbackDeployment } from "./actuators/rollback-deployment.ts";
import { rollbackPages } from "./actuators/rollback-pages.ts";
import { rotateApiKeys } from "./actuators/rotate-api-keys.ts";
import { routeReadsToReplica } from "./actuators/route-reads-to-replica.ts";
import { scaleCompute, scaleComputeMarking } from "./actuators/scale-compute.ts";
import { securityLogging } from "./actuators/security-logging.ts";
import { snapshotBranch } from "./actuators/snapshot-branch.ts";
import { statementTimeout } from "./actuators/statement-timeout.ts";
import { strictMode } from "./actuators/strict-mode.ts";
import { switchPaymentProvider } from "./actuators/switch-payment-provider.ts";
import { asAct, asActuator, type Act } from "./opaque.ts";
import type { Marking } from "./reaper.ts";

export const actuators = {
  [maintenanceMode.id]: asActuator(maintenanceMode),
  [readOnly.id]: asActuator(readOnly),
  [disableFeatures.id]: asActuator(disableFeatures),
  [emergencyCache.id]: asActuator(emergencyCache),
  [blockNetworks.id]: asActuator(blockNetworks),
  [allowNetworks.id]: asActuator(allowNetworks),
  [rateLimit.id]: asActuator(rateLimit),
  [routeReadsToReplica.id]: asActuator(routeReadsToReplica),
  [failoverToReplica.id]: asActuator(failoverToReplica),
  [emergencyQueryCache.id]: asActuator(emergencyQueryCache),
  [poolSize.id]: asActuator(poolSize),
  [statementTimeout.id]: asActuator(statementTimeout),
  [challengeSuspicious.id]: asActuator(challengeSuspicious),
  [scaleCompute.id]: asActuator(scaleCompute),
  [strictMode.id]: asActuator(strictMode),
  [securityLogging.id]: asActuator(securityLogging),
  [addReadReplica.id]: asActuator(addReadReplica),
  [switchPaymentProvider.id]: asActuator(switchPaymentProvider),
  [paymentBypass.id]: asActuator(paymentBypass),
  [cloudflareBlockList.id]: asActuator(cloudflareBlockList),
  [cloudflareRateLimit.id]: asActuator(cloudflareRateLimit),
  [cloudflareUnderAttack.id]: asActuator(cloudflareUnderAttack),
  [cloudflareCache.id]: asActuator(cloudflareCache),
  [cloudflareChallenge.id]: asActuator(cloudflareChallenge),
} as const;

export const acts: Readonly<Record<string, Act>> = {
  [endLongQueries.id]: asAct(endLongQueries),
  [rollbackDeployment.id]: asAct(rollbackDeployment),
  [rollbackPages.id]: asAct(rollbackPages),
  [snapshotBranch.id]: asAct(snapshotBranch),
  [restoreInPlace.id]: asAct(restoreInPlace),
  [revokeSessions.id]: asAct(revokeSessions),
  [flushSessions.id]: asAct(flushSessions),
  [forcePasswordReset.id]: asAct(forcePasswordReset),
  [rotateApiKeys.id]: asAct(rotateApiKeys),
};

/** What stays at a vendor when its time is up, for the reaper to find by its mark. */
export const markings: readonly Marking[] = [
  scaleComputeMarking,
  addReadReplicaMarking,
  cloudflareBlockListMarking,
  cloudflareCacheMarking,
  cloudflareChallengeMarking,
  cloudflareRateLimitMarking,
  ...cloudflareUnderAttackMarkings,
];

/** The words playbooks use about actuators. */
export const actuatorWords = (): Readonly<Record<string, ActuatorWords>> =>
  Object.fromEntries(
    Object.entries({ ...actuators, ...acts }).map(([id, { words }]) => [id, words]),
  );
