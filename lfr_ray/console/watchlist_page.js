// The list in numbers: nobody's name, nobody's picture.

import { h } from "./elements.js";
import { composition } from "./deployment_page.js";
import { t } from "./text.js";

export async function open(body, link) {
  const listed = await link.get("/v1/watchlist");
  body.replaceChildren(composition(listed), h("section", { class: "card", "aria-label": t("watchlist.change") },
    h("h2", {}, t("watchlist.change")), h("p", {}, t("watchlist.how")),
    h("ol", { class: "commands" }, ["check", "import", "report", "approve"].map((name) =>
      h("li", {}, h("span", { class: "mono" }, `lfr watchlist ${name}`), ` ${t(`watchlist.${name}`)}`)))));
}
