import { DurableObject } from "cloudflare:workers";

/** See policy-api.ts. */
export class GuardPolicyObject extends DurableObject {}
