/** What must happen outside because of what was journaled. Written to the outbox in the same transaction as the events. */
import type { MessageState } from "../notify/channel.ts";
import type { Severity } from "../playbooks/schema.ts";
import type { ActId, LeaseId } from "../shared/ids.ts";

type ActData = {
  readonly actId: ActId;
  readonly actuator: string;
  readonly with: Readonly<Record<string, unknown>>;
  readonly reason: string;
};

type EffectData = {
  /** Puts the lease in force, or changes its share or expiry: applying the same twice is applying it once. */
  readonly "lease.apply": {
    readonly leaseId: LeaseId;
    readonly actuator: string;
    readonly with: Readonly<Record<string, unknown>>;
    readonly shadow: boolean;
    readonly share: number;
    readonly expiresAtMs: number;
    readonly reason: string;
    /** Automatic steps spend the hourly budget once per lease; a person's do not. */
    readonly budgeted: boolean;
  };
  /** Finds out whom or what the lease is about; changes nothing. */
  readonly "lease.select": {
    readonly leaseId: LeaseId;
    readonly actuator: string;
    /** What it has by now. */
    readonly with: Readonly<Record<string, unknown>>;
    readonly select: Readonly<Record<string, unknown>> & { readonly from: string };
    /** When the harm began, or began again. */
    readonly onsetAtMs: number;
  };
  readonly "lease.revert": {
    readonly leaseId: LeaseId;
    readonly actuator: string;
    readonly with: Readonly<Record<string, unknown>>;
  };
  /** Finds out what the act would do; changes nothing. */
  readonly "act.judge": ActData;
  /** Does what was judged: doing it twice is doing it once. */
  readonly "act.perform": ActData & {
    /** Automatic acts spend the hourly budget; a person's do not. */
    readonly budgeted: boolean;
  };
  readonly "evidence.collect": { readonly collector: string };
  readonly "message.send": {
    readonly deliveryId: string;
    readonly channel: string;
    readonly message: string;
    readonly subject: string;
    readonly body: string;
    readonly news?: string | undefined;
    readonly severity?: Severity | undefined;
    readonly state?: MessageState | undefined;
    readonly link?: string | null | undefined;
    readonly people?: readonly string[] | undefined;
    /** The keys of the messages that are told in it. */
    readonly bundled?: readonly string[] | undefined;
  };
  /** Brings a public channel to what the public knows. */
  readonly "public.send": { readonly deliveryId: string; readonly channel: string };
  /** Tells the desk's index what this incident looks like now. */
  readonly "desk.project": Record<string, never>;
};

export type EffectKind = keyof EffectData;
export type EffectOf<Kind extends EffectKind> = {
  /** `<seq>:<n>`: the n-th effect of the event at seq. It is the idempotency key. */
  readonly id: string;
  readonly kind: Kind;
  /** Effects with the same key are done in order, one at a time. */
  readonly key: string;
  readonly data: EffectData[Kind];
  /** After this it is no longer worth trying; the failure is reported. */
  readonly deadlineMs: number;
};
export type Effect = { readonly [Kind in EffectKind]: EffectOf<Kind> }[EffectKind];

/** An effect before the shell numbered it. */
export type EffectDraft = { readonly [Kind in EffectKind]: Omit<EffectOf<Kind>, "id"> }[EffectKind];
