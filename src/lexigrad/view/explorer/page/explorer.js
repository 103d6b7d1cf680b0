// The explorer's page. Plain JavaScript: nothing is built, nothing is loaded from elsewhere. Words come from anywhere,
// so they reach the page by textContent and by canvas only, never as markup.

import { byId, option } from "./elements.js";
import { WordMap, normalize } from "./map.js";
import { Panel } from "./panel.js";
import { GlPoints, colorsOf } from "./points.js";
import { Completion, parseArithmetic, pathOf, shown } from "./search.js";

const NEIGHBORS = 20;

class Explorer {
  constructor(source, Training) {
    this.source = source;
    this.Training = Training;
    this.view = { x: 0, y: 0, scale: 1 };
    this.highlights = [];
    this.path = [];
    this.moved = 1;
    this.query = "";
    this.asked = 0;
    this.theme = "";
    this.drawn = 0;
    this.extent = [1, 1]; // how far the map reaches along its axes
  }
  async start() {
    this.summary = await this.source.summary();
    if (this.summary.watched) this.summary = await (this.training = new this.Training(this)).begun();
    this.words = await this.source.words();
    const { summary, words } = this;
    this.ids = new Map(words.map((word, id) => [word, id]));
    byId("title").textContent = byId("title").title = summary.names.join(" | ");
    document.title = `${summary.names.join(" | ")} – lexigrad`;
    document.querySelector("main").classList.toggle("two", summary.names.length > 1);
    this.maps = summary.names.map((name, side) => new WordMap(this, side, name));
    byId("maps").prepend(...this.maps.map((map) => map.box));
    this.listMaps();
    byId("color").replaceChildren(...summary.columns.map((column, number) => option(String(number), column.name)));
    this.panel = new Panel(this);
    this.panel.about();
    this.listen();
    const asked = this.read();
    this.setTheme(asked.theme);
    this.map = summary.maps.includes(asked.map) ? asked.map : asked.map ? "pca" : summary.maps.at(-1);
    this.wants = asked.map;
    byId("map").value = this.map;
    this.resize();
    await Promise.all([this.place(this.map), this.color(asked.color)]);
    this.fit({ record: false }); // an address without a map takes the slow one when it comes
    if (asked.scale) Object.assign(this.view, { x: asked.x, y: asked.y, scale: asked.scale * this.fitScale });
    this.paint();
    if (asked.query) await this.ask(asked.query, { record: false });
    else await this.panel.showNothing();
    document.documentElement.dataset.ready = "true";
    this.training?.follow();
    this.wait();
  }
  listMaps() {
    const names = { pca: "PCA", tsne: "t-SNE", umap: "UMAP" };
    const items = this.summary.maps.map((name) => option(name, names[name]));
    if (this.summary.coming) {
      const item = option("", `${names[this.summary.coming]} is coming`);
      item.disabled = true;
      items.push(item);
    }
    byId("map").replaceChildren(...items);
    byId("map").value = this.map;
  }
  async place(name) {
    const all = await Promise.all(this.maps.map((map) => this.source.places(name, map.side)));
    if (!this.training) { // whose server keeps one frame from look to look
      this.extent = normalize(all);
      this.rescale();
    }
    this.map = name;
    this.maps.forEach((map, side) => map.setPlaces(all[side]));
    byId("map").value = name;
  }
  async color(number) {
    this.column = this.summary.columns[number] ? Number(number) : 0;
    byId("color").value = String(this.column);
    const asked = this.column;
    this.values = await this.source.column(asked);
    if (asked === this.column) this.recolor();
  }
  recolor() {
    const theme = this.shownTheme();
    const style = getComputedStyle(document.documentElement);
    this.colors = Object.fromEntries(["ground", "ink", "soft", "accent", "plus", "minus", "shared", "own"].map((key) => [key, style.getPropertyValue(`--${key}`).trim()]));
    if (!this.values) return;
    const column = this.summary.columns[this.column];
    const bytes = colorsOf(this.values, column.labels, theme);
    for (const map of this.maps) map.points.colors(bytes);
    this.panel.showLegend(column, this.values, theme);
    this.paint();
  }
  fit({ record = true } = {}) {
    Object.assign(this.view, { x: 0, y: 0, scale: this.fitScale });
    this.paint();
    if (record) this.record();
  }
  pan(dx, dy) {
    this.view.x -= dx / this.view.scale;
    this.view.y += dy / this.view.scale;
    this.paint();
    this.record();
  }
  zoom(factor, x, y) {
    const { view } = this, scale = Math.min(Math.max(view.scale * factor, this.fitScale / 3), this.fitScale * 2000);
    view.x += x / view.scale - x / scale;
    view.y -= y / view.scale - y / scale;
    view.scale = scale;
    this.paint();
    this.record();
  }
  paint() {
    if (this.frame || !this.values) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      if (!this.maps[0].places || !this.fitScale || this.training?.look === 0) return;
      for (const map of this.maps) map.draw(this.moved);
      if (!this.drawn++) performance.mark("first map");
      clearTimeout(this.listing);
      this.listing = setTimeout(() => this.panel.listView(), 250);
    });
  }
  async swap(name) {
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.moved = calm ? 1 : 0;
    await this.place(name);
    if (!calm && this.maps.every((map) => map.points instanceof GlPoints)) {
      const from = performance.now();
      await new Promise((done) => {
        const step = (now) => {
          const share = Math.min(1, Math.max(0, (now - from) / 700));
          this.moved = share * share * (3 - 2 * share);
          for (const map of this.maps) map.draw(this.moved);
          if (share < 1) requestAnimationFrame(step); else done();
        };
        requestAnimationFrame(step);
      });
    }
    this.moved = 1;
    for (const map of this.maps) map.points.places(map.places, map.places);
    this.lookAtHighlights();
    this.paint();
    this.record();
    this.say(`The map is now ${byId("map").selectedOptions[0]?.textContent}`);
  }
  async wait() {
    while (this.summary.waiting) {
      await new Promise((done) => setTimeout(done, 1000));
      let status;
      try { status = await this.source.status(); } catch { return; } // the server has ended: the page goes on without
      const news = status.maps.filter((name) => !this.summary.maps.includes(name));
      Object.assign(this.summary, status);
      this.listMaps();
      if (status.failure) this.tell(`What was being computed could not be: ${status.failure}`);
      if (!this.query) this.panel.showNothing();
      for (const name of news) if (this.wants === undefined || this.wants === name) await this.swap(name);
    }
  }

  // Search and arithmetic
  async choose(word) { byId("query").value = word; await this.ask(word); }
  async ask(text, { record = true } = {}) {
    const turn = ++this.asked;
    let sum;
    try {
      const whole = this.ids.get(text) ?? this.ids.get(text.trim());
      const idOf = (word) => this.ids.get(word) ?? this.ids.get(word.toLowerCase());
      sum = whole === undefined ? parseArithmetic(text, idOf, Boolean(this.summary.unlisted)) : { plus: [whole], minus: [], path: [{ id: whole, word: this.words[whole], sign: 1 }] };
    } catch (error) { this.tell(error.message); return; }
    let found;
    try {
      found = await Promise.all(this.maps.map((map) => this.source.nearest(sum.plus, sum.minus, NEIGHBORS, map.side)));
    } catch (error) { this.tell(this.training?.isOver ? "Training is over, and what it found is no longer served here." : `No answer: ${error.message}`); return; }
    if (turn !== this.asked) return; // something else was asked meanwhile
    this.tell("");
    this.query = text;
    byId("query").value = text;
    this.present(sum, found);
    this.lookAtHighlights();
    this.paint();
    this.record(record);
    const first = found[0][0];
    this.say(first ? `${found[0].length} nearest words; first ${shown(this.words[first.id])}, cosine ${first.cosine.toFixed(2)}` : "no nearest words");
  }
  present(sum, found) {
    const sets = found.map((items) => new Set(items.map((item) => item.id)));
    sum.one = sum.path.length === 1 && sum.plus.length === 1;
    sum.shared = (id) => sets.every((set) => set.has(id));
    this.sum = sum;
    this.highlight(sum, found);
    this.panel.show(sum, found);
  }
  highlight({ path, one, shared }, found) {
    const two = found.length > 1;
    this.highlights = path.filter((term) => term.id !== undefined).map((term) => ({ id: term.id, kind: term.sign > 0 ? "plus" : "minus", strong: true }));
    found.forEach((items, side) => items.forEach((item, k) => {
      const isAnswer = !one && k === 0;
      this.highlights.push({ id: item.id, side: two ? side : undefined, strong: isAnswer, kind: isAnswer || (two && !shared(item.id)) ? "own" : two ? "shared" : "accent" });
    }));
    this.highlights = this.highlights.filter((item, k, all) => all.findIndex((other) => other.id === item.id && (other.side === undefined || other.side === item.side)) === k);
    this.path = one ? [] : pathOf(path, found.map((items) => items[0]?.id));
  }
  clear() {
    this.asked++;
    this.query = "";
    this.highlights = [];
    this.path = [];
    byId("query").value = "";
    this.tell("");
    this.panel.showNothing();
    this.paint();
    this.record(true);
    this.say("no word is chosen");
  }
  // Keep what is highlighted in sight: move only when the word itself, or all of its neighbors, are outside.
  lookAtHighlights() {
    const map = this.maps[0];
    if (!this.highlights.length || !map.places) return;
    const strong = this.highlights.filter((item) => item.strong && !item.side);
    const looked = strong.length ? strong : this.highlights; // a word that is not on the map has its neighbors only
    if (looked.every((item) => map.isInSight(item.id))) return;
    const xs = looked.map((item) => map.places[2 * item.id]), ys = looked.map((item) => map.places[2 * item.id + 1]);
    const [left, right, bottom, top] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
    this.view.x = (left + right) / 2;
    this.view.y = (bottom + top) / 2;
    this.view.scale = Math.min(this.view.scale, 0.7 * map.width / (right - left || 1e-9), 0.7 * map.height / (top - bottom || 1e-9));
  }
  tell(text) { byId("message").textContent = text; byId("message").hidden = !text; }
  say(text) { byId("status").textContent = text; }

  // The address of the view
  read() {
    const given = new URLSearchParams(location.hash.slice(1));
    const number = (name) => { const value = Number(given.get(name)); return given.has(name) && Number.isFinite(value) ? value : undefined; };
    const [x, y, scale] = [number("x"), number("y"), number("z")];
    const whole = x !== undefined && y !== undefined && scale > 0;
    return {
      query: given.get("q") ?? "", map: given.get("map") ?? undefined, theme: given.get("theme") ?? "",
      color: Math.max(0, this.summary.columns.findIndex((column) => column.name === given.get("color"))),
      ...(whole ? { x, y, scale } : {}),
    };
  }
  address() {
    const given = new URLSearchParams();
    if (this.query) given.set("q", this.query);
    given.set("map", this.map);
    if (this.column) given.set("color", this.summary.columns[this.column].name);
    if (this.theme) given.set("theme", this.theme);
    const { x, y, scale } = this.view;
    for (const [name, value] of [["x", x], ["y", y], ["z", scale / this.fitScale]]) given.set(name, value.toPrecision(5));
    return `#${given}`;
  }
  record(isStep = false) {
    clearTimeout(this.recording);
    if (isStep) history.pushState(null, "", this.address());
    else this.recording = setTimeout(() => history.replaceState(null, "", this.address()), 200);
  }
  async follow() {
    clearTimeout(this.recording);
    const asked = this.read();
    this.setTheme(asked.theme);
    if (asked.map && asked.map !== this.map && this.summary.maps.includes(asked.map)) { this.wants = asked.map; await this.place(asked.map); }
    if (asked.color !== this.column) await this.color(asked.color);
    if (asked.scale) Object.assign(this.view, { x: asked.x, y: asked.y, scale: asked.scale * this.fitScale });
    if (asked.query && asked.query !== this.query) await this.ask(asked.query, { record: false });
    else if (!asked.query && this.query) { this.query = ""; this.highlights = []; this.path = []; byId("query").value = ""; this.panel.showNothing(); }
    this.paint();
  }

  // Light and dark
  shownTheme() { return this.theme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light"); }
  setTheme(theme) {
    this.theme = ["light", "dark"].includes(theme) ? theme : "";
    document.documentElement.dataset.theme = this.shownTheme();
    byId("theme").textContent = this.shownTheme() === "dark" ? "Light" : "Dark";
    this.recolor();
  }
  resize() {
    for (const map of this.maps) map.resize();
    this.rescale();
    this.paint();
  }
  rescale() {
    const { width, height } = this.maps[0], [across, up] = this.extent, before = this.fitScale;
    this.fitScale = Math.max(10, 0.46 * Math.min(width / across, height / up));
    if (before) this.view.scale *= this.fitScale / before;
  }

  listen() {
    new ResizeObserver(() => this.resize()).observe(byId("maps"));
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.setTheme(this.theme));
    byId("theme").addEventListener("click", () => { this.setTheme(this.shownTheme() === "dark" ? "light" : "dark"); this.record(); });
    byId("map").addEventListener("change", () => { this.wants = byId("map").value; this.swap(this.wants); });
    byId("color").addEventListener("change", () => this.color(byId("color").value).then(() => this.record()));
    byId("in").addEventListener("click", () => this.zoom(1.5, 0, 0));
    byId("out").addEventListener("click", () => this.zoom(1 / 1.5, 0, 0));
    byId("all").addEventListener("click", () => this.fit());
    addEventListener("popstate", () => this.follow());
    addEventListener("keydown", (event) => {
      if (event.key === "/" && !/^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName)) { event.preventDefault(); byId("query").focus(); }
      if (event.key === "Escape" && !event.defaultPrevented) this.clear();
    });
    new Completion(this);
  }
}

// Shows what a source holds. Where that is a training that runs, the class `Training` follows it.
export function show(source, Training) {
  const explorer = new Explorer(source, Training);
  explorer.start().catch((error) => explorer.tell(`The page could not be shown: ${error.message}`));
  return explorer;
}
