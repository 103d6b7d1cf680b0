// One map: points, and above them labels, what is highlighted and the path.

import { added, byId } from "./elements.js";
import { GlPoints, PlainPoints, hasGraphicsCard } from "./points.js";
import { shown } from "./search.js";

const LABEL_FONT = '13px system-ui, "Segoe UI", "Helvetica Neue", "DejaVu Sans", sans-serif';
const LABELS_TRIED = 30000; // so many words in view, the most frequent ones

export class WordMap {
  constructor(app, side, name) {
    this.app = app;
    this.side = side;
    this.box = document.createElement("div");
    this.box.className = "map";
    this.box.tabIndex = 0;
    this.box.setAttribute("role", "application");
    this.box.setAttribute("aria-label", `Map of ${name}. Arrows move, plus and minus zoom, Enter chooses the word in the middle. The list “Words in view” has the same words.`);
    this.under = this.box.appendChild(document.createElement("canvas"));
    this.over = this.box.appendChild(document.createElement("canvas"));
    this.context = this.over.getContext("2d", { willReadFrequently: !hasGraphicsCard() });
    this.title = added(this.box, "p", name, "name");
    this.title.hidden = app.summary.names.length < 2;
    this.points = hasGraphicsCard() ? new GlPoints(this.under) : new PlainPoints(this.under);
    this.widths = new Float32Array(app.words.length);
    this.labelled = [];
    this.listen();
  }
  setPlaces(places) {
    this.points.places(this.places ?? places, places);
    this.places = places;
  }
  resize() {
    const ratio = window.devicePixelRatio || 1;
    const { clientWidth, clientHeight } = this.box;
    this.width = clientWidth;
    this.height = clientHeight;
    for (const canvas of [this.under, this.over]) {
      canvas.width = Math.max(1, Math.round(clientWidth * ratio));
      canvas.height = Math.max(1, Math.round(clientHeight * ratio));
    }
  }
  // Where the map is covered, so that no label is written there.
  covered() {
    const over = [this.title, ...(this.side ? [] : [byId("zoom")])].filter((element) => !element.hidden);
    return over.map((element) => [element.offsetLeft, element.offsetTop, element.offsetLeft + element.offsetWidth, element.offsetTop + element.offsetHeight]);
  }
  toScreen(id) {
    const { view } = this.app;
    return [(this.places[2 * id] - view.x) * view.scale + this.width / 2, this.height / 2 - (this.places[2 * id + 1] - view.y) * view.scale];
  }
  isInSight(id) {
    const [x, y] = this.toScreen(id);
    return x > 20 && y > 20 && x < this.width - 60 && y < this.height - 20;
  }
  nearestPoint(x, y, within) {
    const { view } = this.app, places = this.places;
    const wx = view.x + (x - this.width / 2) / view.scale, wy = view.y - (y - this.height / 2) / view.scale;
    let best = -1, least = (within / view.scale) ** 2;
    for (let i = 0; i < places.length / 2; i++) {
      const dx = places[2 * i] - wx, dy = places[2 * i + 1] - wy, distance = dx * dx + dy * dy;
      if (distance < least) { least = distance; best = i; }
    }
    return best;
  }
  draw(moved) {
    const { app } = this, zoom = app.view.scale / app.fitScale;
    const crowd = Math.min(1, 3000 / app.words.length);
    const size = Math.min(9, (2.2 + 2.3 * Math.sqrt(crowd)) * Math.max(1, zoom) ** 0.28);
    const dimmed = app.highlights.length > 0;
    this.points.draw(app.view, size, (dimmed ? 0.4 : 0.85) * Math.min(1, 0.75 + 0.25 * crowd), moved);
    const context = this.context, ratio = window.devicePixelRatio || 1;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, this.width, this.height);
    if (moved < 1) return;
    this.grid = new Set();
    this.labelled = [];
    this.drawPath();
    this.drawHighlights();
    this.drawLabels(dimmed);
    app.training?.drawTrails(this);
  }
  widthOf(id) { return (this.widths[id] ||= Math.ceil(this.context.measureText(shown(this.app.words[id])).width)); }
  // A label takes cells of a grid that is fixed to the words, not to the window, so that panning moves labels along.
  cell(x, y) {
    const { view } = this.app;
    return Math.floor((y - view.y * view.scale) / 9) * 1e6 + Math.floor((x + view.x * view.scale) / 10);
  }
  room(x, y, width) {
    const { view } = this.app;
    const left = x + view.x * view.scale, top = y - view.y * view.scale;
    const cells = [];
    for (let row = Math.floor(top / 9); row <= Math.floor((top + 15) / 9); row++) {
      for (let column = Math.floor(left / 10); column <= Math.floor((left + width) / 10); column++) {
        const cell = row * 1e6 + column;
        if (this.grid.has(cell)) return false;
        cells.push(cell);
      }
    }
    for (const cell of cells) this.grid.add(cell);
    return true;
  }
  text(id, x, y, weight, fill) {
    const context = this.context;
    context.font = weight + LABEL_FONT;
    context.lineWidth = 3;
    context.lineJoin = "round";
    context.strokeStyle = this.app.colors.ground;
    context.fillStyle = fill;
    context.textBaseline = "top";
    const text = shown(this.app.words[id]);
    context.strokeText(text, x, y);
    context.fillText(text, x, y);
  }
  drawLabels(dimmed) {
    const { app, places, width, height } = this, { view } = app;
    const most = Math.max(20, Math.round(width * height / (app.training ? 11000 : 5500))); // fewer that move
    this.context.font = LABEL_FONT;
    this.context.globalAlpha = dimmed ? 0.35 : 1;
    const chosen = new Set(app.highlights.map((item) => item.id));
    const count = places.length / 2, first = app.summary.labelled_from ?? 0;
    const taken = this.covered();
    let looked = 0;
    const kept = this.kept ?? []; // labels that stay while words move
    this.kept = undefined;
    for (let k = -kept.length; k < count && this.labelled.length < most && looked < LABELS_TRIED; k++) {
      const id = k < 0 ? kept[k + kept.length] : (first + k) % count;
      let x = (places[2 * id] - view.x) * view.scale + width / 2 + 6;
      if (x < 2 || x > width) continue; // no label is cut off
      const y = height / 2 - (places[2 * id + 1] - view.y) * view.scale - 8;
      if (y < 0 || y > height - 16 || chosen.has(id)) continue;
      looked++;
      if (x + this.widthOf(id) > width - 2) x -= this.widthOf(id) + 12;
      if (this.grid.has(this.cell(x + 2, y + 8))) continue;
      if (taken.some(([left, top, right, bottom]) => x < right && x + this.widthOf(id) > left && y < bottom && y + 16 > top)) continue;
      if (!this.room(x, y, this.widthOf(id))) continue;
      this.labelled.push(id);
      this.text(id, x, y, "", app.colors.ink);
    }
    this.context.globalAlpha = 1;
  }
  drawHighlights() {
    const { app, context } = this;
    for (const item of app.highlights) {
      if (item.side !== undefined && item.side !== this.side) continue;
      const [x, y] = this.toScreen(item.id);
      context.beginPath();
      context.arc(x, y, item.strong ? 7 : 4.5, 0, 2 * Math.PI);
      context.fillStyle = app.colors[item.kind];
      context.fill();
      context.lineWidth = 1.5;
      context.strokeStyle = app.colors.ground;
      context.stroke();
    }
    context.font = "600 " + LABEL_FONT;
    for (const item of app.highlights) {
      if (item.side !== undefined && item.side !== this.side) continue;
      const [x, y] = this.toScreen(item.id);
      const width = context.measureText(shown(app.words[item.id])).width;
      for (const [dx, dy] of [[9, -8], [-width - 9, -8], [-width / 2, -25], [-width / 2, 9], [9, 6], [9, -22]]) {
        if (x + dx < 2 || x + dx + width > this.width - 2 || !this.room(x + dx, y + dy, width)) continue;
        this.text(item.id, x + dx, y + dy, item.strong ? "700 " : "600 ", app.colors[item.kind]);
        break;
      }
    }
  }
  drawPath() {
    const { app, context } = this;
    for (const step of app.path) {
      const [x, y] = this.toScreen(step.from), [u, v] = this.toScreen(step.answers ? step.answers[this.side] : step.to);
      const length = Math.hypot(u - x, v - y);
      if (length < 4) continue;
      const [dx, dy] = [(u - x) / length, (v - y) / length];
      context.strokeStyle = context.fillStyle = app.colors[step.kind];
      context.lineWidth = 2.5;
      context.setLineDash(step.answers ? [7, 5] : []);
      context.beginPath();
      context.moveTo(x, y);
      context.lineTo(u - 12 * dx, v - 12 * dy);
      context.stroke();
      context.setLineDash([]);
      context.beginPath();
      context.moveTo(u - 6 * dx, v - 6 * dy);
      context.lineTo(u - 16 * dx - 5 * dy, v - 16 * dy + 5 * dx);
      context.lineTo(u - 16 * dx + 5 * dy, v - 16 * dy - 5 * dx);
      context.fill();
    }
  }
  listen() {
    const pointers = new Map();
    let start = null, moved = false, spread = 0;
    const at = (event) => { const box = this.box.getBoundingClientRect(); return [event.clientX - box.left, event.clientY - box.top]; };
    const middle = () => { const all = [...pointers.values()]; return [0, 1].map((k) => all.reduce((sum, p) => sum + p[k], 0) / all.length); };
    const apart = () => { const [a, b] = [...pointers.values()]; return b ? Math.hypot(a[0] - b[0], a[1] - b[1]) : 0; };
    this.box.addEventListener("pointerdown", (event) => {
      if (event.button) return;
      this.box.setPointerCapture(event.pointerId);
      pointers.set(event.pointerId, at(event));
      if (pointers.size === 1) moved = false;
      [start, spread] = [middle(), apart()];
    });
    this.box.addEventListener("pointermove", (event) => {
      if (!pointers.has(event.pointerId)) { this.hover(at(event)); return; }
      pointers.set(event.pointerId, at(event));
      const now = middle();
      if (!moved && pointers.size === 1 && Math.hypot(now[0] - start[0], now[1] - start[1]) < 4) return;
      moved = true;
      this.app.pan(now[0] - start[0], now[1] - start[1]);
      if (pointers.size > 1 && spread) this.app.zoom(apart() / spread, now[0] - this.width / 2, now[1] - this.height / 2);
      [start, spread] = [now, apart()];
    });
    const end = (event) => {
      const held = pointers.delete(event.pointerId);
      if (held && !moved && event.type === "pointerup") {
        const id = this.nearestPoint(...at(event), event.pointerType === "touch" ? 22 : 14);
        if (id >= 0) this.app.choose(this.app.words[id]);
      }
      if (pointers.size) [start, spread] = [middle(), apart()];
    };
    this.box.addEventListener("pointerup", end);
    this.box.addEventListener("pointercancel", end);
    this.box.addEventListener("wheel", (event) => {
      event.preventDefault();
      const [x, y] = at(event);
      this.app.zoom(Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.0018)), x - this.width / 2, y - this.height / 2);
    }, { passive: false });
    this.box.addEventListener("dblclick", (event) => { const [x, y] = at(event); this.app.zoom(2, x - this.width / 2, y - this.height / 2); });
    this.box.addEventListener("keydown", (event) => this.key(event));
  }
  hover(point) {
    const id = this.nearestPoint(...point, 10);
    this.box.title = id < 0 ? "" : shown(this.app.words[id], 200);
    this.box.style.cursor = id < 0 ? "" : "pointer";
  }
  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const step = 60;
    const actions = {
      ArrowLeft: () => this.app.pan(step, 0), ArrowRight: () => this.app.pan(-step, 0),
      ArrowUp: () => this.app.pan(0, step), ArrowDown: () => this.app.pan(0, -step),
      "+": () => this.app.zoom(1.3, 0, 0), "=": () => this.app.zoom(1.3, 0, 0), "-": () => this.app.zoom(1 / 1.3, 0, 0),
      0: () => this.app.fit(),
      Enter: () => { const id = this.nearestPoint(this.width / 2, this.height / 2, 1e9); if (id >= 0) this.app.choose(this.app.words[id]); },
    };
    if (!actions[event.key]) return;
    event.preventDefault();
    actions[event.key]();
    if (event.key === "Enter") return;
    const id = this.nearestPoint(this.width / 2, this.height / 2, 1e9);
    if (id >= 0) this.app.say(`in the middle: ${shown(this.app.words[id])}`);
  }
}

// From where to where a map shows an axis: all but the outermost few words, and no island so far off that all else, from
// the 3rd to the 97th of a hundred words, would be small.
function reach(values) {
  const sorted = values.sort(), last = sorted.length - 1;
  const below = (share) => sorted[Math.floor(share * last)], above = (share) => sorted[Math.ceil((1 - share) * last)];
  const middle = (below(0.03) + above(0.03)) / 2, most = 0.8 * (above(0.03) - below(0.03));
  return [Math.max(below(0.002), middle - most), Math.min(above(0.002), middle + most)];
}

// Maps of any size reach from −1 to 1 along their longer axis; all sides are moved alike. Returns how far along each.
export function normalize(sides) {
  const bounds = [0, 1].map((k) => reach(sides[0].filter((_, i) => i % 2 === k)));
  const half = Math.max(...bounds.map(([low, high]) => high - low)) / 2 || 1;
  for (const places of sides) {
    for (let i = 0; i < places.length; i++) places[i] = (places[i] - (bounds[i % 2][0] + bounds[i % 2][1]) / 2) / half;
  }
  return bounds.map(([low, high]) => Math.max(0.05, (high - low) / 2 / half));
}
