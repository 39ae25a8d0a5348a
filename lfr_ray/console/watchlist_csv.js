// watchlist.csv, as spreadsheets save it: comma, semicolon or tab between cells, quotes around what holds them.

const MARK = "\ufeff";
const YES = /^(yes|true|1|y)$/i;

export function cellsOf(text) {
  const plain = text.replace(MARK, "");
  const first = plain.slice(0, plain.indexOf("\n") + 1 || undefined);
  const mark = [",", ";", "\t"].sort((one, other) => first.split(other).length - first.split(one).length)[0];
  const rows = [[""]];
  let quoted = false;
  for (let at = 0; at < plain.length; at += 1) {
    const sign = plain[at];
    const row = rows.at(-1);
    if (quoted && sign === '"' && plain[at + 1] === '"') row[row.length - 1] += plain[at += 1];
    else if (sign === '"') quoted = !quoted;
    else if (!quoted && sign === mark) row.push("");
    else if (!quoted && sign === "\n") rows.push([""]);
    else if (quoted || sign !== "\r") row[row.length - 1] += sign;
  }
  return rows.filter((row) => row.some((cell) => cell.trim()));
}

// What the CSV says of each entry, by id, as the server takes it; and which face is meant in which of its pictures.
export function registerOf(text) {
  const [header, ...rows] = cellsOf(text);
  const names = (header || []).map((one) => one.trim().toLowerCase().replaceAll(/[ -]+/g, "_"));
  const found = new Map();
  for (const row of rows) {
    const said = Object.fromEntries(names.map((name, place) => [name, (row[place] ?? "").trim()]).filter(([name, cell]) => name && cell));
    const { face = "", ...values } = said;
    if (values.priority) values.priority = Number(values.priority);
    if (values.under_18) values.under_18 = YES.test(values.under_18);
    if (values.entry_id) found.set(values.entry_id.normalize("NFC"), { values, faces: facesOf(face) });
  }
  return found;
}

function facesOf(text) {
  return new Map(text.split(/[,;|\n]/).filter((one) => one.trim()).map((one) => {
    const place = one.lastIndexOf("=");
    return [one.slice(0, Math.max(0, place)).trim(), Number(one.slice(place + 1))];
  }));
}
