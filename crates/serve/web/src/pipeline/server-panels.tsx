/** The readiness of the server and its limits. */

import { CodeText } from "../components/code-text";
import { Panel } from "../components/panel";
import { formatInteger } from "../util/format";
import { limits, readiness } from "./pipeline-data";

/** The readiness as a badge. */
export function Readiness() {
  const current = readiness.value;
  if (current === null) return <span class="badge">connecting…</span>;
  return <span class={`badge ${current.ready ? "good" : "bad"}`}>{current.text}</span>;
}

/** The limits as a table. */
export function LimitsPanel() {
  // Without a question the panel has no menu: limits are not rows of the lake.
  const answer = { ...limits.value, question: null };
  return (
    <Panel title="Limits" note="of one request" answer={answer} class="limits">
      <table class="rows">
        <tbody>
          {(limits.value.rows ?? []).map(({ name, value, unit, about }) => (
            <tr key={name}>
              <th scope="row">
                <code>{name}</code>
                <small class="description">
                  <CodeText text={about} />
                </small>
              </th>
              <td class="number">{value === null ? "none" : `${formatInteger(value)} ${unit}`}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Panel>
  );
}
