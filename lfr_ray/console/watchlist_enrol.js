// One picture for the list: dropped or chosen, checked at once, a face chosen by a click, and added.

import { attempt, h, number, problemText } from "./dom_elements.js";
import { formValues, entryFields } from "./watchlist_form.js";
import { t } from "./translation.js";

const MOST_BYTES = 10 * 1024 * 1024;

export const base64 = (file) => new Promise((done, failed) => {
  const reader = new FileReader();
  reader.onload = () => done(reader.result.slice(reader.result.indexOf(",") + 1));
  reader.onerror = () => failed(reader.error);
  reader.readAsDataURL(file);
});

const typed = (file) => ({ "Content-Type": file.type.startsWith("image/") ? file.type : "application/octet-stream" });
export const sendPicture = async (link, path, file) => (await link.fetch(path, { method: "POST", headers: typed(file), body: file })).json();

export function enrolCard(link, changed) {
  let [file, face, address, target, turn] = [null, null, "", "", 0];
  const title = h("h2", {});
  const input = h("input", { id: "list-file", type: "file", accept: "image/*" });
  const stage = h("div", { class: "stage", hidden: true });
  const told = h("div", { role: "status", class: "told-check" });
  const fault = h("p", { class: "fault", role: "alert" });
  const twin = h("label", { class: "tick", hidden: true }, h("input", { id: "list-twin", type: "checkbox" }), " ", t("keep.twin"));
  const fields = h("div", { class: "form" }, entryFields(link.who.test));
  const go = h("button", { type: "submit", class: "main", id: "list-add", disabled: true });
  const whole = h("button", { type: "button", class: "quiet", hidden: true, onclick: () => aim("") }, t("keep.new_person"));
  const form = h("form", { class: "form", onsubmit: () => add() }, fields, twin, fault, h("div", { class: "actions" }, whole, go));
  const drop = h("label", { class: "drop" }, h("span", {}, t("keep.drop")), input, h("small", {}, t("keep.not_kept")));
  const card = h("section", { class: "card whole", id: "list-enrol", "aria-labelledby": "list-enrol-title" }, title,
    h("div", { class: "enrol" }, h("div", {}, drop, stage, told), form));
  title.id = "list-enrol-title";

  function clear() {
    if (address) URL.revokeObjectURL(address);
    [file, face, address] = [null, null, ""];
    input.value = "";
    stage.hidden = true;
    stage.replaceChildren();
    told.replaceChildren();
    twin.hidden = true;
    go.disabled = true;
  }

  function aim(entryId) {
    target = entryId;
    title.textContent = entryId ? t("keep.picture_for", { entry: entryId }) : t("keep.add");
    go.textContent = entryId ? t("keep.add_picture") : t("keep.add_go");
    fields.hidden = Boolean(entryId);
    whole.hidden = !entryId;
    for (const field of fields.querySelectorAll("input, select")) field.disabled = Boolean(entryId);
    fault.textContent = "";
    if (entryId) {
      card.scrollIntoView({ block: "start" });
      input.focus();
    }
  }

  function take(chosen) {
    clear();
    fault.textContent = "";
    if (!chosen) return;
    if (chosen.size > MOST_BYTES) {
      fault.textContent = t("keep.too_large", { size: number(chosen.size / 1048576, 1) });
      return;
    }
    file = chosen;
    address = URL.createObjectURL(file);
    check();
  }

  async function check() {
    turn += 1;
    const mine = turn;
    told.textContent = t("keep.checking");
    go.disabled = true;
    try {
      const checked = await sendPicture(link, `/v1/watchlist/check${face ? `?face=${face}` : ""}`, file);
      if (mine === turn && file) draw(checked);
    } catch (error) {
      if (mine !== turn) return;
      told.replaceChildren(h("p", { class: "bad" }, problemText(error)));
    }
  }

  function draw(checked) {
    const held = stage.contains(document.activeElement);
    const image = h("img", { src: address, alt: t("keep.picture_alt") });
    stage.replaceChildren(image, ...checked.faces.map((one) => {
      const [left, top, right, bottom] = one.box;
      const chosen = one.number === checked.chosen;
      const mark = h("button", { type: "button", class: "face", "aria-pressed": String(chosen), "aria-label": t("keep.face", { number: one.number, size: number(one.size_px) }),
        onclick: () => { face = one.number; check(); } }, h("span", { "aria-hidden": "true" }, one.number));
      Object.assign(mark.style, { left: `${left * 100}%`, top: `${top * 100}%`, width: `${(right - left) * 100}%`, height: `${(bottom - top) * 100}%` });
      return mark;
    }));
    stage.hidden = false;
    if (held) stage.querySelector("[aria-pressed=true]")?.focus();
    told.replaceChildren(
      h("p", { class: checked.usable ? "good" : "bad" }, checked.usable ? t("keep.usable", { quality: number(checked.quality, 2) }) : checked.reason),
      checked.note ? h("p", { class: "small" }, checked.note) : "",
      checked.faces.length > 1 ? h("p", { class: "small" }, t("keep.choose")) : "",
      checked.alike.length ? h("p", { class: "bad" }, t("keep.alike", { entries: checked.alike.join(", ") })) : "",
      checked.usable && !checked.alike_checked ? h("p", { class: "small" }, t("keep.alike_unknown")) : "");
    twin.hidden = !checked.alike.length || Boolean(target);
    go.disabled = !checked.usable;
  }

  const add = () => attempt(fault, async () => {
    const query = face ? `?face=${face}` : "";
    if (target) await sendPicture(link, `/v1/watchlist/entries/${encodeURIComponent(target)}/pictures${query}`, file);
    else {
      const twins = twin.querySelector("input").checked && !twin.hidden;
      await link.post("/v1/watchlist/entries", { ...formValues(fields), picture: await base64(file), face, same_person: twins });
      form.reset();
      for (const one of fields.querySelectorAll("#list-category, #list-under_18")) one.dispatchEvent(new Event("change"));
    }
    clear();
    aim("");
    told.replaceChildren(h("p", { class: "good" }, t("keep.added")));
    await changed();
  }, [go]);

  for (const [name, over] of [["dragenter", true], ["dragover", true], ["dragleave", false], ["drop", false]]) {
    drop.addEventListener(name, (event) => { event.preventDefault(); drop.classList.toggle("over", over); });
  }
  drop.addEventListener("drop", (event) => take(event.dataTransfer.files[0]));
  input.addEventListener("change", () => take(input.files[0]));
  aim("");
  return { card, aim, close: clear };
}
