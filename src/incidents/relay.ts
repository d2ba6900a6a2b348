/**
 * What the public knows of an incident is to be read at other status pages too: when that has changed, each is to be brought to it. Pure.
 * What is sent is what our own page says when it is sent.
 */
import { deliveryId } from "../shared/ids.ts";
import { publish, type PublicIncident } from "../status-page/view.ts";
import type { IncidentEvent } from "./journal.ts";
import type { IncidentState } from "./state.ts";
import type { IncidentView } from "./view.ts";

/** The public had been told of it, and our page no longer does: elsewhere, it ends. */
const GONE = "gone";

/** One event for each channel that does not say so yet. */
export function relays(
  state: IncidentState,
  view: IncidentView,
  channels: readonly { readonly id: string }[],
): readonly IncidentEvent[] {
  if (channels.length === 0) return [];
  const incident = publish(view);
  return channels.flatMap(({ id: channel }): readonly IncidentEvent[] => {
    const before = state.relayed[channel]?.said ?? null;
    const said = incident === null ? gone(before) : inShort(incident);
    if (said === null || said === before) return [];
    const asked = deliveryId(view.id, `public:${view.seq}`, channel);
    return [{ type: "public.requested", data: { deliveryId: asked, channel, said } }];
  });
}

const inShort = ({ updates, status, impact, component }: PublicIncident): string =>
  [updates.at(-1)?.id ?? "", status, impact, component].join(" ");

const gone = (before: string | null): string | null => (before === null ? null : GONE);
