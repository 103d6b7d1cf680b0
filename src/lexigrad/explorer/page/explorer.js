// The explorer's page. Plain JavaScript: nothing is built, nothing is loaded from elsewhere. Words come from anywhere,
// so they reach the page by textContent and by canvas only, never as markup.
"use strict";

const byId = (name) => document.getElementById(name);
const CATEGORIES = {
  light: ["#1f6fc2", "#c4560f", "#1b7f55", "#a348c1", "#c93a52", "#7d6e00", "#0f7f8c", "#8a4a2b", "#5b57c9", "#4e7a1f", "#b0397f", "#6a7480"],
  dark: ["#68aef7", "#ff9d5c", "#4fcf98", "#d793ee", "#ff8095", "#d6c24a", "#54cbd8", "#d19a7c", "#a19dff", "#9fcf66", "#f48bc6", "#a5afb9"],
};
const RAMPS = { // rare to frequent; each end stands out from its ground
  light: [[176, 190, 206], [74, 130, 190], [12, 44, 110]],
  dark: [[62, 74, 96], [84, 150, 216], [230, 244, 255]],
};
const MISSING = { light: [200, 204, 208], dark: [70, 76, 84] };
const NEIGHBORS = 20;
const LABEL_FONT = '13px system-ui, "Segoe UI", "Helvetica Neue", "DejaVu Sans", sans-serif';
const LONGEST_LABEL = 28;
const LABELS_TRIED = 30000; // so many words in view, the most frequent ones

// ---- Where data comes from: the server, or the page itself when it is an exported file. ----

class Served {
  async get(path) {
    const response = await fetch(path);
    if (!response.ok) {
      const answer = await response.json().catch(() => ({}));
      throw new Error(answer.error || `the server answered ${response.status}`);
    }
    return response;
  }
  async json(path) { return (await this.get(path)).json(); }
  async floats(path) { return new Float32Array(await (await this.get(path)).arrayBuffer()); }
  summary() { return this.json("/api/summary"); }
  words() { return this.json("/api/words"); }
  status() { return this.json("/api/status"); }
  different() { return this.json("/api/different"); }
  places(map, side) { return this.floats(`/api/places?map=${map}&side=${side}`); }
  column(number) { return this.floats(`/api/column?number=${number}`); }
  nearest(plus, minus, n, side) {
    return this.json(`/api/nearest?plus=${plus.join(",")}&minus=${minus.join(",")}&n=${n}&side=${side}`);
  }
}

function bytesOf(text) {
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}

class Embedded {
  constructor(data) { this.data = data; this.units = data.vectors.map((text) => new Int8Array(bytesOf(text).buffer)); }
  async summary() { return this.data.summary; }
  async words() { return this.data.words; }
  async status() { return this.data.summary; }
  async different() { return this.data.different; }
  async places(map, side) { return new Float32Array(bytesOf(this.data.places[map][side]).buffer); }
  async column(number) { return new Float32Array(bytesOf(this.data.columns[number]).buffer); }
  // Rows are unit vectors in 8 bits, each scaled by its own largest number: cosines are good to about 0.01.
  async nearest(plus, minus, n, side) {
    const units = this.units[side];
    const dim = this.data.summary.dim[side];
    const rows = this.data.words.length;
    this.lengths ??= [];
    const lengths = (this.lengths[side] ??= rowLengths(units, rows, dim));
    const query = new Float32Array(dim);
    for (const [ids, sign] of [[plus, 1], [minus, -1]]) {
      for (const id of ids) for (let k = 0; k < dim; k++) query[k] += sign * units[id * dim + k] / (lengths[id] || 1);
    }
    const size = Math.hypot(...query) || 1;
    const given = new Set([...plus, ...minus]);
    const best = [];
    for (let row = 0, at = 0; row < rows; row++, at += dim) {
      let sum = 0;
      for (let k = 0; k < dim; k++) sum += query[k] * units[at + k];
      const cosine = sum / ((lengths[row] || 1) * size);
      if (best.length === n && cosine <= best[n - 1].cosine) continue;
      if (given.has(row)) continue;
      let place = best.length;
      while (place > 0 && best[place - 1].cosine < cosine) place--;
      best.splice(place, 0, { id: row, cosine });
      if (best.length > n) best.pop();
    }
    return best;
  }
}

