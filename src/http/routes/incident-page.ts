/** What the link of every message leads to: the incident as a page, and forms that give it commands. For browsers; programs have the API. */
import type { Context } from "hono";
import { csrf } from "hono/csrf";
import { mintToken, verifyToken } from "../../guard/signed.ts";
import { deedNamed, type Asked, type Written } from "../../incident-page/deeds.ts";
import { FRAME_HEADERS } from "../../incident-page/frame.ts";
import { pathOf, type Refused } from "../../incident-page/forms.ts";
import { incidentPage } from "../../incident-page/page.ts";
import { lastReadings, publicDraft } from "../../incident-page/story.ts";
import { escalationOf } from "../../incidents/escalation.ts";
import type { IncidentCommand } from "../../incidents/command.ts";
import { instanceOf } from "../../playbooks/site.ts";
import { timelineOf } from "../../postmortem/timeline.ts";
import { lastSaved, postmortemText } from "../../postmortem/text.ts";
import { sha256Hex } from "../../shared/ids.ts";
import { limitBody, type Api } from "../api-app.ts";
import { actorOf, ROLES, type Caller, type HttpEnv } from "../auth.ts";
import type { HttpDeps } from "../deps.ts";
import { viewOf, wholeJournal } from "../incident-of.ts";
import { asPage, writtenIn } from "../page-problems.ts";
import { Problem } from "../problems.ts";
import { incidentId } from "../schemas.ts";
import { callerBySession } from "../sessions.ts";
import { askWho } from "./sign-in.ts";

/** A post-mortem, each character as three bytes. */
const FORM_BYTES_MAX = 1024 * 1024;
/** The newest of the journal are looked at: more than almost any has. */
const ROWS_MAX = 2_000;
/** What a page offered is offered as the incident stood. */
const PRESS_LIFE_MS = 12 * 3_600_000;

export function incidentPageRoutes(api: Api, deps: HttpDeps): void {
  api.use("/incidents/*", asPage(deps));

  api.get("/incidents/:id", async (c) => {
    const id = idOf(c.req.param("id"));
    const caller = await callerBySession(c, deps);
    return caller === null ? askWho(c, deps, { to: pathOf(id) }) : show(c, deps, id, caller);
  });

  // Where a form was refused, the browser stands at its address.
  api.get("/incidents/:id/:deed", (c) => c.redirect(pathOf(idOf(c.req.param("id"))), 303));

  api.post("/incidents/:id/:deed", csrf(), limitBody(FORM_BYTES_MAX), async (c) => {
    const id = idOf(c.req.param("id"));
    const name = c.req.param("deed");
    const deed = deedNamed(name);
    if (deed === null) throw new Problem("not-found", "There is nothing here.");
    const written = await writtenIn(c);
    const caller = await callerBySession(c, deps);
    if (caller === null) {
      const refused = "You are not signed in any more; nothing was done.";
      return askWho(c, deps, { to: pathOf(id), refused, written });
    }
    if (!mayAct(caller)) {
      throw new Problem("forbidden", `This needs the role responder; yours is ${caller.role}.`);
    }
    const refuse = (because: string) => show(c, deps, id, caller, { deed: name, because, written });
    if (!(await isOffered(written["press"] ?? "", id, caller, deps))) {
      return refuse("this form is not of a page that was shown to you in the last hours");
    }
    const asked = deed.read(written, caller.name, deps.bundle.site);
    if (!asked.ok) return refuse(asked.error);
    const sent = { id, caller, name, written, asked: asked.value };
    const problem = await carryOut(sent, deps);
    return problem === null ? c.redirect(pathOf(id), 303) : refuse(problem);
  });
}

type Sent = {
  readonly id: string;
  readonly caller: Caller;
  readonly name: string;
  readonly written: Written;
  readonly asked: Asked;
};

/** Null once it is done, now or before; else why it is not. */
async function carryOut(sent: Sent, deps: HttpDeps): Promise<string | null> {
  const { id, caller, asked } = sent;
  const before = await viewOf(deps, id);
  if (asked.type === "save_postmortem") {
    const stands = lastSaved(await wholeJournal(deps.incident(id)));
    // Whose answer was lost sends it again.
    if (stands?.markdown === asked.data.markdown) return null;
    if (sent.written["saved_at"] !== String(stands?.seq ?? 0)) {
      return "somebody saved another text since; that one is below, and yours is here";
    }
  }
  const command = {
    id: commandIdOf(sent),
    atMs: deps.now(),
    actor: actorOf(caller),
    // The page stays where it is, and what it was refused for may pass.
    mayAskAgain: true,
    ...asked,
  };
  const answer = await deps.incident(id).handle(command as IncidentCommand);
  if (!answer.ok) return answer.rejection.detail;
  return answer.seq <= before.seq
    ? "nothing new came of it, because this form was done before"
    : null;
}

async function show(
  c: Context<HttpEnv>,
  deps: HttpDeps,
  id: string,
  caller: Caller,
  refused: Refused | null = null,
) {
  const view = await viewOf(deps, id);
  const isOver = view.status === "resolved";
  // A post-mortem is of all of it.
  const after = isOver ? 0 : Math.max(0, view.seq - ROWS_MAX);
  const rows = await wholeJournal(deps.incident(id), after);
  const { site } = deps.bundle;
  const nowMs = deps.now();
  const page = incidentPage({
    view,
    timeline: timelineOf(rows),
    readings: lastReadings(rows),
    draft: publicDraft(rows),
    site,
    caller: { name: caller.name, mayAct: mayAct(caller) },
    respondByMs: view.anchors.detectedAtMs + escalationOf(site.escalation).respondMs[view.severity],
    postmortem: isOver
      ? { markdown: postmortemText(rows, nowMs).markdown, savedAt: lastSaved(rows)?.seq ?? 0 }
      : null,
    press: await offer(id, caller, deps),
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

/** The same form of the same page is one command, however often it is sent; written anew, or on a page shown anew, it is another. */
function commandIdOf({ id, caller, name, written }: Sent): string {
  const fields = Object.entries(written).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return `cmd_${sha256Hex(JSON.stringify([id, caller.name, name, fields])).slice(0, 26)}`;
}

/** Proves that a form is of a page that this person was shown: a script of the site, which shares our origin, cannot make one up. */
function offer(id: string, caller: Caller, { bundle, signingKeys, now }: HttpDeps) {
  const [key] = signingKeys;
  if (key === undefined) throw new Problem("not-configured", "SIGNING_KEYS is not set.");
  return mintToken(key, {
    instance: instanceOf(bundle.site),
    kind: "press",
    sub: shownTo(id, caller),
    exp: now() + PRESS_LIFE_MS,
  });
}

async function isOffered(
  press: string,
  id: string,
  caller: Caller,
  { bundle, signingKeys: keys, now }: HttpDeps,
): Promise<boolean> {
  const instance = instanceOf(bundle.site);
  const read = await verifyToken(press, { keys, kind: "press", instance, nowMs: now() });
  return read.ok && read.value.sub === shownTo(id, caller);
}

export const shownTo = (id: string, { name }: Pick<Caller, "name">): string =>
  sha256Hex(JSON.stringify([id, name])).slice(0, 32);
