/** The frame of all pages: the header, the current page and notifications. */

import { lazy, Suspense } from "preact/compat";
import { storeToken } from "./api/client";
import { joinTabs, lakeVersion } from "./api/live-updates";
import { cities, currentCity, resources } from "./api/resources";
import { Icon } from "./components/icon";
import { StatusBadges } from "./components/status-badges";
import { MapPage } from "./pages/map-page";
import { type Page, page, switchCity } from "./state/view-state";
import { notification } from "./util/notify";
import { dark, toggleTheme } from "./util/theme";

const SqlPage = lazy(() => import("./pages/sql-page"));
const QueriesPage = lazy(() => import("./pages/queries-page"));
const PipelinePage = lazy(() => import("./pages/pipeline-page"));

const PAGES: [Page, string][] = [
  ["map", "Map"],
  ["sql", "SQL"],
  ["queries", "Queries"],
  ["pipeline", "Pipeline"],
];

function Header() {
  return (
    <header class="bar">
      <a class="brand" href="./" aria-label="hotspots-lake: the map without filters">
        <img src="./icon.svg" alt="" width="22" height="22" />
        <span>hotspots-lake</span>
      </a>
      {cities.value.length > 1 ? (
        <select
          aria-label="City"
          value={currentCity.value ?? ""}
          onChange={event => {
            switchCity(event.currentTarget.value);
          }}
        >
          {cities.value.map(name => (
            <option key={name} value={name}>
              {name}
            </option>
          ))}
        </select>
      ) : (
        <span class="city">{currentCity.value}</span>
      )}
      <nav aria-label="Pages">
        {PAGES.map(([name, label]) => (
          <a
            key={name}
            href={name === "map" ? "./" : `?page=${name}`}
            aria-current={page.value === name ? "page" : undefined}
            onClick={event => {
              if (event.metaKey || event.ctrlKey || event.shiftKey) return;
              event.preventDefault();
              page.value = name;
            }}
          >
            {label}
          </a>
        ))}
        <a href="api" title="Documentation of the HTTP API">
          API
        </a>
      </nav>
      <StatusBadges />
      <button
        type="button"
        class="plain"
        onClick={toggleTheme}
        aria-label={dark.value ? "Use the light theme" : "Use the dark theme"}
        title={dark.value ? "Use the light theme" : "Use the dark theme"}
      >
        <Icon name={dark.value ? "sun" : "moon"} />
      </button>
    </header>
  );
}

/** The form for a token, if the server requires one. */
function TokenForm() {
  return (
    <main class="token-page">
      <form
        onSubmit={event => {
          event.preventDefault();
          storeToken(String(new FormData(event.currentTarget).get("token") ?? ""));
          joinTabs();
          lakeVersion.value += 1;
        }}
      >
        <h1>This server requires a token</h1>
        <p>The token is stored in this tab and sent to this server only.</p>
        <label>
          Token <input name="token" type="password" autocomplete="off" required />
        </label>
        <button type="submit">Open</button>
        {resources.value.problem && <p class="failure">{resources.value.problem.detail}</p>}
      </form>
    </main>
  );
}

function CurrentPage() {
  if (resources.value.problem?.status === 401) return <TokenForm />;
  if (page.value === "map") return <MapPage />;
  return (
    <Suspense fallback={<p class="loading">Loading…</p>}>
      {page.value === "sql" ? <SqlPage /> : page.value === "queries" ? <QueriesPage /> : <PipelinePage />}
    </Suspense>
  );
}

/** The whole page. */
export function App() {
  return (
    <>
      <Header />
      <CurrentPage />
      <div class="notification" role="status" aria-live="polite">
        {notification.value}
      </div>
    </>
  );
}
