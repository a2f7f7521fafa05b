/**
 * Loaded before the service: each SIGUSR2 steps the wall clock it sees an hour ahead, then an hour back, then home. The
 * monotonic clock and Redis's clock go on as they were, as they do when an operator sets a machine's time.
 */
const steps = [3_600_000, -3_600_000, 0]
let offsetMs = 0
const RealDate = Date

class SteppedDate extends RealDate {
  constructor(...given: unknown[]) {
    if (given.length === 0) super(RealDate.now() + offsetMs)
    else super(...(given as [number]))
  }
  static override now() {
    return RealDate.now() + offsetMs
  }
}
globalThis.Date = SteppedDate as DateConstructor

process.on('SIGUSR2', () => {
  offsetMs = steps.shift() ?? 0
  steps.push(offsetMs)
})
