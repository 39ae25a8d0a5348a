// A new alert can be heard and felt. Whoever stands at this place sees whether it is muted.

import { t } from "./translation.js";

const MUTED = "lfr.muted";
const TONES_HZ = [[880, 1175, 880, 1175], [880, 1175], [880]]; // by priority: the more urgent, the longer
const TONE_S = 0.16;

export class Sound {
  constructor(button) {
    this.button = button;
    this.context = null;
    button.addEventListener("click", () => this.mute(!this.muted));
    // A browser plays nothing before somebody has touched the page.
    for (const kind of ["pointerdown", "keydown"]) {
      document.addEventListener(kind, () => {
        this.context ||= new AudioContext();
        this.context.resume();
      }, { once: true });
    }
    this.show();
  }

  get muted() { return localStorage.getItem(MUTED) === "yes"; }

  mute(muted) {
    localStorage.setItem(MUTED, muted ? "yes" : "no");
    this.show();
    if (!muted) this.play(2);
  }

  show() {
    this.button.setAttribute("aria-pressed", String(this.muted));
    this.button.textContent = this.muted ? t("sound.muted") : t("sound.on");
    this.button.classList.toggle("muted", this.muted);
  }

  play(priority) {
    if (this.muted) return;
    const tones = TONES_HZ[Math.min(priority, TONES_HZ.length - 1)];
    navigator.vibrate?.(tones.flatMap(() => [180, 90]));
    if (this.context?.state !== "running") return;
    tones.forEach((frequency_hz, place) => {
      const at_s = this.context.currentTime + place * TONE_S;
      const tone = new OscillatorNode(this.context, { frequency: frequency_hz });
      const loud = new GainNode(this.context, { gain: 0 });
      loud.gain.setValueAtTime(0.25, at_s);
      loud.gain.exponentialRampToValueAtTime(0.001, at_s + TONE_S);
      tone.connect(loud).connect(this.context.destination);
      tone.start(at_s);
      tone.stop(at_s + TONE_S);
    });
  }
}
