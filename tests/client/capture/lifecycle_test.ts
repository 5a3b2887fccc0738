import { assertEquals } from "@std/assert";
import { captureLifecycle } from "../../../client/capture/lifecycle.ts";
import { captureWith } from "../../support/client/captured_client.ts";

const OPTIONS = {
  start: { event: "app_started" },
  crash: { event: "app_crashed" },
  name: "lifecycle_test",
} as const;

/** The marks on this device, when every lock that was asked for has been given. */
async function marks(): Promise<string[]> {
  const { locks } = navigator as unknown as { locks: { query(): Promise<unknown> } };
  await locks.query();
  return Object.keys(localStorage).filter((key) => key.startsWith(OPTIONS.name));
}

/** Waits until there are so many marks. */
async function untilMarks(count: number): Promise<void> {
  while ((await marks()).length !== count) await new Promise((resolve) => setTimeout(resolve, 5));
}

Deno.test("captureLifecycle() logs a run that left its mark, once, and takes its own away", async () => {
  await using captured = await captureWith();
  localStorage.setItem(`${OPTIONS.name}.run.dead`, "");
  for (let runs = 0; runs < 2; runs++) {
    const end = captureLifecycle(captured.client, OPTIONS);
    await untilMarks(1);
    end();
    assertEquals(await marks(), []);
  }
  const names = (await captured.arrived()).map(([name]) => name).sort();
  assertEquals(names, ["app_crashed", "app_started", "app_started"]);
});

Deno.test("captureLifecycle() stores nothing before consent, and nothing after it was taken back", async () => {
  await using captured = await captureWith("required");
  const end = captureLifecycle(captured.client, OPTIONS);
  assertEquals(await marks(), []);
  await captured.client.setOptOut(false);
  await untilMarks(1);
  await captured.client.setOptOut(true);
  assertEquals(await marks(), []);
  end();
});

Deno.test("captureLifecycle() throws nothing, whatever it is given", async () => {
  await using captured = await captureWith();
  captureLifecycle(captured.client, undefined as never)();
  captureLifecycle(undefined as never, OPTIONS as never)();
  assertEquals(await marks(), []);
});
