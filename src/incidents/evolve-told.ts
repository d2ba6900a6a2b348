/** What an event means for what people and the public were told, and for what waits to be. Total and pure. */
import { z } from "zod";
import { HEARD_NOTHING, isCalm, type Heard } from "../notify/bundle.ts";
import { REF_CHARS_MAX, URL_CHARS_MAX } from "../notify/channel.ts";
import { unreachable } from "../shared/assert.ts";
import type { EventData, IncidentEvent } from "./journal.ts";
import type { IncidentState } from "./state.ts";

export type TellingEvent = Extract<
  IncidentEvent,
  { readonly type: `message.${string}` | `public.${string}` }
>;
export const isTellingEvent = (event: IncidentEvent): event is TellingEvent =>
  event.type.startsWith("message.") || event.type.startsWith("public.");

/** More than any throttle looks at. */
const CALM_KEPT_MAX = 100;

/** The state as the event leaves it, but for the result that it settles. */
export function foldTold(state: IncidentState, event: TellingEvent, atMs: number): IncidentState {
  switch (event.type) {
    case "message.requested": {
      const { deliveryId, channel } = event.data;
      return {
        ...state,
        deliveries: new Set([...state.deliveries, deliveryId]),
        told: { ...state.told, [channel]: state.told[channel] ?? null },
        heard: heardAfter(state.heard, event, atMs),
      };
    }
    case "message.held": {
      const deliveries = new Set([...state.deliveries, event.data.deliveryId]);
      return { ...state, deliveries, heard: heardAfter(state.heard, event, atMs) };
    }
    case "message.muted": {
      const deliveries = new Set([...state.muted.deliveries, event.data.deliveryId]);
      const heard = heardAfter(state.heard, event, atMs);
      return { ...state, heard, muted: { deliveries, lastAtMs: atMs } };
    }
    case "message.delivered":
      return delivered({ ...state, reachedAtMs: state.reachedAtMs ?? atMs }, event.data);
    case "public.requested": {
      const { channel, said } = event.data;
      const ref = state.relayed[channel]?.ref ?? null;
      return { ...state, relayed: { ...state.relayed, [channel]: { said, ref } } };
    }
    case "public.delivered":
      return relayed(state, event.data, atMs);
    case "message.failed":
    case "public.failed":
      return state;
    default:
      return unreachable(event);
  }
}

/** What the channel calls it from now on, if the receipt says: its next message is about that. */
function delivered(
  state: IncidentState,
  { effectId, receipt }: EventData["message.delivered"],
): IncidentState {
  const awaited = state.awaiting[effectId];
  const named = receiptWithRef.safeParse(receipt);
  if (awaited?.kind !== "message" || !named.success) return state;
  const { channel } = awaited;
  const { ref, url } = named.data;
  return {
    ...state,
    told: { ...state.told, [channel]: ref },
    tickets: url === undefined ? state.tickets : { ...state.tickets, [channel]: url },
  };
}

/** What the public reads wakes nobody: it counts for nothing but what the channel calls it. */
function relayed(
  state: IncidentState,
  { effectId, receipt }: EventData["public.delivered"],
  atMs: number,
): IncidentState {
  const awaited = state.awaiting[effectId];
  const named = receiptWithRef.safeParse(receipt);
  if (awaited?.kind !== "public" || !named.success) return state;
  const said = state.relayed[awaited.channel]?.said ?? "";
  const { ref, mailed } = named.data;
  return {
    ...state,
    relayed: { ...state.relayed, [awaited.channel]: { said, ref } },
    endMailedAtMs: mailed === "end" ? atMs : state.endMailedAtMs,
  };
}

const receiptWithRef = z.looseObject({
  ref: z.string().max(REF_CHARS_MAX),
  /** Where people look at it, of a ticket. */
  url: z.string().max(URL_CHARS_MAX).optional().catch(undefined),
  /** What customers were mailed. */
  mailed: z.enum(["begin", "end"]).optional().catch(undefined),
});

type Said = Extract<
  TellingEvent,
  { readonly type: "message.requested" | "message.held" | "message.muted" }
>;

/** The same object where nothing changes: most messages are neither calm nor waited for. */
function heardAfter(
  heard: Readonly<Record<string, Heard>>,
  event: Said,
  atMs: number,
): Readonly<Record<string, Heard>> {
  const { channel } = event.data;
  const before = heard[channel] ?? HEARD_NOTHING;
  if (event.type === "message.held") {
    const { deliveryId, message, why, news, untilMs } = event.data;
    const held = [...before.held, { deliveryId, channel, message, why, news, untilMs }];
    return { ...heard, [channel]: { ...before, held } };
  }
  const { deliveryId, why, bundled = [] } = event.data;
  const told = new Set([deliveryId, ...bundled.map((one) => one.deliveryId)]);
  const held = before.held.filter((one) => !told.has(one.deliveryId));
  const isCounted = event.type === "message.requested" && isCalm(why);
  if (!isCounted && held.length === before.held.length) return heard;
  const calmAtMs = isCounted ? [...before.calmAtMs, atMs].slice(-CALM_KEPT_MAX) : before.calmAtMs;
  return { ...heard, [channel]: { calmAtMs, held } };
}
