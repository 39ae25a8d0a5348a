// Keeping an alert beyond its time, with a reason, and letting it go.

import { attempt, byId, h } from "./dom_elements.js";
import { t } from "./translation.js";

export function holdStep(view) {
  const fault = h("p", { class: "fault", role: "alert" });
  const hold = view.alert.hold;
  const act = (work) => attempt(fault, async () => view.onChanged(await work()));
  const path = `/v1/alerts/${view.id}/hold`;
  const release = () => act(() => view.link.post(`${path}?officer=${encodeURIComponent(view.link.officer)}`, null, "DELETE"));
  const keep = () => act(() => view.link.post(path, { officer: view.link.officer, reason: byId("hold-reason").value }));
  return h("details", { id: "holding", class: "holding" }, h("summary", {}, t(hold ? "hold.is_held" : "hold.title")),
    h("p", { class: "small" }, t("hold.text")),
    hold ? h("div", {}, h("q", {}, hold.reason), h("div", { class: "actions" }, h("button", { type: "button", id: "release", onclick: release }, t("hold.release"))))
      : h("form", { class: "form", onsubmit: keep },
        h("label", {}, t("stop.reason"), h("input", { id: "hold-reason", required: true, maxlength: "500", autocomplete: "off" })),
        h("div", { class: "actions" }, h("button", { type: "submit" }, t("hold.go")))),
    fault);
}
