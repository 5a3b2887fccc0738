import { assertEquals } from "@std/assert";
import { BATCH_REQUEST_TYPE } from "../../../core/token/batch.ts";
import { tokenDigest } from "../../../edge/auth/bearer.ts";
import { configOf, withService } from "../../support/service/service.ts";

const SERVICE_TOKEN = "a-service-token-of-tests-that-is-long-enough";
const JSON_TYPE = "application/json";

Deno.test("a media type or encoding that is not taken is refused in one sentence", async () => {
  const config = configOf({ notes: { serviceTokenSha256: tokenDigest(SERVICE_TOKEN).toHex() } });
  await withService({ config }, async (test) => {
    const batch = `The content type is not ${BATCH_REQUEST_TYPE}, unencoded.`;
    const json = "The content type is not application/json without parameters.";
    const encoding = "The content encoding is neither absent nor gzip.";
    const refused: [path: string, type: string, encoding: string | undefined, sentence: string][] = [
      ["/v1/apps/notes/logs", "text/plain", undefined, json],
      ["/v1/apps/notes/logs", `${JSON_TYPE}; charset=utf-8`, "br", json],
      ["/v1/apps/notes/logs", JSON_TYPE, "br", encoding],
      ["/v1/apps/notes/tokens", JSON_TYPE, undefined, batch],
      ["/v1/apps/notes/tokens", BATCH_REQUEST_TYPE, "gzip", batch],
      ["/acs/v1/apps/notes/evaluate", JSON_TYPE, undefined, batch],
      ["/acs/v1/apps/notes/evaluate", BATCH_REQUEST_TYPE, "gzip", batch],
      ["/acs/v1/apps/notes/redeem", "text/plain", undefined, json],
    ];
    for (const [path, type, encoding, sentence] of refused) {
      const headers = new Headers({ authorization: `Bearer ${SERVICE_TOKEN}`, "content-type": type });
      if (encoding !== undefined) headers.set("content-encoding", encoding);
      const response = await test.send(path, { method: "POST", headers, body: "x" });
      const { code, detail } = await response.json();
      assertEquals(
        [response.status, code, detail],
        [415, "media_type", sentence],
        `${path} ${type} ${encoding}`,
      );
    }
  });
});
