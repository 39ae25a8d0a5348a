// The ledger: does it hold, and what stands in it. Looking is recorded as well.

import { attempt, facts, h, moment, number, problemText, table } from "./dom_elements.js";
import { named, t } from "./translation.js";

const KINDS = ["collection", "alteration", "consultation", "disclosure", "decision", "erasure", "authority", "refusal", "stop", "incident", "seal"];

export async function open(body, link) {
  const verdict = h("section", { class: "card whole", "aria-label": t("audit.verify") });
  const rows = h("tbody", {});
  const more = h("button", { type: "button", class: "quiet wide", hidden: true, onclick: () => read(false) }, t("audit.older"));
  const fault = h("p", { class: "fault", role: "alert" });
  let before = 0;
  const search = h("form", { class: "search", role: "search", onsubmit: () => read(true) },
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
    await attempt(fault, async () => {
      const found = await link.get(`/v1/audit/records?${asked}`);
      if (fresh) rows.replaceChildren();
      rows.append(...found.records.map((row) => h("tr", {}, h("td", {}, row.n), h("td", {}, moment(row.at, true)), h("th", { scope: "row" }, row.what, h("small", {}, ` ${named("kind", row.kind)}`)),
        h("td", {}, row.actor), h("td", {}, row.subject), h("td", {}, row.reason))));
      more.hidden = found.before === null;
      before = found.before;
    });
  }

  body.replaceChildren(verdict, h("section", { class: "card whole", "aria-label": t("audit.count") }, h("h2", {}, t("audit.count")), search, fault,
    table(t("audit.count"), ["number", "at", "what", "actor", "subject", "reason"].map((one) => t(`audit.${one}`)), rows), more));
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
