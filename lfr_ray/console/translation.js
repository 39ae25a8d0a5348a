// Every text by its key, in the officer's language. One file a language; a missing key shows itself.

export const LANGUAGES = { en: "English", de: "Deutsch", fr: "Français" };
const LANGUAGE = "lfr.language";
const LOCALES = { en: "en-GB", de: "de-DE", fr: "fr-FR" };

let texts = {};
export let locale = LOCALES.en;

export function language() {
  const wanted = [localStorage.getItem(LANGUAGE), ...navigator.languages.map((one) => one.slice(0, 2))];
  return wanted.find((one) => one in LANGUAGES) || "en";
}

export function choose(name) {
  localStorage.setItem(LANGUAGE, name);
  window.location.reload();
}

export async function loadTexts() {
  const name = language();
  texts = (await import(`./text/${name}.js`)).default;
  if (name !== "en") await loadMore("server");
  locale = LOCALES[name];
  document.documentElement.lang = locale;
  for (const element of document.querySelectorAll("[data-text]")) element.textContent = t(element.dataset.text);
  for (const element of document.querySelectorAll("[data-label]")) element.setAttribute("aria-label", t(element.dataset.label));
}

// Texts of one page, which no other needs.
export async function loadMore(part) {
  const more = (await import(`./text/${part}_${language()}.js`)).default;
  texts = { ...texts, ...more };
}

// "{count} {count|entry waits|entries wait}": as the language counts.
export const t = (key, values = {}) => (texts[key] ?? key).replace(/\{(\w+)(?:\|([^|}]*)\|([^}]*))?\}/g, (_, name, one, other) =>
  (one === undefined ? values[name] ?? "" : new Intl.PluralRules(locale).select(Number(values[name])) === "one" ? one : other));

export const words = (name) => String(name).replaceAll(/[_-]/g, " ");
const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);

// A word of the records (a decision, a category, an action): translated where it is known, else as it is.
export const named = (kind, value) => texts[`${kind}.${String(value).replaceAll(/[- ]/g, "_")}`] ?? capital(words(value));

// A sentence that the server wrote in English, in the officer's language where its form is known, else as it is.
export function said(sentence) {
  for (const [key, own] of Object.entries(texts)) {
    if (!key.startsWith("said.")) continue;
    const form = key.slice(5).replaceAll(/[.*+?^$()|[\]\\]/g, "\\$&").replaceAll(/\{(\w+)\}/g, "(?<$1>.+)");
    const found = new RegExp(`^${form}$`).exec(sentence);
    if (found) return own.replaceAll(/\{(\w+)\}/g, (_, name) => (name === "why" ? said(found.groups.why) : found.groups[name]));
  }
  return sentence;
}
