/** Every gameday there is. A new one is a file and a line here. */
import { dataCorruption } from "./data-corruption.ts";
import { database } from "./database.ts";
import { ddos } from "./ddos.ts";
import type { Gameday } from "./gameday.ts";
import { outage } from "./outage.ts";
import { payments } from "./payments.ts";
import { security } from "./security.ts";

export const gamedays: readonly Gameday[] = [
  outage,
  database,
  security,
  dataCorruption,
  payments,
  ddos,
];
