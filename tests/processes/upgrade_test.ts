// deno-lint-ignore-file no-console -- what is passed over is said.
/** Upgrade and downgrade between this version and the one before, on a store that the one before has written. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { openStore } from "../../boot/open_store.ts";
import { VERSION } from "../../boot/version.ts";
import { STORE_FORMATS } from "../../core/operations/families.ts";
import { STORE_FORMAT } from "../../core/operations/store_format.ts";
import { present } from "../support/base/present.ts";
import {
  type Answer,
  fetchTokens,
  type LoadToken,
  sendLog,
  type SignedLog,
  signLog,
} from "../support/client/load_client.ts";
import { unpackOldStore } from "../support/upgrade/made_by_0_1_0.ts";
import { idOf } from "../support/processes/spawned_service.ts";
import { type Program, startProgram, WRITTEN_AT } from "../support/upgrade/program.ts";

const ROOT = new URL("../../", import.meta.url).pathname.replace(/\/$/, "");
/** The last commit of version 0.1.0. */
const OLD_COMMIT = "d7ccbdb";

const ACCEPTED: Answer = { status: 200, replayed: false };
const REPLAYED: Answer = { status: 200, replayed: true };

async function withFolder(run: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await run(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** The program of a commit in a folder of its own; false where the history is not here. */
async function unpackProgram(commit: string, folder: string): Promise<boolean> {
  const line = `git -C "${ROOT}" archive ${commit} | tar -x -C "${folder}"`;
  const command = new Deno.Command("bash", { args: ["-o", "pipefail", "-c", line], stderr: "null" });
  return (await command.output()).success;
}

/** A token of the key that issues, of a client that has no other. */
async function freshToken({ url }: Program): Promise<LoadToken> {
  return present((await fetchTokens(url, crypto.randomUUID(), 1, WRITTEN_AT))[0]);
}

/** Holds a program to what was acknowledged: each log is known, stored once, and every claim has its record. */
async function assertHolds(
  program: Program,
  logs: readonly SignedLog[],
  repeated: readonly SignedLog[] = logs,
): Promise<void> {
  for (const log of repeated) assertEquals(await sendLog(program.url, log), REPLAYED);
  const exported = await program.admin("/admin/v1/apps/load/logs/2026-11-29");
  const stored = exported.split("\n").filter((line) => line !== "").map((line) => {
    const { pseudonym, events: [event] } = JSON.parse(line);
    return idOf(pseudonym, event.fields);
  });
  assertEquals(stored.toSorted(), logs.map(({ id }) => id).toSorted());
  const { ok, findings } = JSON.parse(await program.admin("/admin/v1/audit", "POST"));
  assertEquals([ok, findings], [true, []]);
  assertEquals(JSON.parse(await program.admin("/admin/v1/trail")).intact, true);
}

async function formatOf(path: string): Promise<unknown> {
  const store = await openStore(path);
  try {
    return (await store.get(STORE_FORMATS.key())).value;
  } finally {
    store.close();
  }
}

Deno.test("a store of version 0.1.0 opens, keeps all that it had, and gets the format of this version", async () => {
  await withFolder(async (folder) => {
    const path = `${folder}/store.sqlite3`;
    const { logs } = await unpackOldStore(path);
    // To look changes nothing.
    assertEquals(await formatOf(path), null);
    {
      await using program = await startProgram(ROOT, path);
      const fresh = signLog(await freshToken(program), 0);
      assertEquals(await sendLog(program.url, fresh), ACCEPTED);
      // Nothing binds the tokens of before to a pseudonym: what they signed then is known, and they sign no more.
      const { token } = present(logs[0]);
      for (const late of [signLog(token, 0), signLog(token, logs.length)]) {
        assertEquals((await sendLog(program.url, late)).code, "body_malformed");
      }
      await assertHolds(program, [...logs, fresh]);
      const health = await (await fetch(`${program.url}/healthz`)).json();
      assertEquals(health, { status: "ok", version: VERSION });
    }
    assertEquals(await formatOf(path), STORE_FORMAT);
  });
});

Deno.test("a store of a newer version is refused with the version that it needs, and left as it is", async () => {
  await withFolder(async (folder) => {
    const path = `${folder}/store.sqlite3`;
    await unpackOldStore(path);
    const newer = { number: STORE_FORMAT.number + 1, since: "9.9.9" };
    const rows = async () => {
      using kv = await Deno.openKv(path);
      return await Array.fromAsync(kv.list({ prefix: [] }));
    };
    {
      using kv = await Deno.openKv(path);
      await kv.set(STORE_FORMATS.key(), newer);
    }
    const before = await rows();
    const error = await assertRejects(() => startProgram(ROOT, path), Error);
    assertEquals(error.message.trim().split("\n").length, 1, error.message);
    assert(error.message.includes(`start version 9.9.9 or later on it (this is ${VERSION})`), error.message);
    assertEquals(await rows(), before);
  });
});

Deno.test("back to version 0.1.0 and up again: nothing is lost, doubled or counted twice", async () => {
  await withFolder(async (folder) => {
    const old = `${folder}/old`;
    await Deno.mkdir(old);
    if (!await unpackProgram(OLD_COMMIT, old)) {
      return console.log(`left out: the history of this folder does not reach back to ${OLD_COMMIT}`);
    }
    const path = `${folder}/store.sqlite3`;
    const known: SignedLog[] = [...(await unpackOldStore(path)).logs];
    for (const root of [ROOT, old, ROOT, old]) {
      await using program = await startProgram(root, path);
      const token = await freshToken(program);
      // The older one knows no bindings, and takes no log that has one.
      const fresh = signLog(root === old ? { ...token, binding: undefined } : token, 0);
      assertEquals(await sendLog(program.url, fresh), ACCEPTED);
      known.push(fresh);
      const readable = known.filter(({ token: { binding } }) => root !== old || binding === undefined);
      await assertHolds(program, known, readable);
      // A use that is spent stays spent for another log, whichever program it was.
      for (const { token, use } of known) {
        const other = signLog(root === old ? { ...token, binding: undefined } : token, use);
        const code = root === old || token.binding !== undefined ? "use_taken" : "body_malformed";
        assertEquals((await sendLog(program.url, other)).code, code);
      }
    }
    // The older one has left the format alone.
    assertEquals(await formatOf(path), STORE_FORMAT);
  });
});
