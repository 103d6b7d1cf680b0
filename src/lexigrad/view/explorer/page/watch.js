// A training that runs while the page is open: its figures and curves, the map as it moves, neighbors as they settle.

import { added, byId } from "./elements.js";
import { bytesOf } from "./source.js";

const TRAIL = 6; // looks behind, to which a word's trail reaches
const SVG = "http://www.w3.org/2000/svg";

function duration(seconds) {
  const whole = Math.round(seconds), pad = (value) => String(value).padStart(2, "0");
  return `${Math.floor(whole / 3600)}:${pad(Math.floor(whole / 60) % 60)}:${pad(whole % 60)}`;
}

function inMillions(value) { return value >= 1e5 ? `${(value / 1e6).toFixed(2)} M` : Math.round(value).toLocaleString("en"); }

// One or more curves in a box, the last point of each with a dot. A curve that falls steeply from where it starts would
// be flat for the rest, so the greatest value shown is that behind the first ones; rates and speeds begin at zero.
class Chart {
  constructor(parent, title, names, figure, { fromZero = false } = {}) {
    Object.assign(this, { names, figure, fromZero });
    this.box = added(parent, "figure", "", "chart");
    const caption = added(this.box, "figcaption");
    added(caption, "span", title);
    this.keys = names.map((name) => { const key = added(caption, "span", name, "key"); key.hidden = true; return key; });
    this.plot = added(this.box, "div", "", "plot");
    this.plot.setAttribute("role", "img");
    this.title = title;
    const svg = this.plot.appendChild(document.createElementNS(SVG, "svg"));
    svg.setAttribute("viewBox", "0 0 1 1");
    svg.setAttribute("preserveAspectRatio", "none");
    this.lines = names.map(() => svg.appendChild(document.createElementNS(SVG, "polyline")));
    this.dots = names.map(() => added(this.plot, "i"));
    this.high = added(this.box, "span", "", "high");
    this.low = added(this.box, "span", "", "low");
  }
  draw(curves, end) {
    const values = curves.flatMap((points) => (points.length > 3 && !this.fromZero ? points.slice(1) : points).map(([, y]) => y));
    this.box.hidden = !values.length;
    if (!values.length) return;
    const low = this.fromZero ? 0 : Math.min(...values), high = Math.max(...values), span = high - low || 1;
    const x = (value) => Math.min(1, value / (end || 1)), y = (value) => (high === low ? 0.5 : (high - value) / span);
    curves.forEach((points, k) => {
      this.keys[k].hidden = curves.length < 2 || !points.length;
      this.dots[k].hidden = !points.length;
      this.lines[k].setAttribute("points", points.map((point) => `${x(point[0]).toFixed(4)},${y(point[1]).toFixed(4)}`).join(" "));
      if (!points.length) return;
      const last = points[points.length - 1];
      this.dots[k].style.left = `${100 * x(last[0])}%`;
      this.dots[k].style.top = `${100 * y(last[1])}%`;
    });
    this.high.textContent = this.figure(high);
    this.low.textContent = high === low ? "" : this.figure(low);
    const said = curves.map((points, k) => (points.length ? `${this.names[k]} ${this.figure(points[points.length - 1][1])}` : "")).filter(Boolean);
    this.plot.setAttribute("aria-label", `${this.title}: now ${said.join(", ")}; from ${this.figure(low)} to ${this.figure(high)}`);
  }
}

