// The line to the server: requests, pictures and the live stream, all in the session of who is signed in.

import { t } from "./translation.js";

const NOBODY = { person: "", roles: [], csrf: "", test: false, issuer: false };
const LOOKING = ["viewer", "officer", "supervisor", "auditor"];
const PAUSE_MS = [500, 1000, 2000, 4000, 8000];
const SILENCE_MS = 45000; // three heartbeats: the line is dead, whatever the network says

class Problem extends Error {
  constructor(document, status) {
    super(document.detail || `HTTP ${status}`);
    Object.assign(this, document);
    this.status = status;
  }
}

async function problemOf(answer) {
  const document = await answer.json().catch(() => ({ detail: t("link.answered", { status: answer.status }) }));
  return new Problem(document, answer.status);
}

export class Link {
  constructor() {
    this.onLost = () => {}; // the session is over
    this.who = NOBODY;
    this.wanted = new Map();
    this.turn = Promise.resolve();
  }

  get officer() { return this.who.person; }

  // May look at alerts.
  get sees() { return this.who.roles.some((role) => LOOKING.includes(role)); }

  async whoAmI() {
    this.who = await this.get("/v1/session");
    return this.who;
  }

  async signIn(token) {
    const options = { method: "POST", headers: { Authorization: `Bearer ${token}` }, cache: "no-store" };
    const answer = await fetch("/v1/session", options);
    if (!answer.ok) throw await problemOf(answer);
    this.who = await answer.json();
  }

  async signOut() {
    await this.fetch("/v1/session", { method: "DELETE" });
    this.who = NOBODY;
  }

  async fetch(path, options = {}) {
    const csrf = this.who.csrf ? { "X-CSRF-Token": this.who.csrf } : {};
    let answer;
    try {
      answer = await fetch(path, { cache: "no-store", ...options, headers: { ...options.headers, ...csrf } });
    } catch (error) {
      if (error.name === "AbortError") throw error;
      throw new Problem({ detail: t("link.no_answer") }, 0);
    }
    if (answer.status === 401) this.onLost();
    if (!answer.ok) throw await problemOf(answer);
    return answer;
  }

  async get(path) {
    return (await this.fetch(path)).json();
  }

  // The alert that an event speaks of, as it stands now; null where there is none any more. One question at a time,
  // so that no older answer comes after a newer one, and one answer for all events that came meanwhile.
  alertOf(event) {
    const id = event.alert_id;
    if (!id) return Promise.resolve(null);
    if (!this.wanted.has(id)) {
      this.turn = this.turn.then(() => {
        this.wanted.delete(id);
        return this.document(`/v1/alerts/${id}`);
      });
      this.wanted.set(id, this.turn);
    }
    return this.wanted.get(id);
  }

  async document(path) {
    for (const pause of PAUSE_MS) {
      try {
        return await this.get(path);
      } catch (error) {
        if (error.status === 404 || error.status === 401) return null;
        await new Promise((wake) => setTimeout(wake, pause));
      }
    }
    return null;
  }

  // One key per press of a button: if the answer is lost, the repeat records nothing twice.
  async post(path, body, method = "POST") {
    const key = `${Date.now().toString(36)}-${Math.random().toString(36).slice(2)}`;
    const options = {
      method,
      headers: { "Content-Type": "application/json", "Idempotency-Key": key },
      body: body === null ? undefined : JSON.stringify(body),
    };
    try {
      return await (await this.fetch(path, options)).json();
    } catch (error) {
      if (error.status !== 503 && error.status !== 0) throw error;
      await new Promise((wake) => setTimeout(wake, 1000));
      return (await this.fetch(path, options)).json();
    }
  }

  async picture(path) {
    return URL.createObjectURL(await (await this.fetch(path)).blob());
  }

  // Server-sent events over fetch, because EventSource tells nothing of a silent line. Resumes after the last id for ever.
  async follow(after, onEvent, onState) {
    let last = after;
    let failures = 0;
    for (;;) {
      const dead = new AbortController();
      let silence = 0;
      const heard = () => {
        clearTimeout(silence);
        silence = setTimeout(() => dead.abort(), SILENCE_MS);
      };
      try {
        heard();
        const answer = await this.fetch("/v1/alerts/stream", {
          headers: { Accept: "text/event-stream", "Last-Event-ID": String(last) },
          signal: dead.signal,
        });
        onState("live");
        failures = 0;
        for await (const event of parse(answer.body, heard)) {
          if (event.id) last = event.id;
          if (event.data) onEvent(JSON.parse(event.data));
        }
      } catch (error) {
        if (error instanceof Problem && error.status === 422) last = "";
      }
      clearTimeout(silence);
      onState("lost");
      const pause = PAUSE_MS[Math.min(failures, PAUSE_MS.length - 1)];
      failures += 1;
      await new Promise((wake) => setTimeout(wake, pause));
    }
  }
}

async function* parse(body, heard) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    heard();
    text += value;
    for (let end = text.indexOf("\n\n"); end >= 0; end = text.indexOf("\n\n")) {
      const event = {};
      for (const line of text.slice(0, end).split("\n")) {
        const colon = line.indexOf(":");
        if (colon > 0) event[line.slice(0, colon)] = line.slice(colon + 1).trimStart();
      }
      text = text.slice(end + 2);
      yield event;
    }
  }
}
