// What is said of somebody on the list: the fields of watchlist.csv.

import { h } from "./dom_elements.js";
import { named, t } from "./translation.js";

export const CATEGORIES = ["wanted-by-court", "suspect", "order-or-condition", "missing-or-at-risk", "risk-of-harm", "blue-list", "test"];
const GROUNDED = ["legal_basis", "image_source", "authorised_by", "expires_at"];

const field = (name, attributes = {}) => h("label", {}, h("span", {}, t(`keep.field.${name}`)),
  h("input", { id: `list-${name}`, name, autocomplete: "off", maxlength: "200", ...attributes }));

export function entryFields(test) {
  const ground = GROUNDED.map((name) => field(name, name === "expires_at" ? { type: "date" } : {}));
  const minor = h("input", { id: "list-under_18", name: "under_18", type: "checkbox" });
  const why = field("under_18_reason");
  const shown = () => {
    for (const one of ground) one.querySelector("input").required = category.value !== "test";
    why.hidden = !minor.checked;
    why.querySelector("input").required = minor.checked;
  };
  const category = h("select", { id: "list-category", name: "category", onchange: shown },
    CATEGORIES.map((one) => h("option", { value: one, selected: test && one === "test" }, named("category", one))));
  minor.addEventListener("change", shown);
  shown();
  return [
    h("div", { class: "pair" }, field("entry_id", { required: true, maxlength: "64", pattern: "[A-Za-z0-9]([A-Za-z0-9_\\-]*[A-Za-z0-9])?" }), field("name")),
    h("div", { class: "pair" }, h("label", {}, h("span", {}, t("filter.category")), category), field("action")),
    h("div", { class: "pair" }, ground),
    field("rationale"),
    h("label", { class: "tick" }, minor, " ", t("keep.field.under_18")), why,
  ];
}

export function formValues(root) {
  const said = {};
  for (const one of root.querySelectorAll("input[name], select[name]")) {
    if (one.type === "checkbox") said[one.name] = one.checked;
    else if (one.value) said[one.name] = one.value;
  }
  return said;
}
