import { assertEquals } from "@std/assert";
import { compareTags, RecentClaims } from "../../../core/ledger/recent_claims.ts";
import { claimOf, range, type Wish } from "../../support/store/committer_bench.ts";
import { platformRandom } from "../../support/service/keys.ts";

const requestOf = (wish: Wish) => claimOf({ alive: new Map([[1, { key: ["a", 1], stamp: "0" }]]) }, wish);

Deno.test("outcomeOf() tells by its tag whether a request is the one whose claim stands", () => {
  const recent = new RecentClaims(10, platformRandom);
  const request = requestOf({ token: 1, tag: 5 });
  assertEquals(recent.outcomeOf(request), undefined);
  recent.remember(request, request.tag);
  const wishes: Wish[] = [{ token: 1, tag: 5 }, { token: 1, tag: 6 }, { token: 1, use: 1 }, { token: 2 }];
  assertEquals(wishes.map((wish) => recent.outcomeOf(requestOf(wish))), [
    "replayed",
    "taken",
    undefined,
    undefined,
  ]);
});

Deno.test("so many claims are remembered as there is room for, those that were asked for last", () => {
  const recent = new RecentClaims(3, platformRandom);
  const requests = range(4).map((token) => requestOf({ token }));
  for (const request of requests.slice(0, 3)) recent.remember(request, request.tag);
  for (const request of requests.slice(0, 1)) recent.outcomeOf(request);
  for (const request of requests.slice(3)) recent.remember(request, request.tag);
  assertEquals(requests.map((request) => recent.outcomeOf(request)), [
    "replayed",
    undefined,
    "replayed",
    "replayed",
  ]);
});

Deno.test("a claim without a tag is somebody else's", () => {
  const request = requestOf({ tag: 5 });
  const tags = [request.tag, request.tag.slice(), request.tag.with(15, 1), undefined];
  assertEquals(tags.map((tag) => compareTags(tag, request)), ["replayed", "replayed", "taken", "taken"]);
});
