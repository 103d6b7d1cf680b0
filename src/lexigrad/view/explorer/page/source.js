// Where data comes from: the server, or the page itself when it is an exported file.

export class Served {
  async get(path) {
    const response = await fetch(path).catch(() => { throw new Error("lexigrad explore has ended; start it again"); });
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
  news({ plus, minus }, { seen, look, took }) {
    return this.json(`/api/news?plus=${plus.join(",")}&minus=${minus.join(",")}&seen=${seen}&look=${look}&took=${took}`);
  }
  different() { return this.json("/api/different"); }
  places(map, side) { return this.floats(`/api/places?map=${map}&side=${side}`); }
  column(number) { return this.floats(`/api/column?number=${number}`); }
  nearest(plus, minus, n, side) {
    // An id, or ~ and the word where it is not on the map.
    const terms = (all) => encodeURIComponent(all.map((term) => (typeof term === "number" ? term : `~${encodeURIComponent(term)}`)).join(","));
    return this.json(`/api/nearest?plus=${terms(plus)}&minus=${terms(minus)}&n=${n}&side=${side}`);
  }
}

export function bytesOf(text) {
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}

export class Embedded {
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
