// The account of the day, as it would be published now.

import { card, duration, facts, h, number, svg, table } from "./dom_elements.js";
import { bars } from "./cameras_page.js";
import { save } from "./signed_elsewhere.js";
import { locale, named, t } from "./translation.js";

const [WIDTH, HEIGHT, FOOT, SIDE] = [560, 200, 28, 60];

export async function open(body, link) {
  const account = await link.get("/v1/record");
  const day = account.record;
  const rate = (name) => day.rates[name];
  const keep = h("div", { class: "actions" }, h("button", { type: "button",
    onclick: () => save(`${day.deployment}.json`, JSON.stringify(account, null, 2)) }, t("record.save")));
  body.replaceChildren(
    card(t("record.totals"), facts(Object.entries(day.totals).map(([name, value]) => [named("record", name), number(value)])), keep),
    card(t("record.faces"), hours(account.hours, "faces_seen")),
    card(t("record.alerts_by_hour"), hours(account.hours, "alerts")),
    card(t("record.rates"), lined([t("record.rate"), t("record.value"), t("record.parts"), t("record.interval")],
      ["false_alerts_per_face", "alerts_per_face", "true_share_of_alerts", "false_share_of_alerts", "failure_to_acquire"].map((name) => [
        named("record", name), share(rate(name).value), t("figures.of", { some: number(rate(name).count), all: number(rate(name).of) }),
        rate(name).low === null || rate(name).low === undefined ? "–" : `${share(rate(name).low)} – ${share(rate(name).high)}`]))),
    card(t("record.decisions"), rows(day.decisions.split, "decision"), day.decisions.median_seconds === null ? null
      : h("p", { class: "small" }, t("record.median", { time: duration(day.decisions.median_seconds) }))),
    card(t("record.outcomes"), rows(day.outcomes, "outcome")),
    ...Object.entries(day.perceived).filter(([, groups]) => Object.keys(groups).length).map(([name, groups]) =>
      card(t(`perceived.${name}`), lined([t(`perceived.${name}`), t("record.alerts"), t("record.false_of")],
        Object.entries(groups).map(([group, cells]) => [named("perceived", group), cell(cells.alerts), cell(cells.false_alerts)])),
        h("p", { class: "small" }, t("record.withheld_note")))),
    card(t("page.cameras"), lined([t("filter.camera"), t("record.faces_seen"), t("record.failure_to_acquire"), t("record.watched"), t("camera.blind")],
      Object.entries(day.cameras).map(([name, one]) => [name, number(one.faces_seen), share(one.failure_to_acquire.value), duration(one.watched_s), duration(one.blind_s)]))));
}

const share = (value) => (Number.isFinite(value) ? `${number(value * 100, 3)} %` : "–");
const cell = (one) => (one.suppressed || one.count === null ? t("record.withheld") : number(one.count));

function rows(counts, kind) {
  const shown = Object.entries(counts).map(([name, value]) => ({ name, value }));
  return bars(shown, (one) => named(kind, one.name));
}

const lined = (heads, lines) => table(heads[0], heads, h("tbody", {}, lines.map(([first, ...rest]) =>
  h("tr", {}, h("th", { scope: "row" }, first), rest.map((one) => h("td", {}, one))))));

// Bars by the hour, in the reader's own time.
function hours(series, name) {
  if (!series.length) return h("p", { class: "small" }, t("record.nothing"));
  const most = Math.max(...series.map((hour) => hour[name]), 1);
  const step = (WIDTH - SIDE) / series.length;
  const clock = new Intl.DateTimeFormat(locale, { hour: "2-digit", minute: "2-digit" });
  const every = Math.ceil(series.length / 8);
  const high = HEIGHT - FOOT - 12;
  return svg("svg", { class: "chart", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": t("record.chart", { most: number(most) }) },
    svg("line", { x1: SIDE, x2: WIDTH, y1: HEIGHT - FOOT, y2: HEIGHT - FOOT }),
    svg("text", { x: SIDE - 6, y: 18, "text-anchor": "end" }, number(most)),
    series.map((hour, place) => {
      const tall = hour[name] / most * high;
      return [svg("rect", { class: name, x: SIDE + place * step + step * 0.1, width: step * 0.8, y: HEIGHT - FOOT - tall, height: tall },
        svg("title", {}, `${clock.format(new Date(hour.begins_at))}: ${number(hour[name])}`)),
      place % every ? null : svg("text", { x: SIDE + place * step + step / 2, y: HEIGHT - 6, "text-anchor": "middle" }, clock.format(new Date(hour.begins_at)))];
    }).flat());
}
