// The site's counters, as Prometheus reads them: name, labels, value.

import { h, problemText } from "./elements.js";

const LINE = /^lfr_(\w+?)(?:\{(.*)\})? (\S+)$/;

export async function readMetrics(link) {
  const text = await (await link.fetch("/metrics")).text();
  const found = [];
  for (const line of text.split("\n")) {
    const parts = LINE.exec(line);
    if (!parts) continue;
    const labels = Object.fromEntries([...(parts[2] || "").matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, name, value]) => [name, value]));
    found.push({ name: parts[1], labels, value: Number(parts[3]) });
  }
  return found;
}

export const valueOf = (metrics, name, labels = {}) => metrics.find((one) => one.name === name &&
  Object.entries(labels).every(([label, value]) => one.labels[label] === value))?.value;

// Faces an hour over the last minutes, from two looks at the totals.
export class Footfall {
  constructor() {
    this.looks = [];
  }

  note(metrics, now = Date.now()) {
    const faces = metrics.filter((one) => one.name === "faces_seen_total").reduce((sum, one) => sum + one.value, 0);
    this.looks = [...this.looks.filter((one) => now - one.at < 600_000), { at: now, faces }];
    const [first, last] = [this.looks[0], this.looks.at(-1)];
    return last.at - first.at < 10_000 ? null : Math.max(0, (last.faces - first.faces) / (last.at - first.at) * 3_600_000);
  }
}

// Calls again and again until it is closed; a page that is left asks for nothing more. Where nothing is shown yet it
// says why.
export function repeat(work, every_ms, body = null) {
  let timer = 0;
  let open = true;
  const turn = async () => {
    try {
      await work();
      body?.querySelector(":scope > .fault")?.remove();
    } catch (error) {
      if (body && !body.childElementCount) body.append(h("p", { class: "fault", role: "alert" }, problemText(error)));
    }
    if (open) timer = setTimeout(turn, every_ms);
  };
  const first = turn();
  return { first, close() { open = false; clearTimeout(timer); } };
}
