import { DurableObject } from "cloudflare:workers";

/** See desk-api.ts. */
export class DeskObject extends DurableObject {}
