/**
 * Writes of the port as operations of Deno KV.
 *
 * @module
 */
import type { Write } from "../port.ts";

/** Adds writes to a commit. */
export function addWrites(operation: Deno.AtomicOperation, writes: readonly Write[]): void {
  for (const write of writes) {
    if (write.type === "set") operation.set(write.key, write.value);
    else operation.delete(write.key);
  }
}
