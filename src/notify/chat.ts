/** The port of a chat whose messages have buttons: one file in `chats/`, one line in `registry.ts`. */
import type { Person } from "../playbooks/site-people.ts";
import type { Pressed } from "./buttons.ts";
import type { ChannelReach } from "./channel.ts";

/** An interaction as it arrived: signatures are over these bytes. */
export type Interaction = {
  readonly headers: Headers;
  readonly bytes: Uint8Array<ArrayBuffer>;
};

/** Somebody pressed something, or said why; `pressed` is null when it is no button of ours, such as a link. */
export type Press = {
  readonly member: string;
  /** Where it stands, as the chat calls that; null when it does not say. */
  readonly room: string | null;
  readonly pressed: Pressed | null;
  /** What they wrote where they were asked for a reason; null of a button alone. */
  readonly why: string | null;
  /** What lets the chat ask them something within seconds; null where it needs nothing, or there is none. */
  readonly trigger: string | null;
};
/** Or the chat only asks whether we are there. */
export type Heard = Press | "ping" | null;

/** What became of a press. */
export type Outcome =
  | {
      readonly kind: "said";
      /** Null: nothing that needs words. */
      readonly text: string | null;
    }
  | {
      /** Nothing yet: it takes a reason, which whoever pressed is asked for. */
      readonly kind: "asks";
      readonly pressed: Pressed;
      /** Why it takes one, in one sentence. */
      readonly question: string;
      /** What to say where they cannot be asked. */
      readonly text: string;
    };

/** What somebody may write as a reason. */
export const WHY_CHARS_MAX = 500;
export const WHY_FIELD = "why";
/** Said afterwards within this, or not at all: nobody waits for it any longer. */
export const FOLLOW_DEADLINE_MS = 5_000;

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
  readonly answer: (heard: "ping" | Outcome) => {
    readonly body: string;
    readonly type: string;
  };
  /** Says it, or asks for it, afterwards, where an answer cannot; absent where it can. `secrets` are those that it proved to be from, at least one. */
  readonly follow?: (
    outcome: Outcome,
    press: Press,
    secrets: readonly unknown[],
    reach: ChannelReach,
  ) => Promise<void>;
};
