/** The facets: values of each label with their counts, as bars that set filters. */

import { signal } from "@preact/signals";
import { watchAnswer } from "../api/answer";
import { MAX_FACET_VALUES } from "../api/client";
import { cityResources, withCity } from "../api/resources";
import type { Facet } from "../api/types";
import { Icon } from "../components/icon";
import { Panel } from "../components/panel";
import { afterMapDrawn, chartsFilter } from "../map/questions";
import { filterParams } from "../state/questions";
import {
  clearFilters,
  filterCount,
  filters,
  LABELS,
  type Label,
  setFilters,
  setLabelValues,
  toggleLabelValue,
} from "../state/view-state";
import { formatCompact, formatInteger, labelText } from "../util/format";

const TITLES: Record<Label, string> = {
  resource: "Resource",
  category: "Category",
  district: "District",
  neighborhood: "Neighborhood",
};
/** Values that are shown in a collapsed list. */
const INITIAL_VALUES: Record<Label, number> = { resource: 10, category: 9, district: 7, neighborhood: 7 };

/** Values that are fetched and listed at most. */
const MAX_VALUES = 300;

const searchTexts = signal<Partial<Record<Label, string>>>({});

/** Counts the values of a label under all filters but its own, so that other values stay visible. */
const watchFacet = (label: Label) =>
  watchAnswer<Facet[]>(
    afterMapDrawn(() => ({
      path: "facets",
      params: [
        ["facet", label],
        // All values while the user searches, or has selected a value that may be infrequent.
        [
          "limit",
          String(searchTexts.value[label] || filters.value.labels[label].length > 0 ? MAX_FACET_VALUES : MAX_VALUES),
        ],
        ...withCity(filterParams(filters.value, [label])),
        ...chartsFilter.value,
      ],
    })),
  );
const facetAnswers = {
  resource: watchFacet("resource"),
  category: watchFacet("category"),
  district: watchFacet("district"),
  neighborhood: watchFacet("neighborhood"),
};

const expanded = signal<Partial<Record<Label, boolean>>>({});

function formatValueTitle(label: Label, value: string | null): string {
  if (label !== "resource") return labelText(value);
  const resource = cityResources.value.find(({ name }) => name === value);
  // The header shows the city.
  const text = resource?.title?.replace(resource.city ?? "", "").trim();
  return text ? (text[0] ?? "").toUpperCase() + text.slice(1) : labelText(value);
}

function FacetList({ label }: { label: Label }) {
  const answer = facetAnswers[label].value;
  const chosen = filters.value.labels[label];
  const rows = answer.rows ?? [];
  const text = (searchTexts.value[label] ?? "").toLowerCase();
  const all = rows.filter(row => formatValueTitle(label, row.value).toLowerCase().includes(text));
  // Selected values stay visible, even without incidents.
  const withoutRows = chosen.filter(value => !rows.some(row => (row.value ?? "") === value));
  const truncated = all.length > MAX_VALUES || answer.meta?.truncated === true;
  const visible = expanded.value[label] || text !== "" ? all.slice(0, MAX_VALUES) : all.slice(0, INITIAL_VALUES[label]);
  const hidden = all.filter(row => !visible.includes(row) && chosen.includes(row.value ?? ""));
  const listed = [...visible, ...hidden, ...withoutRows.map(value => ({ facet: label, value, count: 0 }))];
  const most = Math.max(1, ...rows.map(row => row.count));
  const item = (row: Facet) => {
    const value = row.value ?? "";
    const on = chosen.includes(value);
    return (
      <li key={value}>
        <button
          type="button"
          class="facet"
          aria-pressed={on}
          title={`${formatValueTitle(label, row.value)}: ${formatInteger(row.count)}`}
          data-label={label}
          data-value={value}
          data-count={row.count}
          onClick={() => toggleLabelValue(label, value)}
        >
          <i style={{ width: `${(100 * row.count) / most}%` }} />
          <span>{formatValueTitle(label, row.value)}</span>
          <b>{formatCompact(row.count)}</b>
        </button>
      </li>
    );
  };
  return (
    <Panel
      title={TITLES[label]}
      answer={answer}
      empty={listed.length === 0 && text === ""}
      class="facets"
      note={
        chosen.length > 0 && (
          <button type="button" class="link" onClick={() => setLabelValues(label, [])}>
            Clear {chosen.length}
          </button>
        )
      }
    >
      {rows.length > INITIAL_VALUES[label] && (
        <input
          type="search"
          placeholder={truncated || text !== "" ? "Search" : `Search ${rows.length}`}
          aria-label={`Search ${TITLES[label]}`}
          value={searchTexts.value[label] ?? ""}
          onInput={event => {
            searchTexts.value = { ...searchTexts.value, [label]: event.currentTarget.value };
          }}
        />
      )}
      <ul class={chosen.length > 0 ? "has-selection" : ""}>{listed.map(item)}</ul>
      {text === "" && all.length > INITIAL_VALUES[label] && (
        <button
          type="button"
          class="link"
          onClick={() => {
            expanded.value = { ...expanded.value, [label]: !expanded.value[label] };
          }}
        >
          {expanded.value[label]
            ? "Show fewer"
            : `Show ${Math.min(all.length, MAX_VALUES) - INITIAL_VALUES[label]} more`}
        </button>
      )}
      {truncated && (expanded.value[label] || text !== "") && (
        <small>The {formatInteger(visible.length)} most frequent</small>
      )}
    </Panel>
  );
}

/** Describes a filter of the address. */
function describeFilter(name: string, value: string): string {
  if (name === "near") {
    const [lat, lng, metres] = value.split(",").map(text => text.trim());
    return `within ${metres} m of ${lat}, ${lng}`;
  }
  return name.endsWith("!") ? `${name.slice(0, -1)} is not ${labelText(value)}` : `${name} is ${labelText(value)}`;
}

/** The filters that only the address can set, each with a button to remove it. */
function UrlOnlyFilters() {
  const { urlOnly } = filters.value;
  if (urlOnly.length === 0) return null;
  return (
    <ul class="url-filters">
      {urlOnly.map(filter => (
        <li key={filter.join(" ")}>
          <span>{describeFilter(...filter)}</span>
          <button
            type="button"
            class="link"
            aria-label={`Remove filter: ${describeFilter(...filter)}`}
            onClick={() => setFilters({ urlOnly: urlOnly.filter(other => other !== filter) })}
          >
            <Icon name="close" />
          </button>
        </li>
      ))}
    </ul>
  );
}

/** The panel of facets. */
export function FacetsPanel() {
  return (
    <>
      <div class="filter-count">
        <span>
          {filterCount.value === 0
            ? "No filters"
            : filterCount.value === 1
              ? "1 filter"
              : `${filterCount.value} filters`}
        </span>
        <button type="button" class="link" disabled={filterCount.value === 0} onClick={clearFilters}>
          Clear all
        </button>
      </div>
      <UrlOnlyFilters />
      {LABELS.map(label => (
        <FacetList key={label} label={label} />
      ))}
    </>
  );
}
