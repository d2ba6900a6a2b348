/** What keeps messages back, and what becomes of an incident when nothing does any more. */
import type { CommandOf } from "../command.ts";
import type { IncidentEvent } from "../journal.ts";
import type { Stage } from "../moment.ts";
import { tellAgainAtMs, type IncidentMute } from "../mutes.ts";

/** Takes what is new to the incident; what has ended and was never known is nothing to it. */
export const muteStage =
  ({ data }: CommandOf<"mute">): Stage =>
  (state, { atMs }) =>
    data.mutes
      .filter((mute) => {
        const known = state.mutes.find(({ id }) => id === mute.id);
        return known === undefined ? mute.endsAtMs > atMs : !isSame(known, mute);
      })
      .map(mutedBy);

const isSame = (one: IncidentMute, other: IncidentMute): boolean =>
  JSON.stringify(eventOf(one)) === JSON.stringify(eventOf(other));

export const mutedBy = (mute: IncidentMute): IncidentEvent => ({
  type: "incident.muted",
  data: eventOf(mute),
});

const eventOf = ({ id, because, by, why, matchers, startsAtMs, endsAtMs }: IncidentMute) => ({
  mute: id,
  because,
  by,
  why,
  ...(matchers === undefined ? {} : { matchers: [...matchers] }),
  startsAtMs,
  endsAtMs,
});

/** What was kept from people and goes on is told once nothing keeps it back. */
export const unmuteStage: Stage = (state, { atMs }) => {
  const dueAtMs = tellAgainAtMs(state);
  if (dueAtMs === null || atMs < dueAtMs) return [];
  const messages = state.muted.deliveries.size;
  const why =
    messages === 0
      ? "it is still open"
      : `${messages === 1 ? "one message was" : `${messages} messages were`} kept back, and it is still open`;
  return [{ type: "incident.unmuted", data: { why, messages } }];
};
