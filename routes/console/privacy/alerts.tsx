/**
 * What the risk monitor has told.
 *
 * @module
 */
import { visibleText } from "../../../core/base/visible_text.ts";
import { type AlertRow, alertText } from "../../../core/privacy/risk/alerts.ts";
import { formatSecond } from "../frame/format.ts";
import { Badge, type Tone } from "../frame/parts.tsx";

const KINDS: Readonly<Record<AlertRow["kind"], readonly [tone: Tone, word: string]>> = {
  warn: ["warn", "warning"],
  stop: ["bad", "alarm"],
  lifted: ["info", "lifted"],
  passed: ["good", "passed"],
};

const DELIVERIES: Readonly<Record<AlertRow["delivery"]["state"], string>> = {
  none: "no webhook",
  pending: "on its way",
  sent: "delivered",
  failed: "given up",
};

/** The table of alerts, newest first. */
export function Alerts({ alerts }: { readonly alerts: readonly AlertRow[] }) {
  if (alerts.length === 0) return <p class="empty">There has been none.</p>;
  return (
    <table class="flow">
      <thead>
        <tr>
          <th scope="col">Time (UTC)</th>
          <th scope="col">Kind</th>
          <th scope="col">What happened</th>
          <th scope="col">Webhook</th>
        </tr>
      </thead>
      <tbody>
        {alerts.map((alert) => {
          const [tone, word] = KINDS[alert.kind];
          return (
            <tr>
              <td class="nowrap">{formatSecond(alert.at)}</td>
              <td>
                <Badge tone={tone}>{word}</Badge>
              </td>
              <td class="wide">{visibleText(alertText(alert))}</td>
              <td class="muted nowrap">{DELIVERIES[alert.delivery.state]}</td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}
