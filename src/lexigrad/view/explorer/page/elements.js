// The page's elements: found by their ids, and made.

export const byId = (name) => document.getElementById(name);

// A new element at the end of another.
export function added(parent, tag, text = "", className = "") {
  const element = parent.appendChild(document.createElement(tag));
  element.textContent = text;
  element.className = className;
  return element;
}

export function option(value, text) {
  const item = document.createElement("option");
  item.value = value;
  item.textContent = text;
  return item;
}
