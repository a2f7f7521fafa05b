/** What a run tells while it goes, in the order it happens. */
export type Step =
  | { step: 'run'; runId: string; traceId: string; question: string; pages: string[]; wasRunning: boolean }
  | { step: 'key'; id: string; scopes: string[] }
  | { step: 'session'; id: string }
  /** A piece of what the model says, as it streams. */
  | { step: 'text'; text: string }
  | { step: 'tool'; name: string; arguments: Record<string, unknown> }
  | { step: 'seen'; url: string; title: string; screenshot: string }
  /** An event of this run, as the bus delivers it. */
  | { step: 'event'; topic: string; type: string; subject: string; id: string }
  | { step: 'answer'; text: string; model: string; isOffline: boolean; screenshots: string[] }
  | { step: 'records'; traceId: string; records: RecordLine[] }

/** One audit record as the end of a run shows it. */
export interface RecordLine {
  id: string
  occurredAt: string
  action: string
  outcome: string
  actor: { type: string; id: string }
  target: { type: string; id: string }
  source: string
  traceId?: string
}

export type Tell = (step: Step) => void
