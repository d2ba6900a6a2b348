/**
 * Names for things. Incidents, actions and deliveries get ULIDs from the shell (time and randomness are its business);
 * what a crash may repeat gets an id derived from what it is, so that the repetition finds itself.
 */
import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js";

export type IncidentId = `inc_${string}`;
export type LeaseId = `lse_${string}`;
export type ActId = `act_${string}`;
export type DeliveryId = `dlv_${string}`;

/** Hex SHA-256 of UTF-8 text. */
export const sha256Hex = (text: string): string => bytesToHex(sha256(utf8ToBytes(text)));

export const sha256HexOfBytes = (bytes: Uint8Array): string => bytesToHex(sha256(bytes));

/** The lease of one attempt at one step of one incident; the same three always give the same id. */
export const leaseId = (incidentId: string, step: string, attempt: number): LeaseId =>
  `lse_${derive([incidentId, step, String(attempt)])}`;

/** The act of one attempt at one step of one incident, likewise. */
export const actId = (incidentId: string, step: string, attempt: number): ActId =>
  `act_${derive([incidentId, step, String(attempt)])}`;

/** A delivery to one channel of one message of one incident. */
export const deliveryId = (incidentId: string, message: string, channel: string): DeliveryId =>
  `dlv_${derive([incidentId, message, channel])}`;

/** What arrived on one route of the write journal; the same twice is the same delivery. */
export const deliveryIdIn = (route: string, key: string): DeliveryId =>
  `dlv_${derive([route, key])}`;

/** Length prefixes keep `["a", "bc"]` and `["ab", "c"]` apart. */
const derive = (parts: readonly string[]): string =>
  sha256Hex(parts.map((part) => `${part.length}:${part}`).join("")).slice(0, 26);
