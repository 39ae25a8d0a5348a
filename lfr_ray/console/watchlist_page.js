// The list in numbers, for everybody; entry by entry for those who look after it, or account for it.

import { composition } from "./deployment_page.js";
import { h } from "./dom_elements.js";
import { handover } from "./signed_elsewhere.js";
import { bulkCard } from "./watchlist_bulk.js";
import { enrolCard } from "./watchlist_enrol.js";
import { EntryTable } from "./watchlist_table.js";
import { loadMore, t } from "./translation.js";

const SEEING = ["importer", "supervisor", "auditor"];

export async function open(body, link) {
  await loadMore("site");
  const numbers = h("div", {});
  const may = (role) => link.who.roles.includes(role);
  const draw = async () => numbers.replaceChildren(composition(await link.get("/v1/watchlist")));
  await draw();
  if (!SEEING.some(may)) return void body.replaceChildren(numbers);
  const keeps = may("importer");
  const changed = () => Promise.all([draw(), table.read(true)]);
  const table = new EntryTable(link, keeps, { changed, picture: (entryId) => enrol.aim(entryId) });
  const enrol = enrolCard(link, changed);
  const bulk = bulkCard(link, changed);
  const approval = h("section", { class: "card", "aria-label": t("keep.approval") }, h("h2", {}, t("keep.approval")), table.state,
    h("p", {}, h("span", { class: "mono" }, "lfr watchlist report"), ` ${t("watchlist.report")}`),
    may("importer") || may("supervisor") ? [h("p", {}, t("sign.list")), handover({
      name: "watchlist-to-sign.json",
      file: () => link.get("/v1/watchlist/proposal"),
      command: "lfr watchlist sign watchlist-to-sign.json --key KEY --json watchlist-signed.json",
      hand: async (signed) => {
        const found = await link.post("/v1/watchlist/approval", signed);
        await changed();
        return t("sign.approved", { by: found.approved_by, count: found.taken_up });
      },
    })] : null);
  body.replaceChildren(...[keeps && enrol.card, table.card, keeps && bulk.card, numbers, approval].filter(Boolean));
  await table.read(true);
  return { close() { enrol.close(); bulk.close(); } };
}
