import { DurableObject } from "cloudflare:workers";

/** See traffic-api.ts. */
export class TrafficObject extends DurableObject {}
