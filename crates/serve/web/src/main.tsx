import "./style/base.css";
import "./style/panels.css";
// First: modules below send questions when they are imported, and these depend on the view in the address.
import "./state/restore";
import { render } from "preact";
import { startLiveUpdates } from "./api/live-updates";
import { App } from "./app";

startLiveUpdates();
const root = document.getElementById("app");
if (root) render(<App />, root);
