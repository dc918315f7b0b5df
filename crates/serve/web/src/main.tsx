import "./style/base.css";
import "./style/panels.css";
// Before all that asks: a question of a view that the address does not hold would be asked for nothing.
import "./state/restore";
import { render } from "preact";
import { startLiveUpdates } from "./api/live-updates";
import { App } from "./app";

startLiveUpdates();
const root = document.getElementById("app");
if (root) render(<App />, root);
