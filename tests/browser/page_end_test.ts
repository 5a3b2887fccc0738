import { assertEquals } from "@std/assert";
import { testWithChromium } from "../support/browser/chromium.ts";
import { setStage } from "../support/browser/example_page.ts";
import { ENDS, leave, sendAll, serveVisited, visit } from "../support/browser/visited_page.ts";

const VISITS = 10;

for (const bfcache of [false, true]) {
  testWithChromium(
    `what a page logs as it ends arrives at last, and once, with bfcache ${bfcache ? "on" : "off"}`,
    async () => {
      await using stage = await setStage({ bfcache });
      await using served = serveVisited(stage);
      const arrived: Record<string, number> = {};
      let before = 0;
      for (const end of ENDS) {
        for (let visits = 0; visits < VISITS; visits++) {
          const page = await visit(stage.context, served.origin, { when: end });
          await leave(page, end);
        }
        const next = await visit(stage.context, served.origin);
        await sendAll(next);
        await next.close();
        const stored = (await stage.stored()).length;
        arrived[end] = stored - before;
        before = stored;
      }
      assertEquals(arrived, Object.fromEntries(ENDS.map((end) => [end, VISITS])));
    },
  );
}
