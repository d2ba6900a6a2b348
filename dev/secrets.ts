/** Fresh random secrets for one run of the local stack. */
import { createHash, randomBytes } from "node:crypto";

export const ROLES = ["viewer", "responder", "admin"] as const;
export type Role = (typeof ROLES)[number];

export type StackSecrets = {
  readonly token: Readonly<Record<Role, string>>;
  readonly signingKey: string;
  readonly alertmanagerToken: string;
  readonly heartbeatToken: string;
  readonly redisToken: string;
  readonly turnstileSecret: string;
  readonly cloudflareToken: string;
  readonly githubToken: string;
  readonly neonKey: string;
  /** Standard Webhooks: `whsec_` and base64. */
  readonly pagerSecret: string;
  /** PagerDuty: 32 letters and digits. */
  readonly pagerdutyKey: string;
  readonly slackToken: string;
  /** What Slack proves with who pressed a button. */
  readonly slackSigningSecret: string;
  readonly ticketsToken: string;
  readonly statuspageKey: string;
  /** What the payment providers know the storefront by. */
  readonly stripeKey: string;
  readonly squareToken: string;
  /** What the payment provider signs with. */
  readonly stripeSecret: string;
  /** What the storefront hashes accounts with. */
  readonly accountKey: string;
};

const random = (): string => randomBytes(24).toString("base64url");
const hex = (): string => randomBytes(16).toString("hex");

export const makeSecrets = (): StackSecrets => ({
  token: { viewer: random(), responder: random(), admin: random() },
  signingKey: random(),
  alertmanagerToken: random(),
  heartbeatToken: random(),
  redisToken: random(),
  turnstileSecret: random(),
  cloudflareToken: random(),
  githubToken: random(),
  neonKey: random(),
  pagerSecret: `whsec_${randomBytes(24).toString("base64")}`,
  pagerdutyKey: hex(),
  slackToken: `xoxb-${random()}`,
  slackSigningSecret: hex(),
  ticketsToken: random(),
  statuspageKey: random(),
  stripeKey: `rk_test_${random()}`,
  squareToken: random(),
  stripeSecret: `whsec_${random()}`,
  accountKey: random(),
});

/** The Worker keeps hashes only. */
export const apiTokens = (token: StackSecrets["token"]): string =>
  JSON.stringify(
    ROLES.map((role) => ({
      name: `local ${role}`,
      role,
      sha256: createHash("sha256").update(token[role]).digest("hex"),
    })),
  );
