// The ledger: does it hold, and what stands in it. Looking is recorded as well.

import { facts, h, moment, number, problemText } from "./elements.js";
import { named, t } from "./text.js";

const KINDS = ["collection", "alteration", "consultation", "disclosure", "decision", "erasure", "authority", "refusal", "stop", "incident", "seal"];

export async function open(body, link) {
  const verdict = h("section", { class: "card whole", "aria-label": t("audit.verify") });
  const rows = h("tbody", {});
  const more = h("button", { type: "button", class: "quiet wide", hidden: true }, t("audit.older"));
  const fault = h("p", { class: "fault", role: "alert" });
  let before = 0;
  const search = h("form", { class: "search", role: "search" },
    h("label", {}, t("audit.text"), h("input", { id: "audit-text", type: "search" })),
    h("label", {}, t("audit.kind"), h("select", { id: "audit-kind" }, h("option", { value: "" }, t("filter.all")), KINDS.map((one) => h("option", { value: one }, named("kind", one))))),
    h("label", {}, t("audit.since"), h("input", { id: "audit-since", type: "datetime-local" })),
    h("button", { type: "submit", class: "main" }, t("audit.search")));

  async function read(fresh) {
    const asked = new URLSearchParams({ limit: 50 });
    const [text, kind, since] = ["text", "kind", "since"].map((name) => search.querySelector(`#audit-${name}`).value);
    if (text) asked.set("text", text);
    if (kind) asked.set("kind", kind);
    if (since) asked.set("since", new Date(since).toISOString());
    if (!fresh) asked.set("before", before);
    fault.textContent = "";
    try {
      const found = await link.get(`/v1/audit/records?${asked}`);
      if (fresh) rows.replaceChildren();
      rows.append(...found.records.map((row) => h("tr", {}, h("td", {}, row.n), h("td", {}, moment(row.at, true)), h("th", { scope: "row" }, row.what, h("small", {}, ` ${named("kind", row.kind)}`)),
        h("td", {}, row.actor), h("td", {}, row.subject), h("td", {}, row.reason))));
      more.hidden = found.before === null;
      before = found.before;
    } catch (error) {
      fault.textContent = problemText(error);
    }
  }

  search.addEventListener("submit", (event) => { event.preventDefault(); read(true); });
  more.addEventListener("click", () => read(false));
  body.replaceChildren(verdict, h("section", { class: "card whole", "aria-label": t("audit.records") }, h("h2", {}, t("audit.records")), search, fault,
    h("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": t("audit.records") }, h("table", { class: "table" },
      h("thead", {}, h("tr", {}, ["number", "at", "what", "actor", "subject", "reason"].map((one) => h("th", { scope: "col" }, t(`audit.${one}`))))), rows)), more));
  await Promise.all([verify(verdict, link), read(true)]);
}

async function verify(place, link) {
  const again = h("button", { type: "button", onclick: () => verify(place, link) }, t("audit.again"));
  place.replaceChildren(h("h2", {}, t("audit.verify")), h("p", {}, t("audit.verifying")));
  try {
    const ledger = await link.get("/v1/audit");
    place.replaceChildren(h("h2", {}, t("audit.verify")),
      h("p", { class: ledger.holds ? "good" : "bad" }, h("b", {}, t(ledger.holds ? "audit.holds" : "audit.broken"))),
      h("ul", {}, ledger.faults.map((one) => h("li", { class: "bad" }, one))),
      facts([[t("audit.count"), number(ledger.records)], [t("audit.sealed"), number(ledger.sealed)], [t("audit.head"), h("span", { class: "mono" }, ledger.head)]]),
      h("p", { class: "small" }, t("audit.more")), h("div", { class: "actions" }, again));
  } catch (error) {
    place.replaceChildren(h("h2", {}, t("audit.verify")), h("p", { class: "fault", role: "alert" }, problemText(error)), h("div", { class: "actions" }, again));
  }
}
