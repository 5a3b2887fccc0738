// deno-lint-ignore-file no-console -- what is passed over is said.
/** A real process whose wall clock is moved under it, by libfaketime (Debian's package `faketime`). */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { fetchTokens } from "../support/client/protocol_client.ts";
import { freePort } from "../support/processes/free_ports.ts";
import { DAY_SECONDS, inOnePeriod } from "../support/processes/in_one_period.ts";
import { findFaketime, movedClock } from "../support/processes/moved_clock.ts";
import type { RunningService } from "../support/processes/running_service.ts";
import { Folders, runTask, signIn, startReady } from "../support/processes/service_process.ts";
import { until } from "../support/store/with_kv_endpoint.ts";

/** So far that the keys of today and of tomorrow are over, whatever hour it is. */
const AHEAD_HOURS = 72;

async function issues({ url, send }: RunningService, hours = 0): Promise<boolean> {
  const nowSeconds = Math.floor(Date.now() / 1000) + hours * 3_600;
  const session = { jwt: await signIn(url, crypto.randomUUID()), nowSeconds, app: "demo" };
  return await fetchTokens(send, session).then(() => true, () => false);
}

/** The epochs of the directory, counted from today's; reading it makes and ends keys. */
async function epochs({ send }: RunningService): Promise<number[]> {
  const directory = await (await send("/v1/apps/demo/keys")).json();
  const today = Math.floor(Date.now() / 1000 / DAY_SECONDS);
  return directory["token-keys"].map(({ epoch }: { epoch: number }) => epoch - today);
}

Deno.test("a process whose clock is three days ahead destroys no key before its time is confirmed, and replace mends what it did", () =>
  inOnePeriod(DAY_SECONDS, async () => {
    const library = findFaketime();
    if (library === undefined) {
      console.log(
        "Passed over: libfaketime is not installed (apt-get install faketime), so no clock can be moved.",
      );
      return;
    }
    await using folders = new Folders();
    const folder = await folders.make();
    const port = freePort();
    const clock = movedClock(library, `${folder}/clock`);
    const keys = (args: string, env: Record<string, string> = {}) =>
      runTask("keys", "cli/keys.ts", args.split(" "), folder, { PORT: `${port}`, ...env });
    let destroyedBefore: () => readonly unknown[] = () => [];
    {
      await using service = await startReady({ folder, port, env: clock.env });
      assertEquals([await epochs(service), await issues(service)], [[0, 1, 2, 3], true]);

      clock.set(AHEAD_HOURS * 3_600);
      await epochs(service);
      await until(() => service.events("time_held").length === 1);
      assertEquals(service.events("key_destroyed"), []);
      clock.set(0);
      assertEquals([await epochs(service), await issues(service)], [[0, 1, 2, 3], true]);
      await until(() => service.events("time_confirmed").length === 1);
      assertEquals(service.events("time_confirmed"), [{ event: "time_confirmed", by: "return" }]);

      clock.set(AHEAD_HOURS * 3_600);
      await epochs(service);
      const asked = await keys("confirm-time");
      assertEquals([asked.code, asked.stdout], [1, ""]);
      assertMatch(asked.stderr, /^This machine's clock says .* deno task keys confirm-time --yes\n$/);
      // This command's clock is right, and the service's is not.
      const disputed = await keys("confirm-time --yes");
      assertEquals([disputed.code, disputed.stdout], [1, ""]);
      assertMatch(
        disputed.stderr,
        /^The clock here says .*: set the one that is wrong, then confirm the time again\.\n$/,
      );
      await epochs(service);
      assertEquals(service.events("key_destroyed"), []);
      // Somebody whose clock is as wrong confirms it. (Commands end badly under the library now and then.)
      const token = (await Deno.readTextFile(`${folder}/.dit/admin_token`)).trim();
      const confirmed = await service.send("/admin/v1/time/confirm", {
        method: "POST",
        headers: { authorization: `Bearer ${token}` },
        body: JSON.stringify({ seconds: Math.floor(Date.now() / 1000) + AHEAD_HOURS * 3_600 }),
      });
      assertEquals(confirmed.status, 200, await confirmed.text());
      const reseal = await keys("reseal");
      assertEquals(reseal.code, 0, reseal.stderr);
      // It may end what its time has ended before it stops itself.
      destroyedBefore = () => service.events("key_destroyed");
    }
    {
      // The wrong time stands in the store now: this start agrees with it, and ends what it has ended.
      await using service = await startReady({ folder, port, env: clock.env });
      await until(() => service.events("maintenance").length > 0);
      await until(() => destroyedBefore().length + service.events("key_destroyed").length >= 2);
      clock.set(0);
      await until(async () => (await epochs(service))[0] === 2);
      assert(!await issues(service), "today's key is gone");
      const replaced = await keys("replace --app demo");
      assertEquals([replaced.code, replaced.stderr], [0, ""]);
      assertEquals(replaced.stdout.trim().split("\n").length, 2);
      assertEquals((await keys("replace --app demo")).stdout, replaced.stdout);
      assertEquals([await epochs(service), await issues(service)], [[0, 1, 2, 3], true]);
    }
  }));

Deno.test("a process that starts with its clock ahead holds it against the store, and says so", () =>
  inOnePeriod(DAY_SECONDS, async () => {
    const library = findFaketime();
    if (library === undefined) {
      console.log(
        "Passed over: libfaketime is not installed (apt-get install faketime), so no clock can be moved.",
      );
      return;
    }
    await using folders = new Folders();
    const folder = await folders.make();
    const clock = movedClock(library, `${folder}/clock`);
    {
      await using _service = await startReady({ folder, port: freePort(), env: clock.env });
    }
    clock.set(AHEAD_HOURS * 3_600);
    {
      await using service = await startReady({ folder, port: freePort(), env: clock.env });
      await until(() => service.events("maintenance").length > 0);
      const [held] = service.events("time_held");
      assert(Math.abs(Number(held?.aheadSeconds) - AHEAD_HOURS * 3_600) < 600, JSON.stringify(held));
      assertEquals([service.events("key_destroyed"), service.events("maintenance")[0]?.keysEnded], [[], 0]);
    }
    clock.set(0);
    await using service = await startReady({ folder, port: freePort(), env: clock.env });
    assertEquals([await epochs(service), await issues(service)], [[0, 1, 2, 3], true]);
    assertEquals(service.events("time_held"), []);
  }));
