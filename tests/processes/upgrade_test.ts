// deno-lint-ignore-file no-console -- what is passed over is said.
/** Upgrade and downgrade between this version and the one before, on a store that the one before has written. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { openStore } from "../../boot/open_store.ts";
import { VERSION } from "../../boot/version.ts";
import { STORE_FORMATS } from "../../core/operations/families.ts";
import { STORE_FORMAT } from "../../core/operations/store_format.ts";
import { type Answer, sendLog, type SignedLog, signLog } from "../support/client/load_client.ts";
import { unpackOldStore } from "../support/upgrade/made_by_0_1_0.ts";
import { type Program, startProgram } from "../support/upgrade/program.ts";

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

/** Holds a program to what was acknowledged: each log is known, stored once, and every claim has its record. */
async function assertHolds(program: Program, logs: readonly SignedLog[]): Promise<void> {
  for (const log of logs) assertEquals(await sendLog(program.url, log), REPLAYED);
  const exported = await program.admin("/admin/v1/apps/load/logs/2026-11-29");
  const pseudonyms = exported.split("\n").filter((line) => line !== "").map((line) =>
    JSON.parse(line).pseudonym
  );
  assertEquals(pseudonyms.toSorted(), logs.map(({ pseudonym }) => pseudonym).toSorted());
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
    const { token, logs, nextUse } = await unpackOldStore(path);
    // To look changes nothing.
    assertEquals(await formatOf(path), null);
    const fresh = signLog(token, nextUse);
    {
      await using program = await startProgram(ROOT, path);
      assertEquals(await sendLog(program.url, fresh), ACCEPTED);
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
    const { token, logs, nextUse } = await unpackOldStore(path);
    const known = [...logs];
    for (const [step, root] of [ROOT, old, ROOT, old].entries()) {
      await using program = await startProgram(root, path);
      const fresh = signLog(token, nextUse + step);
      assertEquals(await sendLog(program.url, fresh), ACCEPTED);
      known.push(fresh);
      await assertHolds(program, known);
      // A use that is spent stays spent for another log, whichever program it was.
      for (let use = 0; use < known.length; use++) {
        assertEquals((await sendLog(program.url, signLog(token, use))).code, "use_taken");
      }
    }
    // The older one has left the format alone.
    assertEquals(await formatOf(path), STORE_FORMAT);
  });
});
