// Elements from values, never from markup: whatever an alert holds stays text.

import { locale, t } from "./translation.js";

const SVG = "http://www.w3.org/2000/svg";

function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "onsubmit") element.addEventListener("submit", (event) => { event.preventDefault(); value(event); });
    else if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else element.setAttribute(name, String(value));
  }
  element.append(...children.flat(2).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

export const h = (tag, attributes = {}, ...children) => filled(document.createElement(tag), attributes, children);
export const svg = (tag, attributes = {}, ...children) => filled(document.createElementNS(SVG, tag), attributes, children);
export const byId = (id) => document.getElementById(id);

export function moment(iso, long = false) {
  const at = new Date(iso);
  const today = !long && at.toDateString() === new Date().toDateString();
  const day = today ? {} : { day: "numeric", month: "short" };
  const shown = new Intl.DateTimeFormat(locale, { hour: "2-digit", minute: "2-digit", second: "2-digit", ...day }).format(at);
  return h("time", { datetime: iso, title: iso }, shown);
}

export function duration(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, "0")} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}

export const since = (iso) => (Date.now() - new Date(iso)) / 1000;
export const number = (value, digits = 0) => (Number.isFinite(value)
  ? value.toLocaleString(locale, { maximumFractionDigits: digits }) : "–");

// A probability in words that do not claim more than was measured: never "100 %".
export function chance(value) {
  if (!Number.isFinite(value)) return "–";
  if (value > 0.99) return t("chance.over");
  return value < 0.01 ? t("chance.under") : `${Math.round(value * 100)} %`;
}

export function problemText(error) {
  const parts = [error.detail || error.message || t("link.no_answer")];
  if (error.got) parts.push(`${t("problem.got")}: ${error.got}`);
  if (error.allowed) parts.push(`${t("problem.allowed")}: ${error.allowed}`);
  if (error.next_step) parts.push(error.next_step);
  return parts.join(" · ");
}

// Does what was asked for; where it fails, says why and gives the buttons back. True when it is done.
export async function attempt(fault, work, buttons = []) {
  fault.textContent = "";
  for (const button of buttons) button.disabled = true;
  try {
    await work();
    return true;
  } catch (error) {
    fault.textContent = problemText(error);
    for (const button of buttons) button.disabled = false;
    return false;
  }
}

// Facts as a list of terms: [term, value, small print].
export const facts = (rows, className = "facts") => h("dl", { class: className }, rows.filter(Boolean).map(([name, value, note]) =>
  h("div", {}, h("dt", {}, name), h("dd", {}, value, note ? h("small", {}, note) : null))));

export const card = (title, ...children) => h("section", { class: "card", "aria-label": title }, h("h2", {}, title), ...children);

// A table, which scrolls by itself where it is wider than its place.
export const table = (label, heads, rows) => h("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": label },
  h("table", { class: "table" }, h("thead", {}, h("tr", {}, heads.map((one) => h("th", { scope: "col" }, one)))), rows));

export const caution = (title, ...text) => h("div", { class: "caution", role: "note" },
  h("span", { "aria-hidden": "true" }, "⚠"), h("div", {}, h("b", {}, title), ...text));

// Draws a form anew without losing what somebody is writing in it, or where they are.
export function redraw(root, draw) {
  const kept = new Map();
  for (const field of root.querySelectorAll("textarea[id], input[id], select[id]")) kept.set(field.id, field.value);
  for (const one of root.querySelectorAll("details[id]")) kept.set(one.id, one.open);
  const focused = root.contains(document.activeElement) ? document.activeElement : null;
  const [id, start, end] = [focused?.id, focused?.selectionStart, focused?.selectionEnd];
  draw();
  for (const [name, value] of kept) {
    const field = byId(name);
    if (!field) continue;
    if (typeof value === "boolean") field.open = value;
    else if (field.value !== value && (field.tagName !== "SELECT" || [...field.options].some((one) => one.value === value))) {
      field.value = value;
      field.dispatchEvent(new Event("change"));
    }
  }
  if (!id || !byId(id)) return;
  byId(id).focus({ preventScroll: true });
  if (Number.isInteger(start)) byId(id).setSelectionRange(start, end);
}
