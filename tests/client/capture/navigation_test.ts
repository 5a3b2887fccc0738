import { assert, assertEquals, assertThrows } from "@std/assert";
import { captureNavigation } from "../../../client/capture/navigation.ts";
import { watchHistory } from "../../../client/capture/history.ts";
import { routeFinder } from "../../../client/capture/routes.ts";
import { captureWith } from "../../support/client/captured_client.ts";

Deno.test("routeFinder() takes the first pattern that matches whole segments", () => {
  const routeOf = routeFinder({ home: "/", edit: "/notes/new", note: "/notes/:id", settings: "/settings/*" });
  const found = [
    "/",
    "",
    "/notes/new",
    "/notes/7",
    "/notes/7/",
    "/notes",
    "/notes/7/8",
    "/settings",
    "/settings/a/b",
  ];
  assertEquals(found.map(routeOf), [
    ...["home", "home", "edit", "note", "note", undefined, undefined, "settings", "settings"],
  ]);
  assertEquals(["/settingsx", "/Notes/7"].map(routeOf), [undefined, undefined]);
});

/** As much of a platform's History as Deno has not: what its methods were called with. */
class Calls {
  readonly calls: unknown[] = [];
  pushState(...args: unknown[]): void {
    if (args[2] === "refused") throw new DOMException("refused", "SecurityError");
    this.calls.push(["push", ...args]);
  }
  replaceState(...args: unknown[]): void {
    this.calls.push(["replace", ...args]);
  }
}

Deno.test("watchHistory() calls what was there, and puts it back", () => {
  const history = new Calls();
  let told = 0;
  const end = watchHistory(history, () => told++);
  history.pushState(1, "", "/a");
  history.replaceState(2, "", "/b");
  globalThis.dispatchEvent(new Event("popstate"));
  assertThrows(() => history.pushState(3, "", "refused"), DOMException);
  assertEquals([told, history.calls], [3, [["push", 1, "", "/a"], ["replace", 2, "", "/b"]]]);
  end();
  history.pushState(4, "", "/c");
  globalThis.dispatchEvent(new Event("popstate"));
  assertEquals([told, Object.keys(history)], [3, ["calls"]]);
});

Deno.test("watchHistory() keeps the patches of others, made before it, after it, and on the prototype", () => {
  class Own extends Calls {}
  const history = new Own();
  const others: string[] = [];
  const patch = (target: Calls, name: string) => {
    const { pushState } = target;
    target.pushState = function (...args) {
      others.push(name);
      return pushState.apply(this, args);
    };
    return target.pushState;
  };
  let told = 0;
  const before = patch(history, "before");
  const end = watchHistory(history, () => told++);
  const after = patch(history, "after");
  history.pushState(1, "", "/a");
  assertEquals([told, others], [1, ["after", "before"]]);
  end();
  // It would take theirs away.
  assertEquals(history.pushState, after);
  history.pushState(2, "", "/b");
  assertEquals([told, others], [1, ["after", "before", "after", "before"]]);
  history.pushState = before;
  watchHistory(history, () => told++)();
  assertEquals(history.pushState, before);

  const inherited = new Own();
  const ended = watchHistory(inherited, () => told++);
  patch(Own.prototype, "prototype");
  inherited.pushState(3, "", "/c");
  assertEquals([told, others.at(-1)], [2, "prototype"]);
  ended();
});

Deno.test("watchHistory() harms no page: one whose history is frozen, a listener that throws", () => {
  watchHistory(Object.freeze(new Calls()), () => {})();
  const history = new Calls();
  const end = watchHistory(history, () => assert(false));
  history.pushState(1, "", "/a");
  end();
  assertEquals(history.calls.length, 1);
});

Deno.test("captureNavigation() does nothing where there is no page", async () => {
  await using captured = await captureWith();
  captureNavigation(captured.client, { event: "route_shown", routeField: "route", routes: { home: "/" } })();
  captureNavigation(captured.client, undefined as never)();
  assertEquals(await captured.arrived(), []);
});
