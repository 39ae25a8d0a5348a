// Elements from values, never from markup: whatever an alert holds stays text.

export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else element.setAttribute(name, String(value));
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

export const byId = (id) => document.getElementById(id);

const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const dated = new Intl.DateTimeFormat("en-GB", {
  day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", second: "2-digit",
});

export function moment(iso) {
  const at = new Date(iso);
  const today = at.toDateString() === new Date().toDateString();
  return h("time", { datetime: iso, title: iso }, (today ? clock : dated).format(at));
}

export function duration(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, "0")} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}

export const words = (name) => String(name).replaceAll("_", " ");
export const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);
// A probability in words that do not claim more than was measured: never "100 %".
export const chance = (value) => {
  if (!Number.isFinite(value)) return "–";
  if (value > 0.99) return "over 99 %";
  return value < 0.01 ? "under 1 %" : `${Math.round(value * 100)} %`;
};

export const figure = (value) => (Number.isFinite(value) ? value.toFixed(3) : "–");

export function problemText(error) {
  const parts = [error.detail || error.message || "The server does not answer"];
  if (error.got) parts.push(`got: ${error.got}`);
  if (error.allowed) parts.push(`allowed: ${error.allowed}`);
  if (error.next_step) parts.push(error.next_step);
  return parts.join(" · ");
}