function rowLengths(units, rows, dim) {
  const lengths = new Float32Array(rows);
  for (let row = 0; row < rows; row++) {
    let sum = 0;
    for (let at = row * dim; at < (row + 1) * dim; at++) sum += units[at] * units[at];
    lengths[row] = Math.sqrt(sum);
  }
  return lengths;
}

// ---- Arithmetic typed as text. ----

// Terms with their signs. An operator stands between blanks or beside a word, unless that is a word with it: "twenty-one"
// is one word where it is one, and a word may hold blanks.
function parseArithmetic(text, idOf) {
  const parts = text.trim().split(/\s+/u).filter(Boolean);
  const plus = [], minus = [], path = [];
  let sign = 1, wanted = true;
  const operator = (part) => (part === "+" ? 1 : /^[-−–]$/u.test(part) ? -1 : 0);
  const term = (word) => {
    const id = idOf(word);
    if (id === undefined) throw new Error(`“${shown(word, 60)}” is not among the words`);
    if (!wanted) throw new Error(`put + or − before “${shown(word, 60)}”`);
    (sign > 0 ? plus : minus).push(id);
    path.push({ id, sign });
    sign = 1;
    wanted = false;
  };
  const operate = (value) => { sign = wanted ? sign * value : value; wanted = true; };
  for (let i = 0; i < parts.length; i++) {
    let end = Math.min(parts.length, i + 6);
    while (end > i + 1 && idOf(parts.slice(i, end).join(" ")) === undefined) end--;
    const joined = parts.slice(i, end).join(" ");
    if (end > i + 1) { term(joined); i = end - 1; continue; }
    if (operator(joined) && !(parts.length === 1 && idOf(joined) !== undefined)) { operate(operator(joined)); continue; }
    if (idOf(joined) !== undefined) { term(joined); continue; }
    const pieces = joined.split(/([-+−–])/u).filter(Boolean);
    if (pieces.length === 1) { term(joined); continue; }
    for (const piece of pieces) operator(piece) ? operate(operator(piece)) : term(piece);
  }
  if (!path.length) throw new Error("type a word");
  if (wanted) throw new Error("a word is missing at the end");
  if (path.length > 20) throw new Error("at most 20 words can be added");
  return { plus, minus, path };
}

function shown(word, most = LONGEST_LABEL) {
  if (word.length <= most) return word || "(empty word)";
  return [...word.slice(0, 2 * most)].slice(0, most).join("") + "…";
}

// ---- Colors ----

const rgb = (hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
const css = (color) => `rgb(${color.join(",")})`;

function onRamp(ramp, share) {
  const at = Math.min(Math.max(share, 0), 1) * (ramp.length - 1);
  const low = Math.min(Math.floor(at), ramp.length - 2);
  return ramp[low].map((value, k) => Math.round(value + (at - low) * (ramp[low + 1][k] - value)));
}

function range(values) {
  const known = values.filter(Number.isFinite).sort();
  if (!known.length) return [0, 1];
  const [low, high] = [known[Math.floor(0.01 * known.length)], known[Math.floor(0.999 * (known.length - 1))]];
  return low < high ? [low, high] : [low - 0.5, low + 0.5];
}

function colorsOf(values, labels, theme) {
  const bytes = new Uint8Array(4 * values.length);
  const palette = CATEGORIES[theme].map(rgb);
  const [low, high] = labels ? [0, 1] : range(values);
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    const color = !Number.isFinite(value) ? MISSING[theme] : labels ? palette[value % palette.length] : onRamp(RAMPS[theme], (value - low) / (high - low));
    bytes.set(color, 4 * i);
    bytes[4 * i + 3] = 255;
  }
  return bytes;
}

// ---- Points: WebGL 2, or a plain canvas where there is none or no graphics card. ----

