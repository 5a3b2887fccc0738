/** The provider and the hook in the real React with StrictMode, the plugin in the real Vue, in a document of jsdom's. */
import { assertEquals, assertThrows } from "@std/assert";
import { JSDOM } from "jsdom";
import type { DitClient } from "../../client/mod.ts";
import { reactTelemetry } from "../../client/react.ts";
import { vueTelemetry } from "../../client/vue.ts";
import { present } from "../support/base/present.ts";
import { startService } from "../support/client/client_service.ts";
import { makeClient, type NotesEvents } from "../support/client/client_under_test.ts";

// Both look for a document when they are loaded.
const { window } = new JSDOM('<div id="root"></div>');
Object.assign(globalThis, { document: window.document, IS_REACT_ACT_ENVIRONMENT: true });
for (const name of ["Element", "Node", "SVGElement", "HTMLElement", "Event"] as const) {
  Object.assign(globalThis, { [name]: window[name] });
}
Object.defineProperty(globalThis, "window", { value: window, configurable: true });
const React = await import("react");
const { createRoot } = await import("react-dom/client");
const { renderToString } = await import("react-dom/server");
const Vue = await import("vue");

/** A service, and a function that makes clients of it, which are counted. */
async function makeClients() {
  const test = await startService();
  const made: { client: DitClient<NotesEvents>; closed: Promise<void> }[] = [];
  const make = () => {
    const { client } = makeClient(test);
    const closed = new Promise<void>((resolve) =>
      client.on("state", ({ state }) => {
        if (state === "closed") resolve();
      })
    );
    made.push({ client, closed });
    return client;
  };
  const stored = async () =>
    (await test.records()).flatMap(({ events }) => events.map(({ name }) => name)).sort();
  return { test, made, make, stored };
}

const { TelemetryProvider, useTelemetry } = reactTelemetry<NotesEvents>(React);

Deno.test({
  name: "React: StrictMode's mounts keep one client and every event, and the last unmount closes it",
  sanitizeOps: false,
  sanitizeResources: false,
  async fn() {
    const { test, made, make, stored } = await makeClients();
    const seen = new Set<unknown>();
    function Page() {
      const telemetry = useTelemetry();
      seen.add(telemetry);
      // Before the provider's own effect, twice in StrictMode.
      React.useEffect(() => telemetry.log("app_opened", {}), [telemetry]);
      const save = () => telemetry.log("note_saved", { ok: true, platform: "web", latency_ms: 1 });
      return React.createElement("button", { onClick: save });
    }
    const page = (part: unknown) =>
      React.createElement(
        React.StrictMode,
        null,
        React.createElement(TelemetryProvider, { client: make }, part),
      );
    const root = createRoot(window.document.getElementById("root"));
    await React.act(() => root.render(page(React.createElement(Page))));
    // Another render makes no other one.
    await React.act(() => root.render(page(React.createElement(Page))));
    await React.act(() => window.document.querySelector("button")?.click());
    await new Promise((resolve) => setTimeout(resolve));
    assertEquals(made.length, 1);
    const first = present(made[0]);
    assertEquals([first.client.state(), seen.size], ["open", 1]);
    await first.client.flush();
    assertEquals(await stored(), ["app_opened", "app_opened", "note_saved"]);
    await React.act(() => root.unmount());
    await first.closed;
    await test.close();
  },
});

Deno.test("React: a client of the app's own is not closed, a server makes none, no provider is said", async () => {
  const { test, made, make } = await makeClients();
  const client = make();
  const root = createRoot(window.document.createElement("div"));
  await React.act(() => root.render(React.createElement(TelemetryProvider, { client })));
  await React.act(() => root.unmount());
  await new Promise((resolve) => setTimeout(resolve));
  assertEquals(client.state(), "open");
  const Page = () => typeof useTelemetry().log;
  const html = renderToString(
    React.createElement(TelemetryProvider, { client: make }, React.createElement(Page)),
  );
  assertEquals([html, made.length], ["function", 1]);
  assertThrows(() => renderToString(React.createElement(Page)), Error, "<TelemetryProvider>");
  await client.close();
  await test.close();
});

Deno.test("Vue: the plugin gives one client to components, and closes it with its app", async () => {
  const { test, made, make, stored } = await makeClients();
  const { TelemetryPlugin, useTelemetry } = vueTelemetry<NotesEvents>(Vue);
  const Part = {
    setup() {
      const { log } = useTelemetry();
      log("app_opened", {});
      Vue.onMounted(() => log("note_saved", { ok: true, platform: "web", latency_ms: 1 }));
      return () => Vue.h("p");
    },
  };
  const Both = { render: () => [Vue.h(Part), Vue.h(Part)] };
  const app = Vue.createApp(Both).use(TelemetryPlugin, make);
  app.mount(window.document.createElement("div"));
  await new Promise((resolve) => setTimeout(resolve));
  const first = present(made[0]);
  assertEquals([made.length, first.client.state()], [1, "open"]);
  await first.client.flush();
  assertEquals(await stored(), ["app_opened", "app_opened", "note_saved", "note_saved"]);
  app.unmount();
  await first.closed;
  const without = Vue.createApp(Part);
  without.config.warnHandler = () => {};
  assertThrows(() => without.mount(window.document.createElement("div")), Error, "TelemetryPlugin");
  await test.close();
});
