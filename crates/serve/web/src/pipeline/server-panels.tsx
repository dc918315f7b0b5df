/** The server itself: whether it is ready, and what a request may use. */

import { CodeText } from "../components/code-text";
import { Panel } from "../components/panel";
import { formatInteger } from "../util/format";
import { limits, readiness } from "./pipeline-data";

/** Whether it takes requests. */
export function Readiness() {
  const said = readiness.value;
  if (said === null) return <span class="badge">asking…</span>;
  return <span class={`badge ${said.ready ? "good" : "bad"}`}>{said.text}</span>;
}

/** The limits as a table. */
export function LimitsPanel() {
  // Without the question there is no menu: limits are no rows of the lake.
  const known = { ...limits.value, of: null };
  return (
    <Panel title="Limits" note="what one request may use" answer={known} class="limits">
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