export class Training {
  constructor(app) {
    this.app = app;
    this.seen = this.look = this.took = 0;
    this.isOver = false;
    this.trail = [];
    this.figures = [];
    const box = byId("training");
    box.hidden = false;
    this.phase = added(box, "h2", "Reading the text");
    this.meter = added(box, "div", "", "meter");
    this.meter.hidden = true;
    this.meter.setAttribute("role", "progressbar");
    this.meter.setAttribute("aria-label", "done");
    this.done = added(this.meter, "i");
    this.note = added(box, "p", "", "soft");
    this.note.hidden = true;
    this.list = added(box, "dl", "", "facts");
    this.curves = added(box, "details");
    this.curves.open = !matchMedia("(max-width: 760px)").matches; // there neighbors come first
    this.curves.hidden = true;
    added(this.curves, "summary", "Curves");
    this.loss = new Chart(this.curves, "Loss", ["training", "held out"], (value) => value.toFixed(3));
    const pair = added(this.curves, "div", "", "pair");
    this.speed = new Chart(pair, "Words/s", ["words/s"], inMillions, { fromZero: true });
    this.rate = new Chart(pair, "Learning rate", ["learning rate"], (value) => (value ? value.toFixed(3) : "0"), { fromZero: true });
    for (const name of ["map", "color"]) byId(name).closest("label").hidden = true;
    document.documentElement.classList.add("watched", "waiting");
    byId("title").textContent = app.summary.names[0];
    const given = new URLSearchParams(location.hash.slice(1)).get("theme") ?? "";
    document.documentElement.dataset.theme = given || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
  }
  // Waits until there are words; gives the summary that then holds.
  async begun() {
    while (true) {
      const summary = await this.app.source.summary();
      if (summary.words) return summary;
      const news = await this.ask(); // a server that has gone before there was anything is told as an error
      this.tell(news);
      if (this.isOver) throw new Error(news.note);
    }
  }
  async ask() {
    const sum = this.app.query ? this.app.sum : { plus: [], minus: [] };
    const news = await this.app.source.news(sum, this);
    Object.assign(this, { seen: news.version, look: news.look, isOver: ["over", "stopped"].includes(news.state) });
    return { ...news, sum };
  }
  async follow() {
    this.seen = 0;
    while (!this.isOver) {
      let news;
      try { news = await this.ask(); } catch { this.lose(); return; }
      const from = performance.now();
      this.tell(news);
      this.show(news);
      document.documentElement.dataset.news = String(news.version);
      this.took = 0;
      if (document.hidden || this.isOver) continue; // nothing is drawn, or nothing more comes
      await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
      this.took = Math.min(99999, Math.round(performance.now() - from));
    }
  }
  // The server has gone, and has not said why.
  lose() {
    this.isOver = true;
    this.phase.textContent = "The training command has ended";
    this.note.textContent = "This is how it stood last.";
    this.note.hidden = false;
  }
  tell({ state, note, course: { epochs, at, curves, figures } }) {
    const share = epochs ? at / epochs : undefined;
    const percent = share === undefined ? "" : `${Math.floor(100 * share)} %`;
    const stage = figures.stage ? figures.stage[0].toUpperCase() + figures.stage.slice(1) : "";
    const running = epochs ? `Epoch ${figures.epoch ?? 1} of ${epochs}, ${percent}` : stage || "Training begins";
    this.phase.textContent = { reading: "Reading the text", training: running, over: "Training is over", stopped: "Training was stopped" }[state];
    this.note.textContent = note;
    this.note.hidden = !note;
    this.meter.hidden = share === undefined;
    if (share !== undefined) {
      this.done.style.width = `${100 * share}%`;
      this.meter.setAttribute("aria-valuenow", String(Math.round(100 * share)));
    }
    document.title = `${state === "training" ? percent || stage : this.phase.textContent} – ${this.app.summary.names[0]} – lexigrad`;
    this.facts(state, figures);
    const end = epochs || at || 1;
    this.curves.hidden = !Object.values(curves).some((points) => points.length);
    this.loss.draw([curves.loss, curves.held_out], end);
    this.speed.draw([curves.speed], end);
    this.rate.draw([curves.rate], end);
  }
  facts(state, figures) {
    const running = state === "training";
    const rows = [
      ["loss", figures.loss, (value) => value.toFixed(4)],
      ["held out", figures.held_out_loss, (value) => value.toFixed(4)],
      ["perplexity", figures.perplexity, (value) => value.toFixed(1)],
      ["words/s", figures.words_per_second || undefined, inMillions],
      ["learning rate", running ? figures.learning_rate : undefined, (value) => value.toFixed(4)],
      ["passes", figures.passes, (value) => value.toFixed(1)],
      ["so far", running ? figures.seconds : undefined, duration],
      ["took", running ? undefined : figures.seconds, duration],
      ["left", running ? figures.left_seconds : undefined, duration],
    ].filter(([, value]) => value !== undefined && value !== null);
    this.list.replaceChildren();
    for (const [name, value, format] of rows) {
      const cell = added(this.list, "div");
      added(cell, "dt", name);
      added(cell, "dd", format(value));
    }
  }
  // The map, and the neighbors of what is chosen.
  show({ places, neighbors, settled, sum }) {
    const { app } = this, [map] = app.maps;
    const wasInSight = app.highlights.length && map.isInSight(app.highlights[0].id);
    if (places) {
      if (map.places) this.trail = [...this.trail, map.places].slice(-TRAIL);
      map.setPlaces(new Float32Array(bytesOf(places).buffer));
      map.kept = map.labelled;
      document.documentElement.classList.remove("waiting");
    }
    if (neighbors && app.query && sum === app.sum) {
      const lines = () => [...byId("selected").querySelectorAll(".words button")];
      const focused = lines().indexOf(document.activeElement);
      app.present(sum, [neighbors]);
      this.settle(neighbors, settled);
      lines()[focused]?.focus();
    }
    if (wasInSight) app.lookAtHighlights(); // the word that is followed does not leave by itself
    app.paint();
  }
  // A strip behind each neighbor: one cell for each look, filled where the word was among the nearest then.
  settle(neighbors, settled) {
    const sets = settled.map(({ ids }) => new Set(ids));
    const box = byId("selected"), lines = [...box.querySelectorAll(".words button")];
    neighbors.forEach(({ id }, k) => {
      const strip = document.createElement("span");
      strip.className = "strip";
      const width = 100 / sets.length;
      const cells = sets.map((set, at) => {
        const color = set.has(id) ? "var(--accent)" : "var(--line)";
        return `${color} ${at * width}% ${(at + 0.8) * width}%, transparent ${(at + 0.8) * width}% ${(at + 1) * width}%`;
      });
      strip.style.background = `linear-gradient(to right, ${cells.join(", ")})`;
      const number = sets.filter((set) => set.has(id)).length;
      strip.title = `among the ten nearest at ${number} of ${sets.length} looks`;
      lines[k].querySelector(".figure").before(strip);
    });
    if (sets.length < 2) return;
    const before = sets[sets.length - 2];
    const stayed = neighbors.filter(({ id }) => before.has(id)).length;
    const line = document.createElement("p");
    line.className = "soft";
    line.id = "stayed";
    line.textContent = `${stayed} of ${neighbors.length} stayed since the look before. A strip runs from the start to now, and is filled where the word was among the ten nearest.`;
    box.append(line);
  }
  // Where the words that are chosen have come from, or the labelled ones at the last step.
  drawTrails(map) {
    const { context, app: { view, colors, highlights } } = map;
    const all = [...(highlights.length ? this.trail : this.trail.slice(-1)), map.places];
    if (all.length < 2 || (this.isOver && !highlights.length)) return;
    context.save();
    context.globalCompositeOperation = "destination-over";
    context.strokeStyle = colors.accent;
    context.lineWidth = highlights.length ? 1.5 : 1;
    const ids = highlights.length ? highlights.map((item) => item.id) : map.labelled;
    const x = (places, id) => (places[2 * id] - view.x) * view.scale + map.width / 2;
    const y = (places, id) => map.height / 2 - (places[2 * id + 1] - view.y) * view.scale;
    for (let k = 1; k < all.length; k++) {
      context.globalAlpha = (highlights.length ? 0.7 : 0.35) * (k / (all.length - 1)) ** 2;
      context.beginPath();
      for (const id of ids) {
        context.moveTo(x(all[k - 1], id), y(all[k - 1], id));
        context.lineTo(x(all[k], id), y(all[k], id));
      }
      context.stroke();
    }
    context.restore();
  }
}
