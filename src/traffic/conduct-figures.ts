/** What about clients' conduct is no visitor's: the worst there is of each kind, and whose it is. Pure. */
import { idsOf } from "./conduct-memory.ts";
import type { ClientConduct, ConductWindow } from "./traffic-api.ts";

/** With fewer 4xx answers within the minute, a share of them says nothing. */
export const CLIENT_ERRORS_MIN = 30;
/** Where everybody else is answered 4xx this much as often, it is production's doing. */
export const OTHERS_SHARE_MAX = 0.5;

export type ConductFigures = {
  /** The most different ids of one route that one client asked for; at least. */
  readonly idsPerClient: number;
  /** The highest share of 4xx answers of one client that had many of them, and whose they are rather than everybody's; 0..1. */
  readonly clientErrorRatio: number;
  /** The most requests of one client for what only scanners look for. */
  readonly scannerPathsPerClient: number;
};

export const conductFigures = (window: ConductWindow): ConductFigures => ({
  idsPerClient: Math.max(0, ...window.clients.map(idsOf)),
  clientErrorRatio: Math.max(
    0,
    ...window.clients.map((client) => clientErrorRatioOf(client, window)),
  ),
  scannerPathsPerClient: Math.max(0, ...window.clients.map(({ scannerPaths }) => scannerPaths)),
});

/** 0 where it says nothing about this client. */
export function clientErrorRatioOf(
  { requests, clientErrors }: ClientConduct,
  all: Pick<ConductWindow, "requests" | "clientErrors">,
): number {
  if (clientErrors < CLIENT_ERRORS_MIN) return 0;
  const ratio = clientErrors / Math.max(1, requests);
  const others = Math.max(0, all.requests - requests);
  const othersRatio = others === 0 ? 0 : Math.max(0, all.clientErrors - clientErrors) / others;
  return othersRatio > OTHERS_SHARE_MAX * ratio ? 0 : Math.min(1, ratio);
}
