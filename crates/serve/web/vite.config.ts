import { defineConfig } from "vite";

// The server of `npm run dev`; the built page uses its own host.
const server = process.env.HOTSPOTS_SERVER ?? "http://127.0.0.1:8080";
const paths = [
  "aggregates",
  "incidents",
  "facets",
  "resources",
  "changes",
  "hotspots",
  "boundaries",
  "sql",
  "queries",
  "limits",
  "readyz",
  "openapi.json",
];

export default defineConfig({
  // Relative, for proxies that serve the page under a path.
  base: "./",
  build: {
    outDir: process.env.HOTSPOTS_WEB_OUT ?? "dist",
    emptyOutDir: true,
    target: "es2022",
    // The content security policy does not allow data: URLs.
    assetsInlineLimit: 0,
    // The licences of the packages that are part of the page.
    license: { fileName: "licenses.md" },
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 1500,
  },
  // The host stays that of the page: the server rejects POST requests of other origins.
  server: { proxy: Object.fromEntries(paths.map(path => [`/${path}`, { target: server, changeOrigin: false }])) },
});
