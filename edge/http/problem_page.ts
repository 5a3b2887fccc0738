/**
 * A refusal as a person's browser shows it, where no page of the console was asked yet.
 *
 * @module
 */
import { Refusal } from "../../core/base/errors.ts";
import { problemResponse } from "./problem.ts";

/** Whether a person waits for a page. */
export function wantsPage(headers: Headers): boolean {
  return headers.get("accept")?.includes("text/html") ?? false;
}

/** The answer that a refusal gets, as a page. */
export function problemPage(error: unknown): Response {
  const { status, headers } = problemResponse(error);
  headers.set("content-type", "text/html; charset=utf-8");
  headers.set("content-security-policy", "default-src 'none'; frame-ancestors 'none'");
  const wait = headers.get("retry-after");
  const sentences = [
    error instanceof Refusal ? error.message : "Something went wrong here; try again.",
    ...wait === null ? [] : [`Try again in ${wait} seconds.`],
  ];
  const text = sentences.join(" ").replaceAll("&", "&amp;").replaceAll("<", "&lt;");
  return new Response(
    `<!DOCTYPE html>\n<html lang="en"><meta charset="utf-8"><title>Not now - DIT</title><h1>Not now</h1><p>${text}</p></html>\n`,
    { status, headers },
  );
}
