// How the scripts of the explorer's page are linted. That each name is exported where it is imported from is a test
// (tests/view/explorer/test_modules.py).

import js from "@eslint/js";

// What the page takes from the browser; a list of all that browsers have would let a forgotten `name` or `event` pass.
const BROWSER = [
  "ResizeObserver", "URLSearchParams", "addEventListener", "atob", "clearTimeout", "document", "fetch", "getComputedStyle",
  "history", "location", "matchMedia", "performance", "requestAnimationFrame", "setTimeout", "window",
];
const MARKUP = ["innerHTML", "outerHTML", "insertAdjacentHTML", "setHTMLUnsafe", "createContextualFragment", "write"];

export default [
  js.configs.recommended,
  {
    languageOptions: {
      ecmaVersion: 2023,
      sourceType: "module",
      globals: Object.fromEntries(BROWSER.map((name) => [name, "readonly"])),
    },
    linterOptions: { reportUnusedDisableDirectives: "error" },
    rules: {
      eqeqeq: "error",
      "no-eval": "error",
      "no-implied-eval": "error",
      "no-new-func": "error",
      "no-restricted-properties": ["error", ...MARKUP.map((property) => ({ property, message: "Words are shown as text, never as markup." }))],
      "no-unused-vars": ["error", { args: "none" }],
      "no-var": "error",
      "prefer-const": ["error", { destructuring: "all" }],
    },
  },
];
