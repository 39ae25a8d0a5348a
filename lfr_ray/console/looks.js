// Rates from totals, and pages that look again and again.

import { h, problemText } from "./elements.js";

// Faces an hour over the last minutes, from two looks at the totals.
export class Footfall {
  constructor() {
    this.looks = [];
  }

  note(cameras, now = Date.now()) {
    const faces = Object.values(cameras).reduce((sum, one) => sum + one.faces_seen, 0);
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
