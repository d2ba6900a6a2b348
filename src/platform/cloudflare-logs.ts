/** What production's Workers logged in a stretch of time, by a query of Workers Observability. */
import { z } from "zod";
import type { Result } from "../shared/result.ts";
import type { Cloudflare, CloudflareFailure } from "./cloudflare.ts";

export const LOG_EVENTS_MAX = 500;
const TEXT_CHARS_MAX = 500;

const short = z.string().transform((text) => text.slice(0, TEXT_CHARS_MAX));
const event = z
  .looseObject({
    timestamp: z.number(),
    source: z.unknown(),
    $metadata: z.looseObject({ message: short.optional(), error: short.optional() }).catch({}),
    $workers: z
      .looseObject({
        outcome: z.string().max(100).catch("unknown"),
        scriptVersion: z.looseObject({ id: z.string().max(100) }).optional(),
      })
      .optional(),
  })
  .transform(({ timestamp, $metadata, $workers, source }) => ({
    atMs: timestamp,
    message: $metadata.error ?? $metadata.message ?? messageOf(source),
    outcome: $workers?.outcome ?? "unknown",
    versionId: $workers?.scriptVersion?.id ?? null,
  }));

export type LogEvent = z.output<typeof event>;

/** Errors that a Worker logged in [fromMs, toMs), at most `LOG_EVENTS_MAX`; `count` says how many there were. */
export async function readErrorLogs(
  { call }: Cloudflare,
  asked: { readonly script: string; readonly fromMs: number; readonly toMs: number },
): Promise<
  Result<{ readonly count: number; readonly events: readonly LogEvent[] }, CloudflareFailure>
> {
  const answer = await call({
    method: "POST",
    path: "/workers/observability/telemetry/query",
    isRead: true,
    body: {
      queryId: "firebreak-errors",
      timeframe: { from: asked.fromMs, to: asked.toMs },
      view: "events",
      limit: LOG_EVENTS_MAX,
      parameters: {
        filters: [equal("$metadata.service", asked.script), equal("$metadata.level", "error")],
      },
    },
    result: z.object({
      events: z.object({
        count: z.int().nonnegative().optional(),
        events: z.array(event).max(10 * LOG_EVENTS_MAX),
      }),
    }),
  });
  if (!answer.ok) return answer;
  const { count, events } = answer.value.events;
  return {
    ok: true,
    value: { count: count ?? events.length, events: events.slice(0, LOG_EVENTS_MAX) },
  };
}

const equal = (key: string, value: string) => ({ key, operation: "eq", type: "string", value });

function messageOf(source: unknown): string {
  if (typeof source === "string") return source.slice(0, TEXT_CHARS_MAX);
  const said = z.looseObject({ message: short }).safeParse(source);
  return said.success ? said.data.message : "";
}
