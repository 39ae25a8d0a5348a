// Pages that ask again and again.

import { h, problemText } from "./dom_elements.js";

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
