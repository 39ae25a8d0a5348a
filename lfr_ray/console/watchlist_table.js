// Who is on the list: filtered, page by page; changed and removed with a reason. Each look is in the ledger.

import { attempt, h, moment, number } from "./dom_elements.js";
import { CATEGORIES } from "./watchlist_form.js";
import { locale, named, t } from "./translation.js";

const COLUMNS = ["keep.column.entry", "filter.category", "keep.column.action", "keep.column.expires", "keep.column.pictures", "keep.column.by", "keep.column.waits"];

const day = (iso) => h("time", { datetime: iso, title: iso }, new Intl.DateTimeFormat(locale, { dateStyle: "medium" }).format(new Date(iso)));

export class EntryTable {
  constructor(link, keeps, { changed, picture }) {
    Object.assign(this, { link, keeps, changed, picture, after: "" });
    this.rows = h("tbody", {});
    this.state = h("div", {});
    this.fault = h("p", { class: "fault", role: "alert" });
    this.found = h("p", { class: "small", role: "status" });
    this.more = h("button", { type: "button", class: "quiet wide", hidden: true, onclick: () => this.read(false) }, t("keep.more"));
    this.search = h("form", { class: "search", role: "search", onsubmit: () => this.read(true) },
      h("label", {}, t("filter.person"), h("input", { id: "entries-text", type: "search", maxlength: "64" })),
      h("label", {}, t("filter.category"), h("select", { id: "entries-category" }, h("option", { value: "" }, t("filter.all")),
        CATEGORIES.map((one) => h("option", { value: one }, named("category", one))))),
      h("button", { type: "submit" }, t("audit.search")));
    this.dialog = h("dialog", { "aria-labelledby": "entry-title" });
    this.card = h("section", { class: "card whole", "aria-label": t("keep.list") }, h("h2", {}, t("keep.list")), this.search, this.fault, this.found,
      h("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": t("keep.list") }, h("table", { class: "table" },
        h("thead", {}, h("tr", {}, COLUMNS.map((one) => h("th", { scope: "col" }, t(one))), keeps ? h("td", {}) : null)), this.rows)),
      this.more, this.dialog);
  }

  async read(fresh) {
    const asked = new URLSearchParams({ limit: 50, text: this.search.querySelector("input").value, category: this.search.querySelector("select").value });
    if (!fresh) asked.set("after", this.after);
    await attempt(this.fault, async () => {
      const leaf = await this.link.get(`/v1/watchlist/entries?${asked}`);
      if (fresh) this.rows.replaceChildren();
      this.rows.append(...leaf.entries.map((entry) => this.row(entry)));
      this.after = leaf.after;
      this.more.hidden = leaf.after === null;
      this.found.textContent = t("keep.found", { count: number(leaf.found) });
      this.drawState(leaf);
    });
  }

  drawState(leaf) {
    const by = leaf.approved_by ? h("p", {}, t("keep.approved_by", { by: leaf.approved_by }), " ", moment(leaf.approved_at, true)) : h("p", {}, t("keep.approved_by_nobody"));
    this.state.replaceChildren(by,
      h("p", { class: leaf.waiting ? "bad" : "" }, leaf.at_once ? t("keep.at_once") : t("keep.waiting", { count: number(leaf.waiting) })),
      leaf.until_start ? h("p", { class: "small" }, t("keep.until_start")) : "");
  }

  row(entry) {
    const button = (key, onclick) => h("button", { type: "button", class: "small", "aria-label": `${t(`keep.${key}`)}: ${entry.entry_id}`, onclick }, t(`keep.${key}`));
    const acts = [];
    if (entry.waits !== "removed") acts.push(button("change", () => this.ask(entry, "change")), button("another", () => this.picture(entry.entry_id)), button("remove", () => this.ask(entry, "remove")));
    if (entry.waits === "changed" || entry.waits === "removed") acts.push(button("take_back", () => this.takeBack(entry)));
    return h("tr", { "data-entry": entry.entry_id },
      h("th", { scope: "row" }, h("b", {}, entry.entry_id), h("small", {}, ` ${entry.name === entry.entry_id ? "" : entry.name}`)),
      h("td", {}, named("category", entry.category), entry.under_18 ? h("small", {}, ` ${t("keep.minor")}`) : ""),
      h("td", {}, entry.action ? named("action", entry.action) : ""),
      h("td", { class: entry.in_force ? "" : "bad" }, entry.expires_at === null ? t("keep.never") : entry.waits === "removed" ? "" : day(entry.expires_at)),
      h("td", {}, number(entry.pictures), h("small", {}, ` ${t("keep.quality", { quality: number(entry.quality, 2) })}`)),
      h("td", {}, entry.imported_by.join(", ")),
      h("td", {}, entry.waits ? h("span", { class: "tag open" }, t(`keep.waits.${entry.waits}`)) : ""),
      this.keeps ? h("td", {}, h("div", { class: "actions" }, acts)) : null);
  }

  ask(entry, what) {
    const fault = h("p", { class: "fault", role: "alert" });
    const reason = h("input", { id: "entry-reason", required: true, maxlength: "300", autocomplete: "off" });
    const expires = h("input", { id: "entry-expires", type: "date", value: entry.expires_at ? entry.expires_at.slice(0, 10) : "" });
    const action = h("input", { id: "entry-action", maxlength: "200", value: entry.action });
    const name = h("input", { id: "entry-name", maxlength: "200", required: true, value: entry.name });
    const path = `/v1/watchlist/entries/${encodeURIComponent(entry.entry_id)}`;
    const remove = () => this.link.fetch(`${path}/removal`, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ reason: reason.value }) });
    const change = () => this.link.post(path, { reason: reason.value, action: action.value, name: name.value,
      ...(expires.value && expires.value !== expires.defaultValue ? { expires_at: expires.value } : {}) }, "PATCH");
    const submit = () => attempt(fault, async () => {
      await (what === "remove" ? remove() : change());
      this.dialog.close();
      await this.changed();
    });
    const labelled = (key, input) => h("label", {}, h("span", {}, t(key)), input);
    this.dialog.replaceChildren(h("form", { onsubmit: submit }, h("h2", { id: "entry-title" }, `${t(`keep.${what}`)}: ${entry.entry_id}`),
      what === "change" ? [labelled("keep.field.name", name), labelled("keep.field.action", action), labelled("keep.field.expires_at", expires)] : h("p", {}, t("keep.remove_text")),
      labelled("stop.reason", reason), fault,
      h("div", { class: "actions" }, h("button", { type: "button", class: "quiet", onclick: () => this.dialog.close() }, t("stop.cancel")),
        h("button", { type: "submit", class: what === "remove" ? "stop solid" : "main", id: "entry-go" }, t(`keep.${what}`)))));
    this.dialog.showModal();
    (what === "remove" ? reason : name).focus();
  }

  takeBack(entry) {
    return attempt(this.fault, async () => {
      await this.link.fetch(`/v1/watchlist/entries/${encodeURIComponent(entry.entry_id)}/waiting`, { method: "DELETE" });
      await this.changed();
    });
  }
}
