/** What may be left undone while the database only reads, as in a failover: visitors still sign in, and nobody can be told to wait. */
import { NeonDbError } from "@neondatabase/serverless";

/** As a replica refuses to write. */
const READ_ONLY = "25006";

/** `what` goes without saying in the database then, and is in the log instead. Any other failure is one. */
export async function unlessReadOnly(what: string, write: Promise<unknown>): Promise<void> {
  try {
    await write;
  } catch (error) {
    if (!(error instanceof NeonDbError) || error.code !== READ_ONLY) throw error;
    console.warn(`${what} could not be recorded: the database only reads`);
  }
}
