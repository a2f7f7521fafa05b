import { type Html, html } from '../web/html.ts'

/** One point of a series; a point that is not `ok` is drawn as a mark on the floor instead of a height. */
export interface Point {
  value: number
  ok: boolean
}

const width = 120
const height = 28
const floor = height - 3

/**
 * A small chart as inline SVG, newest point at the right, filled from the right while there are few points. It is
 * decoration for the words and the table beside it, so it is hidden from assistive technology.
 */
export function sparkline(points: readonly Point[], pointsMax: number): Html {
  const step = width / Math.max(1, pointsMax - 1)
  const top = Math.max(1, ...points.map(({ value, ok }) => (ok ? value : 0)))
  const x = (index: number) => round(width - (points.length - 1 - index) * step)
  const y = (value: number) => round(floor - (value / top) * (floor - 3))
  const runs: string[] = []
  let run = ''
  points.forEach(({ value, ok }, index) => {
    if (ok) run += `${run === '' ? 'M' : 'L'}${x(index)} ${y(value)}`
    if (run !== '' && (!ok || index === points.length - 1)) {
      // A point alone has no length to draw; a line of none has round ends.
      if (!run.includes('L')) run += 'h0'
      runs.push(run)
      run = ''
    }
  })
  const marks = points.flatMap(({ ok }, index) => (ok ? [] : [`M${x(index)} ${floor - 6}v6`]))
  return html`<svg class="spark" viewBox="-2 0 ${width + 4} ${height}" width="${width + 4}" height="${height}" aria-hidden="true" focusable="false"><path class="base" d="M0 ${floor + 1}h${width}"/><path class="line" d="${runs.join('')}"/><path class="missed" d="${marks.join('')}"/></svg>`
}

const round = (value: number) => Math.round(value * 10) / 10
