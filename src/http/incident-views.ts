/** The incidents of a stretch of time, from the desk's index. */
import { LIST_PAGE_MAX, type DeskApi } from "../incidents/desk-api.ts";
import type { IncidentView } from "../incidents/view.ts";

/** Incidents counted at most; a page of the list each hundred. */
const PAGES_MAX = 20;

/** Newest first, until a page holds only older ones. */
export async function viewsSince(
  desk: Pick<DeskApi, "list">,
  fromMs: number,
): Promise<readonly IncidentView[]> {
  const views: IncidentView[] = [];
  let before: string | null = null;
  for (let page = 0; page < PAGES_MAX; page += 1) {
    const { items, next }: Awaited<ReturnType<DeskApi["list"]>> = await desk.list({
      limit: LIST_PAGE_MAX,
      ...(before === null ? {} : { before }),
    });
    views.push(...items);
    if (next === null || items.every((view) => view.anchors.detectedAtMs < fromMs)) break;
    before = next;
  }
  return views;
}
