import { assertEquals } from "@std/assert";
import { StoreInUseError } from "../../boot/file_lock.ts";
import { LaunchError } from "../../boot/launch_error.ts";
import { ListenError } from "../../boot/listeners.ts";
import { PermissionsError } from "../../boot/permissions.ts";
import { EnvironmentError } from "../../boot/settings.ts";
import { exitCodeOf, mistakesOf } from "../../boot/start_errors.ts";
import { ConfigError } from "../../core/config/check/check.ts";
import { SealError } from "../../core/keys/sealing.ts";
import { StoreUnavailable } from "../../core/store/breaker.ts";
import { StoreOpenError } from "../../core/store/open_error.ts";
import { SessionSetupError } from "../../edge/auth/session.ts";
import { AcsError } from "../../edge/remote/acs_exchange.ts";
import { WebhookSetupError } from "../../edge/remote/webhook.ts";

Deno.test("exitCodeOf() is 78 for what a person has to mend, and 1 for what may pass and for what nobody knows", () => {
  const full = Object.assign(new Error("No space left on device (os error 28)"), { code: "ENOSPC" });
  const readOnly = Object.assign(new Error("Read-only file system (os error 30)"), { code: "EROFS" });
  const persons = [
    new ConfigError(["x"]),
    new EnvironmentError(["x"]),
    new PermissionsError(["x"]),
    new LaunchError("x"),
    new SealError("x"),
    new SessionSetupError("x"),
    new WebhookSetupError("x"),
    new StoreOpenError("x"),
    new ListenError("x"),
    new Deno.errors.NotCapable("x"),
    new Deno.errors.PermissionDenied("x"),
    readOnly,
  ];
  const passing = [
    new StoreInUseError("x"),
    new StoreUnavailable("late"),
    new AcsError("x"),
    new StoreOpenError("x", { mayPass: true }),
    new ListenError("x", true),
    new LaunchError("x", true),
    full,
  ];
  for (const error of persons) {
    assertEquals([exitCodeOf(error), mistakesOf(error)?.length], [78, 1], error.name);
  }
  for (const error of passing) {
    assertEquals([exitCodeOf(error), mistakesOf(error)?.length], [1, 1], error.name);
  }
  assertEquals(exitCodeOf(new TypeError("a bug")), 1);
});
