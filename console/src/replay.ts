/** Arithmetic of the replay slider; seconds since 1970 throughout. */

import type { ThreadView } from './model.ts'

export function toInstant(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace('.000Z', 'Z')
}

/** Seconds between two places of the slider: minutes on a long record, seconds where minutes would hide everything. */
export function sliderStep(first: number, last: number): number {
  return last - first > 7200 ? 60 : 1
}

/** Where the threads began, as fractions of the slider; calls of danger and requests stand out. */
export function ticksOf(threads: readonly ThreadView[], first: number, last: number): { x: number; loud: boolean }[] {
  const span = Math.max(1, last - first)
  return threads
    .map((thread) => ({
      x: (Date.parse(thread.recorded_at) / 1000 - first) / span,
      loud: thread.kind === 'danger_call' || thread.kind === 'clear_request',
    }))
    .filter((tick) => tick.x >= 0 && tick.x <= 1)
}

/** The next instant while playing, so that a whole record takes about a minute and a half; null at the end. */
export function playStep(at: number, first: number, last: number): number | null {
  const step = sliderStep(first, last)
  const next = at + Math.max(step, Math.round((last - first) / 220 / step) * step)
  return at >= last ? first : next >= last ? null : next
}
