/**
 * Receives webhooks in the production Worker, as their sender delivers them and as Firebreak's write journal replays them: one call
 * verifies either, and answers the id by which a delivery is applied once however often it comes.
 */
import {
  REPLAY_HEADER,
  verifyReplay,
  type ReplayRefusal,
} from "../guard/write-journal/envelope.ts";
import { readBytes } from "../guard/write-journal/read-bytes.ts";
import {
  secretsIn,
  verifyDelivery,
  type SchemeName,
  type SchemeRefusal,
} from "../guard/write-journal/schemes.ts";
import { readSigningKeys } from "../guard/signed.ts";
import { err, ok, type Result } from "../shared/result.ts";

const BODY_BYTES_MAX = 1024 * 1024;

export type WebhookOptions = {
  /** As `write_journal` of Firebreak's `site.yaml` names it. */
  readonly scheme: SchemeName;
  /** The sender's secret: one, or an old and a new one on two lines. */
  readonly secret: string;
  /** Firebreak's `SIGNING_KEYS`, the same value; without it, replays are refused. */
  readonly signingKeys?: string | undefined;
  /** Firebreak's instance: `<site>.<environment>`. */
  readonly instance: string;
  /** Where the signature or the secret stands, if not where the scheme says. */
  readonly header?: string;
  /** For a shared secret: the header with the sender's id of the delivery. */
  readonly idHeader?: string;
  readonly bodyBytesMax?: number;
};

export type ReceivedWebhook = {
  /** Remember it with what it changes, in one transaction. Null: nothing tells this delivery from a repetition. */
  readonly id: string | null;
  /** As it was sent, to the byte. */
  readonly body: Uint8Array<ArrayBuffer>;
  readonly isReplay: boolean;
  /** When it first arrived; a replay comes later. */
  readonly receivedAtMs: number;
};

export type WebhookRefusal =
  | "too_large"
  | SchemeRefusal
  | `replay_${ReplayRefusal}`
  /** `SIGNING_KEYS` is malformed. */
  | "misconfigured";

/** Answer a refusal with 401 (`too_large`: 413), so that a sender that is mistaken tries again. Consumes the request's body. */
export async function receiveWebhook(
  request: Request,
  options: WebhookOptions,
): Promise<Result<ReceivedWebhook, WebhookRefusal>> {
  const nowMs = Date.now();
  const body = await readBytes(request, options.bodyBytesMax ?? BODY_BYTES_MAX);
  if (body === null) return err("too_large");
  const token = request.headers.get(REPLAY_HEADER);
  if (token !== null) return receiveReplay(token, body, { request, options, nowMs });
  const { scheme, header = null, idHeader = null, secret } = options;
  const proof = await verifyDelivery(
    { headers: request.headers, body },
    { scheme, header, idHeader },
    { secrets: secretsIn(secret), nowMs },
  );
  if (!proof.ok) return proof;
  return ok({ id: proof.value.id, body, isReplay: false, receivedAtMs: nowMs });
}

type Context = {
  readonly request: Request;
  readonly options: WebhookOptions;
  readonly nowMs: number;
};

async function receiveReplay(
  token: string,
  body: Uint8Array<ArrayBuffer>,
  { request, options, nowMs }: Context,
): Promise<Result<ReceivedWebhook, WebhookRefusal>> {
  const keys = readSigningKeys(options.signingKeys);
  if (!keys.ok) return err("misconfigured");
  const { pathname, search } = new URL(request.url);
  const replay = await verifyReplay(token, {
    keys: keys.value,
    instance: options.instance,
    path: pathname + search,
    body,
    nowMs,
  });
  if (!replay.ok) return err(`replay_${replay.error}` as const);
  const { id, receivedAtMs } = replay.value;
  return ok({ id, body, isReplay: true, receivedAtMs });
}
