/**
 * The row of the time that the processes of a store have confirmed.
 *
 * @module
 */
import { type Family, family } from "../store/families.ts";

/** The newest time that a process was sure of: TimeRow. */
export const CONFIRMED_TIMES: Family<[]> = family("ct", "confirmed times");
