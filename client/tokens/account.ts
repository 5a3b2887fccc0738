/**
 * Whose session tokens are asked for with: kept only as what the device secret makes of it.
 *
 * @module
 */
import { fromBase64url, toBase64url } from "../../core/base/bytes.ts";
import type { Entries } from "../storage/storage.ts";
import type { Device } from "./device.ts";

/** Bytes that stand for an account. */
const MARK_LENGTH = 16;

/** Stands for the account (`iss` and `sub`) of a session's JWT, on this device and until its secret changes. */
export function accountMark(device: Device, entries: Entries, jwt: string): string {
  return toBase64url(device.random(entries, `account\0${accountOf(jwt)}`)(MARK_LENGTH));
}

/** What does not parse is an account of its own: the service refuses it anyway. */
function accountOf(jwt: string): string {
  try {
    const { iss, sub } = JSON.parse(new TextDecoder().decode(fromBase64url(jwt.split(".")[1] ?? "")));
    return JSON.stringify([iss, sub]);
  } catch {
    return jwt;
  }
}