const VERTEX = `#version 300 es
in vec2 place; in vec2 before; in vec4 color; uniform vec2 scale; uniform vec2 shift; uniform float size; uniform float moved; out vec4 shade;
void main() { gl_Position = vec4(mix(before, place, moved) * scale + shift, 0.0, 1.0); gl_PointSize = size; shade = color; }`;
const FRAGMENT = `#version 300 es
precision mediump float; in vec4 shade; uniform float alpha; out vec4 result;
void main() { vec2 d = gl_PointCoord - 0.5; if (dot(d, d) > 0.25) discard; result = vec4(shade.rgb * alpha, alpha); }`;

// Whether WebGL 2 is there and not emulated; failIfMajorPerformanceCaveat, meant for that, lets SwiftShader pass.
function hasGraphicsCard() {
  if (!hasGraphicsCard.known) {
    const gl = document.createElement("canvas").getContext("webgl2", { failIfMajorPerformanceCaveat: true });
    const named = gl?.getExtension("WEBGL_debug_renderer_info");
    const renderer = gl ? String(gl.getParameter(named ? named.UNMASKED_RENDERER_WEBGL : gl.RENDERER)) : "none";
    hasGraphicsCard.known = { answer: Boolean(gl) && !/swiftshader|llvmpipe|softpipe|software|basic render/i.test(renderer), renderer };
    gl?.getExtension("WEBGL_lose_context")?.loseContext();
  }
  return hasGraphicsCard.known.answer;
}

class GlPoints {
  constructor(canvas) {
    const gl = canvas.getContext("webgl2", { antialias: false });
    if (!gl) throw new Error("no WebGL 2");
    this.gl = gl;
    this.canvas = canvas;
    this.program = gl.createProgram();
    for (const [kind, source] of [[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, FRAGMENT]]) {
      const shader = gl.createShader(kind);
      gl.shaderSource(shader, source);
      gl.compileShader(shader);
      gl.attachShader(this.program, shader);
    }
    gl.linkProgram(this.program);
    if (!gl.getProgramParameter(this.program, gl.LINK_STATUS)) throw new Error(gl.getProgramInfoLog(this.program));
    gl.useProgram(this.program);
    gl.enable(gl.BLEND);
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
    this.buffers = {};
    this.uniforms = Object.fromEntries(["scale", "shift", "size", "moved", "alpha"].map((name) => [name, gl.getUniformLocation(this.program, name)]));
  }
  set(name, data, parts, type, normalized) {
    const gl = this.gl;
    const buffer = (this.buffers[name] ??= gl.createBuffer());
    const at = gl.getAttribLocation(this.program, name);
    gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
    gl.bufferData(gl.ARRAY_BUFFER, data, gl.STATIC_DRAW);
    gl.enableVertexAttribArray(at);
    gl.vertexAttribPointer(at, parts, type, normalized, 0, 0);
  }
  places(before, after) {
    this.count = after.length / 2;
    this.set("before", before, 2, this.gl.FLOAT, false);
    this.set("place", after, 2, this.gl.FLOAT, false);
  }
  colors(bytes) { this.set("color", bytes, 4, this.gl.UNSIGNED_BYTE, true); }
  draw(view, size, alpha, moved) {
    const gl = this.gl, { width, height } = this.canvas, ratio = window.devicePixelRatio || 1;
    gl.viewport(0, 0, width, height);
    gl.clearColor(0, 0, 0, 0);
    gl.clear(gl.COLOR_BUFFER_BIT);
    const sx = 2 * view.scale * ratio / width, sy = 2 * view.scale * ratio / height;
    gl.uniform2f(this.uniforms.scale, sx, sy);
    gl.uniform2f(this.uniforms.shift, -view.x * sx, -view.y * sy);
    gl.uniform1f(this.uniforms.size, size * ratio);
    gl.uniform1f(this.uniforms.moved, moved);
    gl.uniform1f(this.uniforms.alpha, alpha);
    gl.drawArrays(gl.POINTS, 0, this.count);
  }
}

