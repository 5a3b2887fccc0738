/**
 * A store that version 0.1.0 has written, with the tokens and logs of a client of it: `store_0_1_0.sqlite3.gz` and
 * `client_0_1_0.json` beside this file. Run as `made_by_0_1_0.ts <folder of that version>` this module made them; the
 * secrets in them are of tests and guard nothing else.
 *
 * @module
 */
import { gunzipSync, gzipSync } from "node:zlib";
import { DatabaseSync } from "node:sqlite";
import { freshPseudonym } from "../client/bound_nonce.ts";
import { fetchTokens, type LoadToken, sendLog, type SignedLog, signLog } from "../client/load_client.ts";
import { idOf } from "../processes/spawned_service.ts";
import { startProgram, WRITTEN_AT } from "./program.ts";

const STORE = new URL("store_0_1_0.sqlite3.gz", import.meta.url);
const CLIENT = new URL("client_0_1_0.json", import.meta.url);
const USES = 3;

interface KeptLog extends Omit<SignedLog, "token" | "body" | "id"> {
  readonly pseudonym: string;
  readonly body: string;
}

interface KeptClient {
  readonly token: { readonly keyId: string; readonly nonce: string; readonly macKey: string };
  readonly logs: readonly KeptLog[];
}

/** The logs that spent the first uses of its token, which nothing binds to a pseudonym. */
export interface OldClient {
  readonly logs: readonly SignedLog[];
}

/** Writes the store to a path; gives its client. */
export async function unpackOldStore(path: string): Promise<OldClient> {
  await Deno.writeFile(path, gunzipSync(await Deno.readFile(STORE)));
  const { token: kept, logs }: KeptClient = JSON.parse(await Deno.readTextFile(CLIENT));
  const token = {
    keyId: Uint8Array.fromHex(kept.keyId),
    nonce: Uint8Array.fromHex(kept.nonce),
    macKey: Uint8Array.fromHex(kept.macKey),
    binding: undefined,
  };
  return {
    logs: logs.map(({ pseudonym, ...log }) => ({
      ...log,
      id: idOf(pseudonym, {}),
      token: { ...token, pseudonym },
      body: Uint8Array.fromBase64(log.body),
    })),
  };
}

async function make(root: string): Promise<void> {
  const path = await Deno.makeTempFile({ suffix: ".sqlite3" });
  const logs: SignedLog[] = [];
  let token: LoadToken | undefined;
  {
    await using program = await startProgram(root, path);
    [token] = await fetchTokens(program.url, "alice", 1, WRITTEN_AT);
    if (token === undefined) throw new Error("There is no token.");
    for (let use = 0; use < USES; use++) {
      const log = signLog({ ...token, pseudonym: freshPseudonym(), binding: undefined }, use);
      if ((await sendLog(program.url, log)).status !== 200) throw new Error("A log was refused.");
      logs.push(log);
    }
    // An entry of the audit log.
    await program.admin("/admin/v1/audit", "POST");
  }
  {
    using database = new DatabaseSync(path);
    database.exec(
      "PRAGMA wal_checkpoint(TRUNCATE); PRAGMA journal_mode = DELETE; VACUUM; PRAGMA journal_mode = WAL",
    );
  }
  await Deno.writeFile(STORE, gzipSync(await Deno.readFile(path), { level: 9 }));
  const kept: KeptClient = {
    token: { keyId: token.keyId.toHex(), nonce: token.nonce.toHex(), macKey: token.macKey.toHex() },
    logs: logs.map(({ token: { pseudonym }, use, headers, body }) => ({
      pseudonym,
      use,
      headers,
      body: body.toBase64(),
    })),
  };
  await Deno.writeTextFile(CLIENT, JSON.stringify(kept, undefined, 2) + "\n");
  await Deno.remove(path);
}

if (import.meta.main) await make(Deno.args[0] ?? "");
