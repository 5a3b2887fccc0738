/**
 * Another region's answer to a log of its own, taken apart: where it stands among other answers, nothing of it but what the
 * protocol has may reach them.
 *
 * @module
 */
import { z } from "zod";
import type { AcceptedLog } from "../../core/acs/accept_log.ts";
import { Refusal, type RefusalCode } from "../../core/base/errors.ts";
import { parseJson } from "../../edge/http/parse_json.ts";
import { PROBLEMS } from "../../edge/http/problem.ts";
import { acceptedLog } from "../../edge/operations/shapes.ts";
import { unreachable } from "../../edge/remote/region_directories.ts";

const problem = z.object({
  code: z.string().refine((code): code is RefusalCode => Object.hasOwn(PROBLEMS, code)),
  detail: z.string().max(500),
  rejected: acceptedLog.shape.rejected.optional(),
});

/**
 * Reads the answer: what was stored, or the refusal that the region gave.
 * @throws {Refusal} `store_unavailable` where it is neither, or its body tells something else than its status: what became
 * of the log is unknown, and the client sends it again.
 */
export async function readRegionAnswer({ status, headers, body }: Response): Promise<AcceptedLog | Refusal> {
  const members = parseJson(await new Response(body).bytes())?.value;
  if (status === 200) {
    const { data: stored } = acceptedLog.safeParse(members);
    if (stored === undefined) throw unreachable();
    return { ...stored, replayed: headers.get("dit-replayed") === "?1" };
  }
  const { data: refused } = problem.safeParse(members);
  if (refused === undefined || PROBLEMS[refused.code][0] !== status) throw unreachable();
  const { code, detail, rejected } = refused;
  const [seconds] = /^[1-9]\d{0,8}$/.exec(headers.get("retry-after") ?? "") ?? [];
  return new Refusal(code, detail, {
    ...(seconds === undefined ? {} : { retryAfterSeconds: Number(seconds) }),
    ...(rejected === undefined ? {} : { members: { rejected } }),
  });
}
