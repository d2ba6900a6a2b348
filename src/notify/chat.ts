/** The port of a chat whose messages have buttons: one file in `chats/`, one line in `registry.ts`. */
import type { Person } from "../playbooks/site-people.ts";
import type { Pressed } from "./buttons.ts";
import type { ChannelReach } from "./channel.ts";

/** An interaction as it arrived: signatures are over these bytes. */
export type Interaction = {
  readonly headers: Headers;
  readonly bytes: Uint8Array<ArrayBuffer>;
};

/** Somebody pressed something; `pressed` is null when it is no button of ours, such as a link. */
export type Press = {
  readonly member: string;
  /** Where it stands, as the chat calls that; null when it does not say. */
  readonly room: string | null;
  readonly pressed: Pressed | null;
};
/** Or the chat only asks whether we are there. */
export type Heard = Press | "ping" | null;

export type Chat = {
  /** Its path, and the kind of its channel. */
  readonly id: string;
  /** Did the chat of this channel's secret send it, just now? In constant time; false too when the secret names no key for it. */
  readonly isFrom: (
    interaction: Interaction,
    secret: unknown,
    atMs: number,
  ) => boolean | Promise<boolean>;
  /** Null: something that nothing of ours asks for. */
  readonly read: (interaction: Interaction) => Heard;
  /** What the chat calls this person; undefined when `site.yaml` does not say. */
  readonly memberOf: (person: Person) => string | undefined;
  /** What is answered at once: to a ping, or to a press with what became of it, for the eyes of whoever pressed. */
  readonly answer: (heard: "ping" | { readonly text: string | null }) => {
    readonly body: string;
    readonly type: string;
  };
  /** Says it afterwards, where an answer cannot; absent where it can. `secrets` are those that it proved to be from, at least one. */
  readonly whisper?: (
    text: string,
    to: Pick<Press, "member" | "room">,
    secrets: readonly unknown[],
    reach: ChannelReach,
  ) => Promise<void>;
};
