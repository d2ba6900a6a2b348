import { DurableObject } from "cloudflare:workers";

/** See monitor-api.ts. */
export class MonitorObject extends DurableObject {}
