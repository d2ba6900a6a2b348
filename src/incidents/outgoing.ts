/**
 * What is said of an incident because of what was just journaled: route, mute, say once, throttle and bundle, in this order. Pure: what
 * was said and what waits is in the journal.
 */
import {
  HELD_MAX,
  isCalm,
  HEARD_NOTHING,
  waitsUntilMs,
  type Held,
  type Heard,
} from "../notify/bundle.ts";
import { bundleOf, messagesFor, type MessageDraft } from "../notify/pipeline.ts";
import type { MessageSite } from "../notify/message-site.ts";
import { deliveryId } from "../shared/ids.ts";
import type { IncidentEvent } from "./journal.ts";
import type { IncidentState } from "./state.ts";
import type { IncidentView } from "./view.ts";

type Now = { readonly view: IncidentView; readonly site: MessageSite; readonly atMs: number };

/** `state` and `view` are as `events` leave them. */
export function outgoing(
  state: IncidentState,
  events: readonly IncidentEvent[],
  now: Now,
): readonly IncidentEvent[] {
  const told = Object.keys(state.told);
  const drafts = events.flatMap((event) => messagesFor(event, now.view, now.site, now.atMs, told));
  const desk = new Outgoing(state, now);
  for (const draft of drafts) desk.say(draft);
  for (const channel of Object.keys(state.heard)) desk.tellWhatIsDue(channel);
  return desk.said;
}

/** The messages of one moment, in order. */
class Outgoing {
  readonly said: IncidentEvent[] = [];
  readonly #state: IncidentState;
  readonly #now: Now;
  readonly #asked = new Set<string>();
  readonly #heard: Record<string, Heard>;

  constructor(state: IncidentState, now: Now) {
    this.#state = state;
    this.#now = now;
    this.#heard = { ...state.heard };
  }

  say({ muted, ...draft }: MessageDraft): void {
    const id = deliveryId(this.#now.view.id, draft.message, draft.channel);
    if (this.#state.deliveries.has(id) || this.#asked.has(id)) return;
    if (muted !== undefined) {
      if (this.#state.muted.deliveries.has(id)) return;
      this.#asked.add(id);
      const { channel, message, why } = draft;
      const data = { deliveryId: id, channel, message, why, ...muted };
      this.said.push({ type: "message.muted", data });
      return;
    }
    this.#asked.add(id);
    const heard = this.#heardBy(draft.channel);
    const { site, atMs } = this.#now;
    const untilMs = isCalm(draft.why) ? waitsUntilMs(heard, site.throttle, atMs) : null;
    if (untilMs !== null && untilMs > atMs && heard.held.length < HELD_MAX) {
      const { channel, message, why, news } = draft;
      this.#hold({ deliveryId: id, channel, message, why, news, untilMs });
      return;
    }
    this.#tellHeld(draft.channel);
    this.#request({ ...draft, deliveryId: id });
  }

  tellWhatIsDue(channel: string): void {
    const [first] = this.#heardBy(channel).held;
    if (first !== undefined && first.untilMs <= this.#now.atMs) this.#tellHeld(channel);
  }

  /** One that waited alone is said as itself. */
  #tellHeld(channel: string): void {
    const { held } = this.#heardBy(channel);
    if (held.length === 0) return;
    const { muted, ...bundle } = bundleOf(
      channel,
      held,
      this.#now.view,
      this.#now.site,
      this.#now.atMs,
    );
    const [only] = held;
    const id =
      held.length === 1 && only !== undefined
        ? only.deliveryId
        : deliveryId(this.#now.view.id, bundle.message, channel);
    this.#heard[channel] = { ...this.#heardBy(channel), held: [] };
    if (muted === undefined) {
      this.#request({ ...bundle, deliveryId: id });
      return;
    }
    const { message, why, bundled } = bundle;
    const data = { deliveryId: id, channel, message, why, bundled, ...muted };
    this.said.push({ type: "message.muted", data });
  }

  #hold(held: Held): void {
    const heard = this.#heardBy(held.channel);
    this.#heard[held.channel] = { ...heard, held: [...heard.held, held] };
    this.said.push({ type: "message.held", data: { ...held } });
  }

  #request(data: Extract<IncidentEvent, { readonly type: "message.requested" }>["data"]): void {
    const { channel, why } = data;
    if (isCalm(why)) {
      const heard = this.#heardBy(channel);
      this.#heard[channel] = { ...heard, calmAtMs: [...heard.calmAtMs, this.#now.atMs] };
    }
    this.said.push({ type: "message.requested", data });
  }

  #heardBy(channel: string): Heard {
    return this.#heard[channel] ?? HEARD_NOTHING;
  }
}
