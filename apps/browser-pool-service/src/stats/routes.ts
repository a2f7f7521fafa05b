import { room } from '@santaclaude/service/room'
import type { Ports } from '../ports.ts'
import { Stats } from '../schemas.ts'
import { statsOf } from './stats.ts'

/** How full this replica is. */
export const stats = (ports: Ports) =>
  room('/v1/stats')
    .model({ Stats })
    .get('', () => statsOf(ports), {
      scope: 'browser:use',
      response: 'Stats',
      detail: {
        summary: 'How full this replica is',
        description: 'Browsers, sessions, pages and the line, with their limits.',
      },
    })
