/** How large a pool may be: what is asked for, as far as the server has room. */
import { object, whole } from "../shared/shape.ts";
import type { SdkAction } from "../policy/sdk-kinds.ts";

/** As `Pool` of the Neon driver takes them. */
export type PoolSettings = {
  readonly max: number;
  readonly idleTimeoutMillis: number;
  readonly connectionTimeoutMillis: number;
};

/** What the server leaves to clients. */
export const SERVER_ROOM = `
SELECT current_setting('max_connections')::int
  - current_setting('superuser_reserved_connections')::int
  - coalesce(current_setting('reserved_connections', true)::int, 0) AS room`;
export const serverRoom = object({ room: whole() });

/**
 * The pool's settings now. A lease only ever makes a pool larger than production's own, and never larger than the server's limit
 * less the reserve; while that limit is unknown, production's own stand.
 */
export function poolSettings(
  own: PoolSettings,
  asked: SdkAction<"pool-size"> | null,
  room: number | null,
): PoolSettings {
  if (asked === null || room === null) return own;
  return {
    max: Math.max(own.max, Math.min(asked.max, room - asked.reserve)),
    idleTimeoutMillis: asked.idleTimeoutMs,
    connectionTimeoutMillis: asked.connectionTimeoutMs,
  };
}
