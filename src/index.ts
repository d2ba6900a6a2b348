/** Firebreak in one Worker: the composition root, and the only reader of `env`. */
import { DeskObject } from "./incidents/desk-object.ts";
import { IncidentObject } from "./incidents/incident-object.ts";
import { MonitorObject } from "./monitor/monitor-object.ts";
import { GuardPolicyObject } from "./policy/policy-object.ts";
import { TrafficObject } from "./traffic/traffic-object.ts";

export class Monitor extends MonitorObject {}
export class Desk extends DeskObject {}
export class Incident extends IncidentObject {}
export class GuardPolicy extends GuardPolicyObject {}
export class Traffic extends TrafficObject {}

export default {
  async fetch(): Promise<Response> {
    return new Response("not wired yet", { status: 503 });
  },
};