// Writes pixels itself: without a graphics card that is several times as fast as WebGL, which then is emulated.
class PlainPoints {
  constructor(canvas) { this.canvas = canvas; this.context = canvas.getContext("2d", { willReadFrequently: true }); }
  places(before, after) { this.after = after; }
  colors(bytes) { this.bytes = bytes; this.mixed = null; }
  // Colors with their alpha, as the machine's own 32-bit numbers.
  mix(alpha) {
    if (this.mixed && this.alpha === alpha) return this.mixed;
    const bytes = this.bytes.slice();
    for (let i = 3; i < bytes.length; i += 4) bytes[i] = Math.round(255 * alpha);
    this.alpha = alpha;
    return (this.mixed = new Uint32Array(bytes.buffer));
  }
  draw(view, size, alpha) {
    const { context, canvas: { width, height }, after } = this, ratio = window.devicePixelRatio || 1;
    if (this.image?.width !== width || this.image?.height !== height) {
      this.image = context.createImageData(width, height);
      this.pixels = new Uint32Array(this.image.data.buffer);
    }
    const { pixels } = this, colors = this.mix(alpha), side = Math.max(1, Math.round(size * ratio * 0.9)), cut = side > 3 ? 1 : 0;
    const scale = view.scale * ratio, right = width / 2 - view.x * scale - side / 2, down = height / 2 + view.y * scale - side / 2;
    pixels.fill(0);
    for (let i = colors.length - 1; i >= 0; i--) { // the most frequent words last, on top
      const x = (after[2 * i] * scale + right) | 0, y = (down - after[2 * i + 1] * scale) | 0, color = colors[i];
      if (x <= 0 || y <= 0 || x >= width - side || y >= height - side) continue;
      for (let row = 0; row < side; row++) {
        const inset = row === 0 || row === side - 1 ? cut : 0, start = (y + row) * width + x;
        for (let at = start + inset; at < start + side - inset; at++) pixels[at] = color;
      }
    }
    context.putImageData(this.image, 0, 0);
  }
}

// ---- One map: points, and above them labels, what is highlighted and the path. ----

