/**
 * How often each section of the site was asked for: `/shop` is the section of `/shop`, `/shop/` and all that is below. Most pages are asked
 * for too seldom to be counted by name, and the section says how much they are together. One tally for counting in an isolate and for
 * adding up what isolates counted. Bounded. Pure.
 */
import type { SectionCut } from "./traffic-api.ts";

/** Sections that have a name; what comes in any other is in `OTHERS`. */
export const SECTIONS_MAX = 64;
export const SECTION_CHARS_MAX = 64;
export const OTHERS = "";

/** Written as guards compare routes: small. A longer one is among the others. */
export function sectionOf(path: string): string {
  const end = path.indexOf("/", 1);
  const section = end === -1 ? path : path.slice(0, end);
  return section.length > SECTION_CHARS_MAX ? OTHERS : section.toLowerCase();
}

export class SectionTally {
  readonly #counts = new Map<string, number>();

  count(section: string, by = 1): void {
    const hasRoom = this.#counts.size < SECTIONS_MAX || this.#counts.has(section);
    const under = hasRoom ? section : OTHERS;
    this.#counts.set(under, (this.#counts.get(under) ?? 0) + by);
  }

  add(cut: SectionCut): void {
    for (const { section, requests } of cut) this.count(section, requests);
  }

  cut(): SectionCut {
    return [...this.#counts].map(([section, requests]) => ({ section, requests }));
  }

  clear(): void {
    this.#counts.clear();
  }
}
