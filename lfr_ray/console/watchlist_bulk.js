// Many people at once: a folder ENTRY/PICTURE with or without watchlist.csv. Every picture is taken, or named with why not.

import { h, number, problemText } from "./dom_elements.js";
import { registerOf } from "./watchlist_csv.js";
import { base64, sendPicture } from "./watchlist_enrol.js";
import { save } from "./signed_elsewhere.js";
import { t } from "./translation.js";

const PICTURE = /\.(bmp|gif|jpe?g|png|tiff?|webp)$/i;
const AGAIN_MS = [1000, 2000, 4000, 8000];
const AT_A_TIME = 200;

export function bulkCard(link, changed) {
  const input = h("input", { id: "bulk-folder", type: "file", multiple: true, webkitdirectory: true });
  const bar = h("progress", { id: "bulk-progress", max: "1", value: "0", hidden: true, "aria-label": t("keep.progress") });
  const told = h("p", { role: "status", id: "bulk-told" });
  const rows = h("tbody", {});
  const table = h("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": t("keep.rejects"), hidden: true }, h("table", { class: "table", id: "bulk-rejects" },
    h("caption", {}, t("keep.rejects")), h("thead", {}, h("tr", {}, h("th", { scope: "col" }, t("keep.file")), h("th", { scope: "col" }, t("keep.why")))), rows));
  const halt = h("button", { type: "button", hidden: true, onclick: () => { open = false; } }, t("keep.halt"));
  const keep = h("button", { type: "button", class: "quiet", hidden: true, onclick: () => download(rejected) }, t("keep.save_rejects"));
  const card = h("section", { class: "card whole", "aria-label": t("keep.bulk") }, h("h2", {}, t("keep.bulk")), h("p", { class: "small" }, t("keep.bulk_how")),
    h("label", {}, h("span", {}, t("keep.folder")), input), bar, told, table, h("div", { class: "actions" }, halt, keep));
  let open = false;
  let rejected = [];

  const reject = (file, why) => {
    rejected.push([file, why]);
    rows.append(h("tr", {}, h("th", { scope: "row" }, file), h("td", {}, why)));
    table.hidden = keep.hidden = false;
  };

  async function run(files) {
    [rejected, open] = [[], true];
    rows.replaceChildren();
    table.hidden = keep.hidden = true;
    halt.hidden = bar.hidden = false;
    input.disabled = true;
    const counts = { added: 0, there: 0 };
    try {
      const { people, total } = await sorted(files, reject);
      const ids = await knownIds(link);
      let done = 0;
      for (const one of people) {
        for (const file of one.pictures) {
          if (!open) break;
          told.textContent = t("keep.doing", { done: number(done), total: number(total), name: `${one.id}/${file.name}` });
          await oneOf(one, file, ids, counts);
          done += 1;
          bar.value = done / total;
        }
      }
    } catch (error) {
      reject("–", problemText(error));
    }
    open = false;
    halt.hidden = bar.hidden = true;
    input.disabled = false;
    input.value = "";
    told.textContent = t("keep.done", { added: number(counts.added), there: number(counts.there), rejected: number(rejected.length) });
    await changed();
  }

  async function oneOf(one, file, ids, counts) {
    const face = one.faces.get(file.name) ?? one.faces.get("") ?? null;
    const path = `/v1/watchlist/entries/${encodeURIComponent(one.id)}/pictures${face ? `?face=${face}` : ""}`;
    try {
      if (ids.has(one.id)) await patiently(() => sendPicture(link, path, file));
      else {
        const picture = await base64(file);
        await patiently(() => link.post("/v1/watchlist/entries", { ...one.values, picture, face }));
        ids.add(one.id);
      }
      counts.added += 1;
    } catch (error) {
      if (error.status === 401) throw error;
      if (error.status === 409 && error.got === `entry ${one.id}`) counts.there += 1; // resumed: it was added before
      else reject(`${one.id}/${file.name}`, problemText(error));
    }
  }

  input.addEventListener("change", () => run([...input.files]));
  return { card, close() { open = false; } };
}

// The folder's entries in order, with their pictures; what belongs nowhere is rejected.
async function sorted(files, reject) {
  const placed = files.map((file) => ({ file, path: (file.webkitRelativePath || file.name).split("/").slice(file.webkitRelativePath ? 1 : 0) }));
  const csv = placed.find((one) => one.path.length === 1 && one.path[0].toLowerCase() === "watchlist.csv");
  const register = csv ? registerOf(plain(await csv.file.arrayBuffer())) : null;
  const people = new Map();
  for (const { file, path } of placed.sort((one, other) => one.path.join("/").localeCompare(other.path.join("/")))) {
    if (file === csv?.file) continue;
    const id = path[0].normalize("NFC");
    const name = path.join("/");
    if (path.length !== 2 || !PICTURE.test(file.name) || file.name.startsWith(".")) reject(name, t("keep.no_picture"));
    else if (register && !register.has(id)) reject(name, t("keep.no_row"));
    else {
      const said = register?.get(id) || { values: { entry_id: id, category: "test" }, faces: new Map() };
      if (!people.has(id)) people.set(id, { id, ...said, pictures: [] });
      people.get(id).pictures.push(file);
    }
  }
  for (const id of register?.keys() || []) if (!people.has(id)) reject(`${id}/`, t("keep.no_folder"));
  const found = [...people.values()];
  return { people: found, total: found.reduce((sum, one) => sum + one.pictures.length, 0) };
}

// Names must not be guessed: another encoding is refused as a whole.
function plain(bytes) {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw { detail: t("keep.utf8") };
  }
}

async function knownIds(link) {
  const ids = new Set();
  for (let after = ""; after !== null;) {
    const leaf = await link.get(`/v1/watchlist/entries?limit=${AT_A_TIME}&after=${encodeURIComponent(after)}`);
    for (const entry of leaf.entries) ids.add(entry.entry_id);
    after = leaf.after;
  }
  return ids;
}

// A server that is busy or away for a moment is asked again; what it refuses, it refuses.
async function patiently(work) {
  for (const pause of AGAIN_MS) {
    try {
      return await work();
    } catch (error) {
      if (![0, 429, 503].includes(error.status)) throw error;
      await new Promise((wake) => setTimeout(wake, pause));
    }
  }
  return work();
}

function download(rejected) {
  const cell = (text) => `"${text.replaceAll('"', '""')}"`;
  const lines = [["file", "reason"], ...rejected].map((row) => row.map(cell).join(","));
  save("rejections.csv", `\ufeff${lines.join("\r\n")}\r\n`, "text/csv");
}
