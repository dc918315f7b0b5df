/** The form for the parameters of a query. */

import { useId } from "preact/hooks";
import type { NamedQuery, QueryParameter } from "../api/types";
import { queryValues } from "../state/view-state";
import { suggestedValues } from "./suggestions";

const INPUT_TYPES = {
  text: "text",
  integer: "number",
  number: "number",
  date: "date",
  timestamp: "datetime-local",
} as const;

function Field({ parameter, form }: { parameter: QueryParameter; form: string }) {
  const { name, type, required, about } = parameter;
  const current = queryValues.value.get(name) ?? "";
  const fallback = parameter.default === null ? "" : parameter.default;
  const suggestions = type === "text" ? suggestedValues.value.get(name) : undefined;
  const id = `${form}-${name}`;
  return (
    <div class="field">
      <label for={id}>
        <span class="mono">{name}</span>
        {required && <span class="required"> required</span>}
      </label>
      {type === "boolean" ? (
        <select id={id} name={name} required={required} aria-describedby={`${id}-about`}>
          <option value="" selected={current === ""}>
            {fallback === "" ? "not set" : `default: ${fallback}`}
          </option>
          {["true", "false"].map(value => (
            <option key={value} value={value} selected={current === value}>
              {value}
            </option>
          ))}
        </select>
      ) : (
        <input
          id={id}
          name={name}
          type={INPUT_TYPES[type] ?? "text"}
          defaultValue={current}
          placeholder={fallback}
          required={required}
          autocomplete="off"
          aria-describedby={`${id}-about`}
          {...(type === "number" ? { step: "any" } : {})}
          {...(type === "timestamp" ? { step: "1" } : {})}
          {...(suggestions ? { list: `${id}-values` } : {})}
        />
      )}
      {suggestions && (
        <datalist id={`${id}-values`}>
          {suggestions.map(value => (
            <option key={value} value={value} />
          ))}
        </datalist>
      )}
      <small class="note" id={`${id}-about`}>
        {about}
      </small>
    </div>
  );
}

/** The form of a query. */
export function QueryForm({ query, busy }: { query: NamedQuery; busy: boolean }) {
  const form = useId();
  if (query.parameters.length === 0) return <p class="soft">This query has no parameters.</p>;
  const given = [...queryValues.value.values()].some(value => value !== "");
  return (
    <form
      class="query-form"
      aria-label="Parameters"
      onSubmit={event => {
        event.preventDefault();
        const entries = [...new FormData(event.currentTarget)].map(([name, value]) => [name, String(value)] as const);
        queryValues.value = new Map(entries.filter(([, value]) => value !== ""));
      }}
      onReset={() => {
        queryValues.value = new Map();
      }}
    >
      {query.parameters.map(parameter => (
        // The key makes a value show that the history changed.
        <Field
          key={`${parameter.name} ${queryValues.value.get(parameter.name) ?? ""}`}
          parameter={parameter}
          form={form}
        />
      ))}
      <div class="buttons">
        <button type="submit" class="primary" aria-busy={busy}>
          Run
        </button>
        {given && <button type="reset">Clear</button>}
      </div>
    </form>
  );
}