class WordMap {
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
    const title = this.box.appendChild(document.createElement("p"));
    title.className = "name";
    title.textContent = name;
    title.hidden = app.summary.names.length < 2;
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
  toScreen(id) {
    const { view } = this.app;
    return [(this.places[2 * id] - view.x) * view.scale + this.width / 2, this.height / 2 - (this.places[2 * id + 1] - view.y) * view.scale];
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
    const most = Math.max(20, Math.round(width * height / 5500));
    this.context.font = LABEL_FONT;
    this.context.globalAlpha = dimmed ? 0.35 : 1;
    const chosen = new Set(app.highlights.map((item) => item.id));
    let looked = 0;
    for (let id = 0; id < places.length / 2 && this.labelled.length < most && looked < LABELS_TRIED; id++) {
      const x = (places[2 * id] - view.x) * view.scale + width / 2 + 6;
      if (x < -120 || x > width) continue;
      const y = height / 2 - (places[2 * id + 1] - view.y) * view.scale - 8;
      if (y < -16 || y > height || chosen.has(id)) continue;
      looked++;
      if (this.grid.has(this.cell(x + 2, y + 8))) continue;
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
  }
}

// ---- The page ----

class Explorer {
  constructor(source) {
    this.source = source;
    this.view = { x: 0, y: 0, scale: 1 };
    this.highlights = [];
    this.path = [];
    this.moved = 1;
    this.query = "";
    this.asked = 0;
    this.theme = "";
    this.drawn = 0;
  }
  async start() {
    const [summary, words] = await Promise.all([this.source.summary(), this.source.words()]);
    Object.assign(this, { summary, words });
    this.ids = new Map(words.map((word, id) => [word, id]));
    byId("title").textContent = summary.names.join(" | ");
    document.title = `${summary.names.join(" | ")} – lexigrad`;
    document.querySelector("main").classList.toggle("two", summary.names.length > 1);
    this.maps = summary.names.map((name, side) => new WordMap(this, side, name));
    byId("maps").append(...this.maps.map((map) => map.box));
    this.listMaps();
    byId("color").replaceChildren(...summary.columns.map((column, number) => option(String(number), column.name)));
    this.about();
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
    else this.showNothing();
    document.documentElement.dataset.ready = "true";
    this.wait();
  }
  about() {
    const { summary } = this;
    const left = summary.left_out.some((count) => count) ? ` Words that not all files have are left out: ${summary.left_out.map((count) => count.toLocaleString("en")).join(", ")}.` : "";
    const trainings = summary.trainings ? ` Neighbors are those of ${summary.trainings} trainings together.` : "";
    const note = summary.exported ? " Neighbors are found in this page, among vectors in 8 bits a number: their cosines are good to about 0.01." : "";
    byId("about").textContent = `${summary.words.toLocaleString("en")} words, ${summary.dim.join(" and ")} dimensions.${left}${trainings}${note}`;
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
    normalize(all);
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
    const { labels, name } = this.summary.columns[this.column];
    const bytes = colorsOf(this.values, labels, theme);
    for (const map of this.maps) map.points.colors(bytes);
    this.showLegend(name, labels, theme);
    this.paint();
  }
  showLegend(name, labels, theme) {
    const list = byId("legend").querySelector("ul");
    list.replaceChildren();
    if (labels) {
      labels.forEach((label, k) => {
        const item = list.appendChild(document.createElement("li"));
        item.appendChild(document.createElement("i")).style.background = CATEGORIES[theme][k % 12];
        item.appendChild(document.createElement("bdi")).textContent = label;
      });
      return;
    }
    const bar = list.appendChild(document.createElement("li")).appendChild(document.createElement("div"));
    bar.className = "ramp";
    bar.style.background = `linear-gradient(to right, ${RAMPS[theme].map(css).join(",")})`;
    const ends = list.appendChild(document.createElement("li"));
    ends.className = "ends";
    const [low, high] = range(this.values);
    const figures = name === "frequency" ? [low, high].map((value) => Math.round(10 ** value).toLocaleString("en")) : name === "rank" ? ["rare", "frequent"] : [low, high].map((value) => value.toPrecision(3));
    for (const text of figures) ends.appendChild(document.createElement("span")).textContent = text;
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
      if (!this.maps[0].places || !this.fitScale) return;
      for (const map of this.maps) map.draw(this.moved);
      if (!this.drawn++) performance.mark("first map");
      clearTimeout(this.listing);
      this.listing = setTimeout(() => this.listView(), 250);
    });
  }
  listView() {
    if (!byId("inview").open) return;
    const ids = this.maps[0].labelled.slice(0, 60);
    byId("inview").querySelector("ol").replaceChildren(...ids.map((id) => this.item({ id })));
    byId("inview").querySelector("ol").className = "words";
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
      await new Promise((done) => setTimeout(done, 1500));
      let status;
      try { status = await this.source.status(); } catch { return; } // the server has ended: the page goes on without
      const news = status.maps.filter((name) => !this.summary.maps.includes(name));
      Object.assign(this.summary, status);
      this.listMaps();
      if (status.failure) this.tell(`The other map could not be made: ${status.failure}`);
      if (!this.query) this.showNothing();
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
      sum = whole === undefined ? parseArithmetic(text, (word) => this.ids.get(word) ?? this.ids.get(word.toLowerCase())) : { plus: [whole], minus: [], path: [{ id: whole, sign: 1 }] };
    } catch (error) { this.tell(error.message); return; }
    let found;
    try {
      found = await Promise.all(this.maps.map((map) => this.source.nearest(sum.plus, sum.minus, NEIGHBORS, map.side)));
    } catch (error) { this.tell(`No answer: ${error.message}`); return; }
    if (turn !== this.asked) return; // something else was asked meanwhile
    this.tell("");
    this.query = text;
    byId("query").value = text;
    this.show(sum, found);
    this.lookAtHighlights();
    this.paint();
    this.record(record);
    const first = found[0][0];
    this.say(first ? `${found[0].length} nearest words; first ${shown(this.words[first.id])}, cosine ${first.cosine.toFixed(2)}` : "no nearest words");
  }
  show(sum, found) {
    const one = sum.path.length === 1 && sum.plus.length === 1;
    const sets = found.map((items) => new Set(items.map((item) => item.id)));
    const shared = (id) => sets.every((set) => set.has(id));
    const two = found.length > 1;
    this.highlights = [];
    for (const term of sum.path) this.highlights.push({ id: term.id, kind: term.sign > 0 ? "plus" : "minus", strong: true });
    found.forEach((items, side) => items.forEach((item, k) => {
      const isAnswer = !one && k === 0;
      this.highlights.push({ id: item.id, side: two ? side : undefined, strong: isAnswer, kind: isAnswer || (two && !shared(item.id)) ? "own" : two ? "shared" : "accent" });
    }));
    this.highlights = this.highlights.filter((item, k, all) => all.findIndex((other) => other.id === item.id && (other.side === undefined || other.side === item.side)) === k);
    this.path = one ? [] : pathOf(sum.path, found.map((items) => items[0]?.id));
    const box = byId("selected");
    box.replaceChildren();
    const title = box.appendChild(document.createElement("h2"));
    sum.path.forEach((term, k) => {
      if (k || term.sign < 0) title.append(term.sign < 0 ? (k ? " − " : "−") : " + ");
      title.appendChild(document.createElement("bdi")).textContent = this.words[term.id];
    });
    const about = box.appendChild(document.createElement("p"));
    about.className = "soft";
    about.textContent = one ? this.facts(sum.path[0].id) : "Unit vectors added and subtracted; the words given are left out.";
    if (two) {
      const common = [...sets[0]].filter(shared).length;
      const line = box.appendChild(document.createElement("p"));
      line.className = "soft";
      line.id = "overlap";
      line.textContent = `${common} of ${found[0].length} nearest words are the same; ◆ marks those that one side has alone.`;
    }
    const columns = box.appendChild(document.createElement("div"));
    columns.className = two ? "columns" : "";
    found.forEach((items, side) => {
      const part = columns.appendChild(document.createElement("div"));
      part.appendChild(document.createElement("h3")).textContent = two ? this.summary.names[side] : "Nearest words, cosine";
      const list = part.appendChild(document.createElement("ol"));
      list.className = "words";
      list.append(...items.map((item, k) => this.item(item, { own: two && !shared(item.id), answer: !one && k === 0 })));
    });
  }
  facts(id) {
    const { counts } = this.summary;
    const rank = `word ${(id + 1).toLocaleString("en")} of ${this.words.length.toLocaleString("en")}`;
    return counts ? `${rank}, occurs ${counts[id].toLocaleString("en")} times` : rank;
  }
  item(found, { own = false, answer = false } = {}) {
    const line = document.createElement("li");
    line.classList.toggle("own", own);
    line.classList.toggle("answer", answer);
    const button = line.appendChild(document.createElement("button"));
    button.type = "button";
    const word = this.words[found.id];
    button.appendChild(document.createElement("bdi")).textContent = shown(word, 200);
    if (found.cosine !== undefined) {
      const figure = button.appendChild(document.createElement("span"));
      figure.className = "figure";
      figure.textContent = found.cosine.toFixed(3) + (found.agree === undefined ? "" : `  ${found.agree}/${this.summary.trainings}`);
      if (found.agree !== undefined) figure.title = `among the nearest in ${found.agree} of ${this.summary.trainings} trainings`;
      const bar = button.appendChild(document.createElement("span"));
      bar.className = "bar";
      bar.style.width = `${100 * Math.max(0, Math.min(1, found.cosine))}%`;
    } else if (found.shared !== undefined) {
      const figure = button.appendChild(document.createElement("span"));
      figure.className = "figure";
      figure.textContent = `${Math.round(100 * found.shared)} %`;
    }
    button.addEventListener("click", () => this.choose(word));
    return line;
  }
  async showNothing() {
    const box = byId("selected");
    box.replaceChildren();
    const line = box.appendChild(document.createElement("p"));
    line.textContent = "Click a word, or type one above. Words can be added and subtracted: king − man + woman.";
    if (this.summary.names.length < 2) return;
    const different = await this.source.different();
    if (this.query) return;
    box.appendChild(document.createElement("h3")).textContent = different ? "Frequent words with the fewest nearest words in common" : "Comparing the neighbors of frequent words…";
    const list = box.appendChild(document.createElement("ol"));
    list.className = "words";
    list.append(...(different ?? []).slice(0, 40).map((item) => this.item(item)));
  }
  clear() {
    this.asked++;
    this.query = "";
    this.highlights = [];
    this.path = [];
    byId("query").value = "";
    this.tell("");
    this.showNothing();
    this.paint();
    this.record(true);
    this.say("no word is chosen");
  }
  // Keep what is highlighted in sight: move only when the word itself, or all of its neighbors, are outside.
  lookAtHighlights() {
    const map = this.maps[0];
    if (!this.highlights.length || !map.places) return;
    const inside = (item) => { const [x, y] = map.toScreen(item.id); return x > 20 && y > 20 && x < map.width - 60 && y < map.height - 20; };
    const strong = this.highlights.filter((item) => item.strong && !item.side);
    if (strong.every(inside)) return;
    const xs = strong.map((item) => map.places[2 * item.id]), ys = strong.map((item) => map.places[2 * item.id + 1]);
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
    else if (!asked.query && this.query) { this.query = ""; this.highlights = []; this.path = []; byId("query").value = ""; this.showNothing(); }
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
    const { width, height } = this.maps[0], before = this.fitScale;
    this.fitScale = Math.max(10, 0.46 * Math.min(width, height));
    if (before) this.view.scale *= this.fitScale / before;
    this.paint();
  }

  listen() {
    new ResizeObserver(() => this.resize()).observe(byId("maps"));
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.setTheme(this.theme));
    byId("theme").addEventListener("click", () => { this.setTheme(this.shownTheme() === "dark" ? "light" : "dark"); this.record(); });
    byId("map").addEventListener("change", () => { this.wants = byId("map").value; this.swap(this.wants); });
    byId("color").addEventListener("change", () => this.color(byId("color").value).then(() => this.record()));
    byId("inview").addEventListener("toggle", () => this.listView());
    addEventListener("popstate", () => this.follow());
    addEventListener("keydown", (event) => {
      if (event.key === "/" && !/^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName)) { event.preventDefault(); byId("query").focus(); }
      if (event.key === "Escape" && !event.defaultPrevented) this.clear();
    });
    byId("panel").addEventListener("keydown", (event) => {
      if (!["ArrowDown", "ArrowUp"].includes(event.key) || event.target.parentElement?.parentElement?.className !== "words") return;
      event.preventDefault();
      const line = event.target.parentElement;
      (event.key === "ArrowDown" ? line.nextElementSibling : line.previousElementSibling)?.firstElementChild.focus();
    });
    new Completion(this);
  }
}

