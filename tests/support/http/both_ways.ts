/**
 * One service behind two sockets: logs come the short way to one of them (edge/direct_logs.ts), and the long way to the
 * other.
 *
 * @module
 */
import type { CountedAnswer } from "../../../core/operations/counters.ts";
import type { AccessLine } from "../../../edge/access_log.ts";
import { Admission } from "../../../edge/admission/admission.ts";
import { deidentify, type EdgeOptions } from "../../../edge/deidentify.ts";
import type { LogBatchOptions } from "../../../routes/client/log_batch.ts";
import { logSender } from "../../../routes/client/logs.ts";
import { systemRandom, type TestService } from "../service/service.ts";

/** The secret with which regions send on what came to them. */
export const HOP_TOKEN = "the secret of all regions, 32 characters";
/** The name under which tests ask. */
export const HOST = "telemetry.example";

/** One way of a log: a socket, and what was told of its answers. */
export interface Way {
  readonly port: number;
  readonly lines: AccessLine[];
  readonly counted: CountedAnswer[];
  /** Logs that came the short way. */
  direct: number;
}

/** Serves the same service twice, with the short way and without it. */
export async function withBothWays(
  test: TestService,
  options: () => Partial<EdgeOptions> & Pick<LogBatchOptions, "bodyDeadlineMs">,
  run: (long: Way, short: Way) => Promise<void>,
): Promise<void> {
  const { bodyDeadlineMs } = options();
  const sendLog = logSender({ service: test.service, bodyDeadlineMs });
  const servers: Deno.HttpServer<Deno.NetAddr>[] = [];
  const serve = (isShort: boolean): Way => {
    const way = { lines: [] as AccessLine[], counted: [] as CountedAnswer[], direct: 0 };
    const handle = deidentify({
      handle: (request, bindings) => test.app.fetch(request, bindings),
      sendLog: isShort
        ? (message) => {
          way.direct++;
          return sendLog(message);
        }
        : undefined,
      admission: new Admission(systemRandom),
      hopToken: HOP_TOKEN,
      // How long an answer took is nothing that the two have to share.
      onAnswer: ({ duration: _duration, ...line }) => way.lines.push({ ...line, duration: "<10ms" }),
      count: (answer) => way.counted.push({ ...answer, duration: "<10ms" }),
      applications: new Set(["notes"]),
      ...options(),
    });
    const server = Deno.serve(
      { port: 0, hostname: "127.0.0.1", onListen: () => {} },
      (request) => handle(request, "192.0.2.1"),
    );
    servers.push(server);
    return Object.assign(way, { port: server.addr.port });
  };
  const long = serve(false), short = serve(true);
  try {
    await run(long, short);
  } finally {
    await Promise.all(servers.map((server) => server.shutdown()));
  }
}
