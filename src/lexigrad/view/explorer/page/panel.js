// The panel beside the map: neighbors, where two trainings differ, what colors mean, the words in view.

import { added, byId } from "./elements.js";
import { CATEGORIES, RAMPS, css, range } from "./points.js";
import { shown } from "./search.js";

export class Panel {
  constructor(app) {
    this.app = app;
    byId("inview").addEventListener("toggle", () => this.listView());
    byId("panel").addEventListener("keydown", (event) => this.step(event));
  }
  about() {
    const { summary } = this.app;
    const left = summary.left_out.some((count) => count) ? ` Words that not all files have are left out: ${summary.left_out.map((count) => count.toLocaleString("en")).join(", ")}.` : "";
    const trainings = summary.trainings ? ` Neighbors are those of ${summary.trainings} trainings together.` : "";
    const note = summary.exported ? " Neighbors are found in this page, among vectors in 8 bits a number: their cosines are good to about 0.01." : "";
    byId("about").textContent = `${summary.words.toLocaleString("en")} words, ${summary.dim.join(" and ")} dimensions.${left}${trainings}${note}`;
  }
  showLegend({ name, labels }, values, theme) {
    const list = byId("legend").querySelector("ul");
    list.replaceChildren();
    if (labels) {
      labels.forEach((label, k) => {
        const item = added(list, "li");
        added(item, "i").style.background = CATEGORIES[theme][k % 12];
        added(item, "bdi", label);
      });
      return;
    }
    added(added(list, "li"), "div", "", "ramp").style.background = `linear-gradient(to right, ${RAMPS[theme].map(css).join(",")})`;
    const ends = added(list, "li", "", "ends");
    for (const text of this.ends(name, range(values))) added(ends, "span", text);
  }
  ends(name, [low, high]) {
    if (name === "rank") return ["rare", "frequent"];
    return [low, high].map((value) => (name === "frequency" ? `${Math.round(10 ** value).toLocaleString("en")} times` : value.toPrecision(3)));
  }
  listView() {
    if (!byId("inview").open) return;
    const list = byId("inview").querySelector("ol"), held = [...list.children].findIndex((line) => line.contains(document.activeElement));
    list.replaceChildren();
    for (const id of this.app.maps[0].labelled.slice(0, 60)) this.item(list, { id });
    if (held >= 0) (list.children[held] ?? list.lastElementChild)?.firstElementChild.focus();
  }
  // The words asked for, and the nearest ones that each side found.
  show(sum, found) {
    const { one, shared } = sum, two = found.length > 1;
    const box = byId("selected"), held = box.contains(document.activeElement);
    box.replaceChildren();
    const title = added(box, "h2");
    title.tabIndex = -1;
    sum.path.forEach((term, k) => {
      if (k || term.sign < 0) title.append(term.sign < 0 ? (k ? " − " : "−") : " + ");
      added(title, "bdi", term.word, one ? "" : term.sign > 0 ? "plus" : "minus");
    });
    added(box, "p", one ? this.facts(sum.path[0].id) : this.sumFacts(sum.path), "soft");
    if (two) {
      const common = found[0].filter((item) => shared(item.id)).length;
      added(box, "p", `${common} of ${found[0].length} nearest words are the same; ◆ marks those that one side has alone.`, "soft").id = "overlap";
    }
    const columns = added(box, "div", "", two ? "columns" : "");
    found.forEach((items, side) => {
      const part = added(columns, "div");
      added(part, "h3", two ? this.app.summary.names[side] : "Nearest words, cosine");
      const list = added(part, "ol", "", "words");
      items.forEach((item, k) => this.item(list, item, { own: two && !shared(item.id), answer: !one && k === 0 }));
    });
    if (held) title.focus(); // the button that had the focus is gone
  }
  facts(id) {
    const { summary: { counts, unlisted }, words } = this.app;
    if (id === undefined) return unlisted;
    const rank = `word ${(id + 1).toLocaleString("en")} of ${words.length.toLocaleString("en")}`;
    return counts ? `${rank}, occurs ${counts[id].toLocaleString("en")} times` : rank;
  }
  sumFacts(path) {
    const unlisted = path.filter((term) => term.id === undefined).map((term) => shown(term.word));
    return "Unit vectors added and subtracted; the words given are left out." + (unlisted.length ? ` Not on the map: ${unlisted.join(", ")}.` : "");
  }
  item(list, found, { own = false, answer = false } = {}) {
    const { words, summary: { trainings } } = this.app;
    const line = added(list, "li");
    line.classList.toggle("own", own);
    line.classList.toggle("answer", answer);
    const button = added(line, "button");
    button.type = "button";
    added(button, "bdi", shown(words[found.id], 200));
    if (found.cosine !== undefined) {
      const agree = found.agree === undefined ? "" : `  ${found.agree}/${trainings}`;
      const figure = added(button, "span", found.cosine.toFixed(3) + agree, "figure");
      if (agree) figure.title = `among the nearest in ${found.agree} of ${trainings} trainings`;
      added(button, "span", "", "bar").style.width = `${100 * Math.max(0, Math.min(1, found.cosine))}%`;
    } else if (found.shared !== undefined) {
      added(button, "span", `${Math.round(100 * found.shared)} %`, "figure");
    }
    button.addEventListener("click", () => this.app.choose(words[found.id]));
  }
  async showNothing() {
    const { app } = this, box = byId("selected");
    box.replaceChildren();
    added(box, "p", "Click a word, or type one above. Words can be added and subtracted: king − man + woman.");
    if (app.summary.names.length < 2) return;
    const different = await app.source.different();
    if (app.query) return;
    added(box, "h2", different ? "Frequent words with the fewest nearest words in common" : "Comparing the neighbors of frequent words…", "small");
    const list = added(box, "ol", "", "words");
    for (const item of (different ?? []).slice(0, 40)) this.item(list, item);
  }
  // Arrows go through a list of words.
  step(event) {
    const line = event.target.parentElement;
    if (!["ArrowDown", "ArrowUp"].includes(event.key) || line?.parentElement?.className !== "words") return;
    event.preventDefault();
    (event.key === "ArrowDown" ? line.nextElementSibling : line.previousElementSibling)?.firstElementChild.focus();
  }
}
