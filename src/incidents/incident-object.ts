import { DurableObject } from "cloudflare:workers";

/** See incident-api.ts. */
export class IncidentObject extends DurableObject {}
