import { render } from "preact";
import { App } from "./app";
import { connect } from "./state/store";
import "./style/tokens.css";
import "./style/base.css";
import "./style/parts.css";
import "./style/mixer.css";
import "./style/pages.css";

connect();
const place = document.getElementById("page");
if (place) render(<App />, place);
