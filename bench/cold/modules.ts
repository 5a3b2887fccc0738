/** Loads what main.ts loads, and does nothing with it. */
import "../../boot/from_environment.ts";
import "../../boot/maintain_at_start.ts";
import "../../boot/shutdown.ts";
import "../../boot/start_errors.ts";
import "../../boot/telemetry.ts";
import "../../boot/welcome.ts";
import "../../core/jobs/maintenance.ts";
import "../../core/jobs/run_releases.ts";
