/** Finds an incident for a request, and gives it commands. */
import type { Context } from "hono";
import type {
  CommandAnswer,
  CommandOf,
  CommandType,
  IncidentCommand,
} from "../incidents/command.ts";
import type { IncidentApi } from "../incidents/incident-api.ts";
import type { JournalRow } from "../incidents/journal.ts";
import type { IncidentView } from "../incidents/view.ts";
import { actorOf, type HttpEnv } from "./auth.ts";
import type { HttpDeps } from "./deps.ts";
import { requestId } from "./idempotency.ts";
import { Problem } from "./problems.ts";

/** The incident's view, or the problem that there is none. */
export async function viewOf(deps: Pick<HttpDeps, "incident">, id: string): Promise<IncidentView> {
  const view = await deps.incident(id).view();
  if (view === null) throw new Problem("not-found", `There is no incident ${id}.`);
  return view;
}

/** Gives an existing incident a command on behalf of the caller. A refusal is a problem. */
export async function command<Type extends CommandType>(
  c: Context<HttpEnv>,
  deps: Pick<HttpDeps, "incident" | "newId" | "now">,
  id: string,
  type: Type,
  data: CommandOf<Type>["data"],
) {
  await viewOf(deps, id);
  const given = {
    id: requestId(c, "cmd", deps.newId),
    type,
    atMs: deps.now(),
    actor: actorOf(c.var.caller),
    data,
  };
  // TypeScript does not see that a command built from one type's parts is one of the union.
  const answer = await deps.incident(id).handle(given as IncidentCommand);
  return accepted(id, answer);
}

/** A journal is read to here; of a longer one it is the beginning. */
const JOURNAL_PAGES_MAX = 40;

/** Oldest first, from the row after `after`. */
export async function wholeJournal(
  incident: IncidentApi,
  after = 0,
): Promise<readonly JournalRow[]> {
  const rows: JournalRow[] = [];
  for (let page = 0; page < JOURNAL_PAGES_MAX; page += 1) {
    const more = await incident.journal(rows.at(-1)?.seq ?? after);
    if (more.length === 0) break;
    rows.push(...more);
  }
  return rows;
}

/** What a command did, as the API says it; throws the problem when it was refused. */
export function accepted(incident: string, answer: CommandAnswer) {
  if (!answer.ok) {
    const { reason, detail } = answer.rejection;
    throw new Problem("command-refused", detail, { reason, incident });
  }
  return { incident, seq: answer.seq, events: [...answer.events] };
}
