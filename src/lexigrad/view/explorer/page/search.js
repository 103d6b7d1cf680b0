// Words and arithmetic typed as text.

import { byId } from "./elements.js";

const LONGEST_LABEL = 28;

// Terms with their signs. An operator stands between blanks or beside a word, unless that is a word with it: "twenty-one"
// is one word where it is one, and a word may hold blanks. Where the server is asked about words that are not on the map
// (`asks`), any text may be a word: it is a term without an id.
export function parseArithmetic(text, idOf, asks = false) {
  const parts = text.trim().split(/\s+/u).filter(Boolean);
  const plus = [], minus = [], path = [];
  let sign = 1, wanted = true;
  const operator = (part) => (part === "+" ? 1 : /^[-−–]$/u.test(part) ? -1 : 0);
  const term = (word) => {
    const id = idOf(word);
    if (id === undefined && !asks) throw new Error(`“${shown(word, 60)}” is not among the words`);
    if (!wanted) throw new Error(`put + or − before “${shown(word, 60)}”`);
    (sign > 0 ? plus : minus).push(id ?? word);
    path.push({ id, word, sign });
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
    const words = pieces.filter((piece) => !operator(piece));
    if (pieces.length === 1 || (asks && words.length > 1 && words.some((word) => idOf(word) === undefined))) { term(joined); continue; }
    for (const piece of pieces) operator(piece) ? operate(operator(piece)) : term(piece);
  }
  if (!path.length) throw new Error("type a word");
  if (wanted) throw new Error("a word is missing at the end");
  if (path.length > 20) throw new Error("at most 20 words can be added");
  return { plus, minus, path };
}

export function shown(word, most = LONGEST_LABEL) {
  if (word.length <= most) return word || "(empty word)";
  return [...word.slice(0, 2 * most)].slice(0, most).join("") + "…";
}

// Arrows between words: for a − b + c, b → a and c → answer, the two sides of the parallelogram; else from each term on.
export function pathOf(terms, answers) {
  if ([...answers, ...terms.map((term) => term.id)].includes(undefined)) return [];
  const plus = terms.filter((term) => term.sign > 0), minus = terms.filter((term) => term.sign < 0);
  if (plus.length === 2 && minus.length === 1) {
    return [{ from: minus[0].id, to: plus[0].id, kind: "minus" }, { from: plus[1].id, answers, kind: "own" }];
  }
  const steps = [];
  for (let k = 1; k < terms.length; k++) steps.push({ from: terms[k - 1].id, to: terms[k].id, kind: terms[k].sign > 0 ? "plus" : "minus" });
  steps.push({ from: terms[terms.length - 1].id, answers, kind: "own" });
  return steps;
}

// Completion of the last word in the search box.
export class Completion {
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
