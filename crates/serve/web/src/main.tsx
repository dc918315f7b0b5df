import "./style/base.css";
import "./style/panels.css";
import { render } from "preact";
import { Frame } from "./frame";
import { listenForEver } from "./lake/live";
import { keepAddress } from "./state/url";

keepAddress();
listenForEver();
const root = document.getElementById("app");
if (root) render(<Frame />, root);
