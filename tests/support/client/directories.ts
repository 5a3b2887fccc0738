/**
 * Directories as a client has read them, for tests of what it compares.
 *
 * @module
 */
import type { Directory, DirectoryKey } from "../../../client/http/directory.ts";

/** A moment: Unix seconds. */
export const NOW = 1_800_000_000;

/** A key of the region `local` that issues from then on. */
export function key(epoch: number, generation: number, keyId: string): DirectoryKey {
  return {
    tokenType: 5,
    publicKey: keyId,
    keyId,
    region: "local",
    epoch,
    generation,
    notBefore: NOW,
    issueUntil: NOW + 100,
    redeemUntil: NOW + 200,
  };
}

/** A directory of these keys, whose epochs are days. */
export function directory(...keys: DirectoryKey[]): Directory {
  return {
    issuer: "telemetry.example",
    region: "local",
    issuingEndpoint: undefined,
    loggingEndpoint: undefined,
    epochSeconds: 86_400,
    usesPerToken: 64,
    maxBatch: 32,
    tokensPerClient: 4,
    keys,
  };
}
