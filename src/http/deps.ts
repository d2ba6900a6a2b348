/** What the HTTP surface needs, handed in by the entry point; it never sees `env`. */
import type { DeskApi } from "../incidents/desk-api.ts";
import type { IncidentApi } from "../incidents/incident-api.ts";
import type { MonitorApi } from "../monitor/monitor-api.ts";
import type { Bundle } from "../playbooks/bundled.ts";
import type { PolicyApi } from "../policy/policy-api.ts";
import type { ApiToken } from "./auth.ts";

export type HttpDeps = {
  readonly bundle: Bundle;
  readonly desk: DeskApi;
  readonly incident: (id: string) => IncidentApi;
  readonly monitor: MonitorApi;
  readonly policy: PolicyApi;
  readonly tokens: readonly ApiToken[];
  /** By vendor; a vendor without one is not configured. */
  readonly webhookSecrets: Readonly<Record<string, string | undefined>>;
  /** Every actuator, channel and other part that may lack something. */
  readonly parts: () => Parts;
  /** Signs a bypass; null while no signing key is configured. */
  readonly mintBypass: MintBypass | null;
  /** The location's cache, `caches.default`. */
  readonly sharedCache: Cache;
  /** `<prefix>_<ULID>`. */
  readonly newId: (prefix: string) => string;
  readonly now: () => number;
};

/** Whether a part can work; `missing` is in words, null when nothing is. */
export type PartState = { readonly id: string; readonly missing: string | null };

export type Parts = {
  readonly actuators: readonly PartState[];
  readonly channels: readonly PartState[];
};

export type MintBypass = (claims: {
  readonly by: string;
  readonly reason: string;
  readonly expiresAtMs: number;
}) => Promise<string>;
