/**
 * Everything that the service tells its operator.
 *
 * @module
 */
import { utf8 } from "../../core/base/bytes.ts";
import { createApp } from "../../routes/app.ts";
import { startService } from "../support/client/client_service.ts";
import type { Source } from "./canaries.ts";
import { ADMIN_TOKEN } from "./service.ts";
import { http1 } from "./transport.ts";

/** Routes that change something, and so are not asked. */
const CHANGES = /\/(?:rotate|revoke|reseal)$/;
/** Milliseconds of an answer that does not end, such as a stream of events. */
const STREAM_MS = 1_000;

/** The operator's routes that exist, by the application itself. */
async function operatorsRoutes(): Promise<{ method: string; path: string }[]> {
  const { service, close } = await startService();
  const app = createApp({
    version: "0.0.0",
    service,
    operatorTokens: { admin: new Uint8Array(32) },
    developmentSecret: () => "x",
  });
  await close();
  const routes = new Map<string, { method: string; path: string }>();
  for (const { method, path } of app.routes) {
    if (!/^\/(?:admin|metrics|openapi|dev\/store)/.test(path) || CHANGES.test(path)) continue;
    if (method === "GET" || (method === "POST" && path.endsWith("/audit"))) {
      routes.set(`${method} ${path}`, { method, path });
    }
  }
  return [...routes.values()];
}

/** Asks every one of them, and looks at every page of the console. */
export async function readOperatorsAnswers(port: number): Promise<Source[]> {
  const sources = await readConsole(port);
  const today = new Date().toISOString().slice(0, 10);
  for (const { method, path } of await operatorsRoutes()) {
    const filled = path.replace(":app", "notes").replace(":day", today);
    const response = await fetch(`http://127.0.0.1:${port}${filled}`, {
      method,
      headers: { authorization: `Bearer ${ADMIN_TOKEN}` },
      redirect: "manual",
    });
    if (response.status >= 400) throw new Error(`${method} ${path} answered ${response.status}.`);
    const headers = [...response.headers].map(([name, value]) => `${name}: ${value}\n`).join("");
    sources.push({ name: "operator's answers", bytes: utf8(headers) });
    sources.push({ name: "operator's answers", bytes: await readWhatComes(response) });
  }
  if (sources.length < 10) throw new Error("The operator's routes were not found.");
  return sources;
}

/** Signs in and follows every link. */
async function readConsole(port: number): Promise<Source[]> {
  const origin = `http://127.0.0.1:${port}`;
  const signedIn = await http1(port, "127.0.0.1", {
    method: "POST",
    path: "/console/sign-in",
    headers: { origin, "content-type": "application/x-www-form-urlencoded" },
    body: utf8(`token=${ADMIN_TOKEN}`),
  });
  const cookie = signedIn.headers.get("set-cookie")?.split(";")[0];
  if (cookie === undefined) throw new Error(`Signing in was answered ${signedIn.status}.`);
  const pages = new Set(["/console", "/console/live"]);
  const sources: Source[] = [];
  for (const path of pages) {
    const response = await fetch(origin + path, { headers: { cookie }, redirect: "manual" });
    if (response.status >= 400) throw new Error(`${path} answered ${response.status}.`);
    const bytes = await readWhatComes(response);
    sources.push({ name: "operator's answers", bytes });
    for (const [, link] of new TextDecoder().decode(bytes).matchAll(/(?:href|src)="(\/console[^"#?]*)/g)) {
      pages.add(link!);
    }
  }
  if (pages.size < 8) throw new Error(`Only ${pages.size} pages of the console were found.`);
  return sources;
}

async function readWhatComes(response: Response): Promise<Uint8Array> {
  const reader = response.body?.getReader();
  const chunks: Uint8Array[] = [];
  const timer = setTimeout(() => reader?.cancel(), STREAM_MS);
  for (let step = await reader?.read(); step?.done === false; step = await reader?.read()) {
    chunks.push(step.value);
  }
  clearTimeout(timer);
  return new Uint8Array(await new Blob(chunks as Uint8Array<ArrayBuffer>[]).arrayBuffer());
}
