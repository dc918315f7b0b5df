import "./style/base.css";
import "./style/panels.css";
// Before all that asks: a question of a view that the address does not hold would be asked for nothing.
import "./state/kept";
import { render } from "preact";
import { Frame } from "./frame";
import { listen } from "./lake/live";

listen();
const root = document.getElementById("app");
if (root) render(<Frame />, root);
