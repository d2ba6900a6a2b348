/** What the senders of webhooks have in common: secrets shown and signatures made. */
import { createHmac } from "node:crypto";
import type { Sent, WebhookUnderTest } from "../contract/webhook.ts";

export type Json = Record<string, unknown>;

export const hex = (secret: string, text: string): string =>
  createHmac("sha256", secret).update(text).digest("hex");
export const withHeaders = (sent: Sent, headers: Readonly<Record<string, string>>): Sent => ({
  ...sent,
  headers: { ...sent.headers, ...headers },
});
export const json = (value: unknown): Sent => ({ body: JSON.stringify(value) });

export const bearer: Pick<WebhookUnderTest, "sign" | "proofHeader" | "signsBody" | "toleranceMs"> =
  {
    sign: (sent, { secret }) => withHeaders(sent, { authorization: `Bearer ${secret}` }),
    proofHeader: "authorization",
    signsBody: false,
    toleranceMs: null,
  };
export const inQuery: typeof bearer = {
  sign: (sent, { secret }) => ({ ...sent, query: `${sent.query ?? ""}&key=${secret}` }),
  proofHeader: null,
  signsBody: false,
  toleranceMs: null,
};
export const secret = "a-secret-of-this-test";
