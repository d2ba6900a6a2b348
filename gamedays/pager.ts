/** What the stand-in pager got: it keeps only what came with a valid signature. */
import { z } from "zod";
import type { StackInfo } from "../dev/stack.ts";

const page = z.object({
  id: z.string(),
  firstAtMs: z.int(),
  deliveries: z.int(),
  payload: z.object({
    data: z.object({
      incident: z.string(),
      message: z.string(),
      subject: z.string(),
      /** What was held back and comes together. */
      bundled: z.array(z.string()).optional(),
    }),
  }),
});
const desk = z.object({
  state: z.object({ pages: z.array(page) }),
  calls: z.array(z.object({ atMs: z.int(), status: z.int().nullable() })),
});

export type Page = z.infer<typeof page>;
export type PagerState = {
  readonly pages: readonly Page[];
  /** Deliveries that it refused. */
  readonly refused: number;
};

/** What came since a moment. */
export async function readPager(
  { vendors }: Pick<StackInfo, "vendors">,
  sinceMs: number,
): Promise<PagerState> {
  const response = await fetch(`${vendors}/__vendor/pager`);
  const { state, calls } = desk.parse(await response.json());
  return {
    pages: state.pages.filter(({ firstAtMs }) => firstAtMs >= sinceMs),
    refused: calls.filter(({ atMs, status }) => atMs >= sinceMs && status !== 200).length,
  };
}
