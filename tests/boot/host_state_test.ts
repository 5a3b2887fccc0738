import { assert, assertEquals } from "@std/assert";
import { backupMarkOf, hostReader } from "../../boot/host_state.ts";
import { GAUGES, readGauges } from "../../core/operations/gauges.ts";

Deno.test("hostReader() tells the size of the store's files, the disk that is left, and the last backup", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const file = `${folder}/kv.sqlite3`;
    const read = hostReader(file);
    assertEquals((await read()).storeBytes, 0);
    await Deno.writeFile(file, new Uint8Array(10_000));
    await Deno.writeFile(`${file}-wal`, new Uint8Array(500));
    const { storeBytes, freeBytes = 0, residentBytes = 0, backedUpAtSeconds } = await read();
    assertEquals(storeBytes, 10_500);
    assert(freeBytes > 1_000_000 && residentBytes > 1_000_000);
    assertEquals(backedUpAtSeconds, 0);
    await Deno.writeTextFile(backupMarkOf(file), "1800000000\n");
    assertEquals((await read()).backedUpAtSeconds, 1_800_000_000);
    await Deno.writeTextFile(backupMarkOf(file), "a while ago");
    assertEquals((await read()).backedUpAtSeconds, 0);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("hostReader() tells memory alone where the store is no file of this machine", async () => {
  for (const location of [undefined, ":memory:", "https://kv.example"]) {
    assertEquals(Object.keys(await hostReader(location)()), ["residentBytes"]);
  }
});

Deno.test("readGauges() tells sizes in whole MiB, so that no single write shows", () => {
  const sizeAt = (storeBytes: number) => {
    const gauges = readGauges({
      deployment: { issuer: "telemetry.example", applications: new Map(), alerts: undefined },
      health: { startedAtSeconds: 0, maintainedAtSeconds: undefined },
      standing: { host: { storeBytes }, keyEnds: new Map(), jobSuccesses: new Map() },
      store: { answers: true, moved: false },
      committer: { waiting: 0 },
      suites: [],
      time: { held: false },
      now: () => 0,
    });
    return gauges.find(({ name }) => name === GAUGES.storeBytes.name)?.samples.map(({ value }) => value);
  };
  assertEquals(sizeAt(5_000_000), [4_194_304]);
  assertEquals(sizeAt(5_004_096), [4_194_304]);
});
