import { assert, assertEquals } from "@std/assert";
import { freePort } from "../support/processes/free_ports.ts";
import { Folders, runApart, runTask, startReady } from "../support/processes/service_process.ts";

/** What lies below a folder that somebody but its owner may read or write. */
async function openToOthers(folder: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    const path = `${folder}/${name}`;
    const { mode } = await Deno.lstat(path);
    if (((mode ?? 0) & 0o077) !== 0) found.push(`${name} ${((mode ?? 0) & 0o777).toString(8)}`);
    if (isDirectory) found.push(...await openToOthers(path));
  }
  return found;
}

/** Runs with the umask that takes nothing away, which children inherit. */
async function withOpenUmask(run: () => Promise<void>): Promise<void> {
  const before = Deno.umask(0);
  try {
    await run();
  } finally {
    Deno.umask(before);
  }
}

Deno.test("whoever makes .dit first, it and all that lies in it are their owner's alone", () =>
  withOpenUmask(async () => {
    await using folders = new Folders();
    const makers: Record<string, (folder: string) => Promise<unknown>> = {
      "the bundle of the client": (folder) => runApart("cli/bundle_client.ts", folder, "."),
      "the service": async (folder) => {
        await using service = await startReady({ folder, port: freePort() });
        assert(service.lines.length > 0);
        assertEquals(await openToOthers(folder), [], "while it runs, with its journals");
      },
      "a folder of before, open to all": async (folder) => {
        await Deno.mkdir(`${folder}/.dit`, { mode: 0o777 });
        assertEquals(await openToOthers(folder), [".dit 777"]);
        await using _service = await startReady({ folder, port: freePort() });
      },
      "a backup": async (folder) => {
        {
          await using _service = await startReady({ folder, port: freePort() });
        }
        const { code, stderr } = await runTask("backup", "cli/backup.ts", ["--to", "copy.sqlite3"], folder);
        assertEquals(code, 0, stderr);
        const restored = await runTask(
          "restore",
          "cli/restore.ts",
          ["--from", "copy.sqlite3", "--yes"],
          folder,
        );
        assertEquals(restored.code, 0, restored.stderr);
      },
    };
    for (const [maker, make] of Object.entries(makers)) {
      const folder = await folders.make();
      await make(folder);
      assert((await Array.fromAsync(Deno.readDir(`${folder}/.dit`))).length > 0, maker);
      assertEquals(await openToOthers(folder), [], maker);
    }
  }));
