/** Three-valued truth, and a fourth value for an expression that fails although everything it needs is known. */
export type Truth = "true" | "false" | "unknown" | "broken";
