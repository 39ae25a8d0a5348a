// Totals say nothing about now: what a camera dropped lately, from two looks at its totals.

const WINDOW_MS = 60_000;

export class CameraRates {
  constructor() {
    this.looks = new Map();
  }

  note(cameras, now = Date.now()) {
    for (const camera of cameras) {
      const looks = (this.looks.get(camera.name) || []).filter((one) => now - one.at < WINDOW_MS);
      looks.push({ at: now, frames: camera.frames, dropped: camera.frames_dropped });
      this.looks.set(camera.name, looks);
    }
  }

  // Share of the frames of the last minute that nobody looked at; null while that is not known.
  dropped(name) {
    const looks = this.looks.get(name) || [];
    const [first, last] = [looks[0], looks.at(-1)];
    if (!first || first === last) return null;
    const frames = last.frames - first.frames;
    return frames > 0 ? Math.min(1, Math.max(0, (last.dropped - first.dropped) / frames)) : null;
  }
}
