/** What the link of every message leads to: the incident as a page, and forms that give it commands. For browsers; programs have the API. */
import type { Context } from "hono";
import { csrf } from "hono/csrf";
import { z } from "zod";
import { deedNamed, type Written } from "../../incident-page/deeds.ts";
import { FRAME_HEADERS } from "../../incident-page/frame.ts";
import { incidentPage, pathOf, type Refused } from "../../incident-page/page.ts";
import { lastReadings } from "../../incident-page/readings.ts";
import { escalationOf } from "../../incidents/escalation.ts";
import type { IncidentCommand } from "../../incidents/command.ts";
import { timelineOf } from "../../postmortem/timeline.ts";
import { postmortemText } from "../../postmortem/text.ts";
import { sha256Hex } from "../../shared/ids.ts";
import { limitBody, POSTMORTEM_BODY_BYTES_MAX, type Api } from "../api-app.ts";
import { actorOf, ROLES, type Caller, type HttpEnv } from "../auth.ts";
import type { HttpDeps } from "../deps.ts";
import { viewOf, wholeJournal } from "../incident-of.ts";
import { Problem } from "../problems.ts";
import { incidentId } from "../schemas.ts";
import { callerBySession } from "../sessions.ts";
import { askWho } from "./sign-in.ts";

/** The newest of the journal are looked at: more than almost any has. */
const ROWS_MAX = 2_000;
const PRESS = z.string().regex(/^prs_[0-9A-Z]{26}$/);

export function incidentPageRoutes(api: Api, deps: HttpDeps): void {
  api.get("/incidents/:id", async (c) => {
    const id = idOf(c.req.param("id"));
    const caller = await callerBySession(c, deps);
    return caller === null ? askWho(c, deps, pathOf(id)) : show(c, deps, id, caller);
  });

  api.post("/incidents/:id/:deed", csrf(), limitBody(POSTMORTEM_BODY_BYTES_MAX), async (c) => {
    const id = idOf(c.req.param("id"));
    const name = c.req.param("deed");
    const deed = deedNamed(name);
    if (deed === null) throw new Problem("not-found", "There is nothing here.");
    const caller = await callerBySession(c, deps);
    if (caller === null)
      return askWho(c, deps, pathOf(id), "You are not signed in any more; nothing was done.");
    if (!mayAct(caller))
      throw new Problem("forbidden", `This needs the role responder; yours is ${caller.role}.`);
    const written = fieldsOf(await c.req.parseBody());
    const refuse = (because: string) => show(c, deps, id, caller, { deed: name, because, written });
    const asked = deed.read(written, caller.name, deps.bundle.site);
    if (!asked.ok) return refuse(asked.error);
    await viewOf(deps, id);
    const command = {
      id: commandIdOf(id, caller, name, written),
      atMs: deps.now(),
      actor: actorOf(caller),
      // The page stays where it is, and what it was refused for may pass.
      mayAskAgain: true,
      ...asked.value,
    };
    const answer = await deps.incident(id).handle(command as IncidentCommand);
    return answer.ok ? c.redirect(pathOf(id), 303) : refuse(answer.rejection.detail);
  });
}

async function show(
  c: Context<HttpEnv>,
  deps: HttpDeps,
  id: string,
  caller: Caller,
  refused: Refused | null = null,
) {
  const view = await viewOf(deps, id);
  const rows = await wholeJournal(deps.incident(id), Math.max(0, view.seq - ROWS_MAX));
  const { site } = deps.bundle;
  const nowMs = deps.now();
  const page = incidentPage({
    view,
    timeline: timelineOf(rows),
    readings: lastReadings(rows),
    site,
    caller: { name: caller.name, mayAct: mayAct(caller) },
    respondByMs: view.anchors.detectedAtMs + escalationOf(site.escalation).respondMs[view.severity],
    postmortem: postmortemText(rows, nowMs).markdown,
    press: deps.newId("prs"),
    refused,
    nowMs,
  });
  return c.html(page, refused === null ? 200 : 409, FRAME_HEADERS);
}

const mayAct = ({ role }: Caller): boolean => ROLES.indexOf(role) >= ROLES.indexOf("responder");

/** @throws {Problem} for what cannot be one. */
function idOf(given: string): string {
  const read = incidentId.safeParse(given);
  if (!read.success) throw new Problem("not-found", "There is nothing here.");
  return read.data;
}

const fieldsOf = (form: Readonly<Record<string, unknown>>): Written =>
  Object.fromEntries(
    Object.entries(form).filter((field): field is [string, string] => typeof field[1] === "string"),
  );

/** The same form of the same page is one command, however often it is sent; written anew, or on a page shown anew, it is another. */
function commandIdOf(id: string, { name }: Caller, deed: string, written: Written): string {
  const press = PRESS.safeParse(written["press"]);
  if (!press.success) throw new Problem("malformed-body", "This is no form of an incident's page.");
  const fields = Object.entries(written).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return `cmd_${sha256Hex(JSON.stringify([id, name, deed, fields])).slice(0, 26)}`;
}
