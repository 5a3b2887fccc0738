import { assertEquals } from "@std/assert";
import { needsOfPlace, type Place, placeArguments, readPlace } from "../../boot/place.ts";

const PLACE: Place = { number: 2, count: 3, folder: "/tmp/dit-x", isFirst: false };

Deno.test("a place is read as its arguments say it, and none where a process is alone", () => {
  assertEquals(readPlace(placeArguments(PLACE)), PLACE);
  assertEquals(readPlace(placeArguments({ ...PLACE, isFirst: true })), { ...PLACE, isFirst: true });
  for (const args of [[], ["--process=2/3"], ["--sockets=/tmp/x"], ["--process=0/3", "--sockets=/tmp/x"]]) {
    assertEquals(readPlace(args), undefined);
  }
  assertEquals(needsOfPlace({ count: 2, folder: "/tmp/dit-x" }), {
    net: ["unix:/tmp/dit-x/1.sock", "unix:/tmp/dit-x/2.sock"],
    read: ["/tmp/dit-x"],
    write: ["/tmp/dit-x"],
  });
});