// Arrows between words: for a − b + c, b → a and c → answer, the two sides of the parallelogram; else from each term on.
function pathOf(terms, answers) {
  if (answers.some((id) => id === undefined)) return [];
  const plus = terms.filter((term) => term.sign > 0), minus = terms.filter((term) => term.sign < 0);
  if (plus.length === 2 && minus.length === 1) {
    return [{ from: minus[0].id, to: plus[0].id, kind: "minus" }, { from: plus[1].id, answers, kind: "own" }];
  }
  const steps = [];
  for (let k = 1; k < terms.length; k++) steps.push({ from: terms[k - 1].id, to: terms[k].id, kind: terms[k].sign > 0 ? "plus" : "minus" });
  steps.push({ from: terms[terms.length - 1].id, answers, kind: "own" });
  return steps;
}

// Maps of any size fill the same square from −1 to 1, but for the outermost few words; all sides are moved alike.
function normalize(sides) {
  const bounds = [0, 1].map((k) => {
    const values = sides[0].filter((_, i) => i % 2 === k).sort();
    return [values[Math.floor(0.002 * values.length)], values[Math.ceil(0.998 * (values.length - 1))]];
  });
  const half = Math.max(...bounds.map(([low, high]) => high - low)) / 2 || 1;
  for (const places of sides) {
    for (let i = 0; i < places.length; i++) places[i] = (places[i] - (bounds[i % 2][0] + bounds[i % 2][1]) / 2) / half;
  }
}

