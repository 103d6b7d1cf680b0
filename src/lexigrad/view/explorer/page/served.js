// The page as the server gives it, which can also follow a training. In the console of the browser's tools,
// `const { explorer } = await import("/served.js")` takes hold of what the page shows.

import { show } from "./explorer.js";
import { Served } from "./source.js";
import { Training } from "./watch.js";

export const explorer = show(new Served(), Training);
