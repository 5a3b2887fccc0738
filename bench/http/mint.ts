/**
 * Tokens for benches, made with the service's own key: what clients would compute with it, without their work, which would
 * take longer than what is measured. The store is made before the service starts, and copied where several servers shall
 * take the same tokens.
 *
 * @module
 */
import { MacKeyCache } from "../../core/acs/mac_keys.ts";
import { openStore } from "../../boot/open_store.ts";
import { checkConfig } from "../../core/config/check/check.ts";
import type { Config } from "../../core/config/types.ts";
import { runMaintenance } from "../../core/jobs/maintenance.ts";
import type { SigningKey } from "../../core/keys/key_ring.ts";
import { deriveMacKey } from "../../core/token/mac.ts";
import { encodeTokenInput } from "../../core/token/token.ts";
import config from "../../tests/faults/config.ts";
import { present } from "../../tests/support/base/present.ts";
import { boundNonce } from "../../tests/support/client/bound_nonce.ts";
import type { LoadToken } from "../../tests/support/client/load_client.ts";
import { type AssembledTest, assembleTest, systemRandom } from "../../tests/support/service/assembled.ts";

/** The application of benches. */
export const APP = "load";
/** The sealing key of `spawnService`. */
const SEAL_KEY = new Uint8Array(32).fill(9);

/** Unix seconds, whole. */
export const now = (): number => Math.floor(Date.now() / 1000);

/** The service on a store, inside this process, as `spawnService` has it in one of its own. */
export function assembleOn(location: string, configuration: Config = config): Promise<AssembledTest> {
  return assembleTest({
    deployment: checkConfig(configuration, { development: true }),
    now,
    sealKey: SEAL_KEY,
    openStore: () => openStore(location, { deadlineMs: 60_000 }),
    settings: { requestsPerSecond: 1_000_000, logRequests: false },
    // As much as a service of its own remembers.
    tuning: { macKeys: new MacKeyCache(systemRandom), committer: { maxRecent: 100_000 } },
  });
}

/** Makes tokens that a service on the store redeems. */
export class Mint {
  readonly #key: SigningKey;

  private constructor(key: SigningKey) {
    this.#key = key;
  }

  /** Makes the keys of a store that has none, and leaves it closed: a file, or the URL of a database. */
  static async open(location: string): Promise<Mint> {
    const { service, close } = await assembleOn(location);
    await runMaintenance(service);
    const key = await service.ringOf(APP).issuing(now());
    await close();
    return new Mint(key);
  }

  /** Fresh tokens. */
  tokens(count: number): LoadToken[] {
    return Array.from({ length: count }, () => this.#token());
  }

  #token(): LoadToken {
    const { keyId, challengeDigest, secretKey, voprf } = this.#key;
    const bound = boundNonce();
    const input = { tokenType: voprf.tokenType, nonce: bound.nonce, challengeDigest, tokenKeyId: keyId };
    const [authenticator] = voprf.evaluate(secretKey, [encodeTokenInput(input)]);
    return { keyId, ...bound, macKey: deriveMacKey(present(authenticator)) };
  }
}

/** Copies a closed store's file into another folder; gives the copy's path. */
export async function copyStore(path: string, folder: string): Promise<string> {
  await Deno.mkdir(folder, { recursive: true });
  const copy = `${folder}/kv.sqlite3`;
  for (const suffix of ["", "-wal", "-shm"]) {
    await Deno.copyFile(path + suffix, copy + suffix).catch((error) => {
      if (suffix === "" || !(error instanceof Deno.errors.NotFound)) throw error;
    });
  }
  return copy;
}
