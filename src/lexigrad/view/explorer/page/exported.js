// The page as one file, which holds its data; lexigrad.view.explorer.export writes the modules into it.

import { byId } from "./elements.js";
import { show } from "./explorer.js";
import { Embedded } from "./source.js";

show(new Embedded(JSON.parse(byId("data").textContent)));
