/**
 * What Deno KV takes at most, wherever it lies.
 *
 * @module
 */
import type { Limits } from "../port.ts";

/** What Deno KV takes. */
export const DENO_KV_LIMITS: Limits = {
  checksPerCommit: 100,
  writesPerCommit: 1_000,
  keysPerRead: 10,
  rowsPerPage: 500,
  bytesPerKey: 2_048,
  bytesPerValue: 64 * 1024,
  bytesPerCommit: 800 * 1024,
};

/** What every endpoint of KV Connect takes: a self-hosted denokv takes fewer checks than the others. */
export const KV_CONNECT_LIMITS: Limits = { ...DENO_KV_LIMITS, checksPerCommit: 10 };
