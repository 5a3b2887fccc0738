/**
 * A page of an app whose tracing is OpenTelemetry's for fetch, in its worst setting: a header for every origin.
 *
 * @module
 */
import { FetchInstrumentation } from "@opentelemetry/instrumentation-fetch";
import { WebTracerProvider } from "@opentelemetry/sdk-trace-web";
import { DitClient } from "../../../client/mod.ts";

/** How a page is set up. */
export interface Traced {
  readonly endpoint: string;
  readonly jwt: string;
  /** Whether the client is made before the tracing is started. */
  readonly isFirst: boolean;
  /** Whether the tracing is told to pass the endpoint over. */
  readonly isExcluded: boolean;
}

/** Logs an event; what the client told. */
async function logTraced({ endpoint, jwt, isFirst, isExcluded }: Traced): Promise<unknown[]> {
  const heard: unknown[] = [];
  const trace = () => {
    new WebTracerProvider().register();
    const instrumentation = new FetchInstrumentation({
      propagateTraceHeaderCorsUrls: /./,
      ignoreUrls: isExcluded ? [new RegExp(`^${endpoint}/`)] : [],
    });
    instrumentation.enable();
  };
  if (!isFirst) trace();
  const client = new DitClient({
    endpoint,
    app: "notes",
    session: () => Promise.resolve(jwt),
    delaySeconds: 1_000,
  });
  if (isFirst) trace();
  client.on("sent", ({ events }) => heard.push(`sent ${events}`));
  client.on("refused", ({ step, code }) => heard.push(`${step} ${code}`));
  client.log("app_opened", {});
  await client.flush();
  // That the tracing is at work.
  await fetch("/traced");
  await client.close();
  return heard;
}

Object.assign(globalThis, { logTraced });