function option(value, text) {
  const item = document.createElement("option");
  item.value = value;
  item.textContent = text;
  return item;
}

// Completion of the last word in the search box.
class Completion {
  constructor(app) {
    Object.assign(this, { app, input: byId("query"), list: byId("completions"), items: [], active: -1 });
    this.folded = null;
    this.input.addEventListener("input", () => this.update());
    this.input.addEventListener("focus", () => this.input.select());
    this.input.addEventListener("blur", () => this.close());
    this.input.addEventListener("keydown", (event) => this.key(event));
    byId("search").addEventListener("submit", (event) => { event.preventDefault(); this.submit(); });
    this.list.addEventListener("pointerdown", (event) => {
      event.preventDefault(); // the box keeps the focus
      const item = event.target.closest("li");
      if (item) this.take([...this.list.children].indexOf(item));
    });
  }
  // What stands before the last term, and that term.
  split() {
    const [, before, last] = /^(.*?(?:^|\s[-+−–]\s+|\+\s*))([^+]*)$/su.exec(this.input.value) ?? [null, "", this.input.value];
    const cut = last.search(/\s[-−–]\s+(?=[^]*$)/u);
    if (cut < 0) return [before, last.trimStart()];
    const rest = last.slice(cut).replace(/^\s[-−–]\s+/u, "");
    return [this.input.value.slice(0, this.input.value.length - rest.length), rest];
  }
  update() {
    const { words } = this.app;
    this.folded ??= words.map((word) => word.slice(0, 200).toLowerCase());
    const wanted = this.split()[1].toLowerCase();
    const starts = [], holds = [];
    if (wanted) {
      for (let id = 0; id < words.length && starts.length < 12; id++) {
        const at = this.folded[id].indexOf(wanted);
        if (at === 0) starts.push(id); else if (at > 0 && holds.length < 12) holds.push(id);
      }
    }
    this.items = [...starts, ...holds].slice(0, 12);
    this.active = -1;
    this.list.replaceChildren(...this.items.map((id, k) => {
      const item = document.createElement("li");
      item.id = `completion-${k}`;
      item.setAttribute("role", "option");
      item.appendChild(document.createElement("bdi")).textContent = shown(words[id], 80);
      return item;
    }));
    this.list.hidden = !this.items.length;
    this.mark();
  }
  mark() {
    this.input.setAttribute("aria-expanded", String(!this.list.hidden));
    [...this.list.children].forEach((item, k) => item.setAttribute("aria-selected", String(k === this.active)));
    if (this.active >= 0) this.input.setAttribute("aria-activedescendant", `completion-${this.active}`);
    else this.input.removeAttribute("aria-activedescendant");
  }
  close() { this.list.hidden = true; this.active = -1; this.mark(); }
  take(k) {
    const [before] = this.split();
    this.input.value = before + this.app.words[this.items[k]];
    this.submit();
  }
  submit() { this.close(); if (this.input.value.trim()) this.app.ask(this.input.value); }
  key(event) {
    const count = this.list.hidden ? 0 : this.items.length;
    if (count && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
      event.preventDefault();
      this.active = (this.active + (event.key === "ArrowDown" ? 1 : this.active < 0 ? 0 : -1) + count) % count;
      this.mark();
    } else if (event.key === "Enter" && this.active >= 0) {
      event.preventDefault();
      this.take(this.active);
    } else if (event.key === "Escape" && count) {
      event.preventDefault();
      this.close();
    }
  }
}

const embedded = byId("data");
const explorer = new Explorer(embedded ? new Embedded(JSON.parse(embedded.textContent)) : new Served());
explorer.start().catch((error) => explorer.tell(`The page could not be shown: ${error.message}`));
