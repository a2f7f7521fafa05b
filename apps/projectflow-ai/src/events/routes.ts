import type { Host } from '@santaclaude/service/host'
import { Elysia } from 'elysia'
import { webFiles } from '../web/files.ts'
import { pageHeaders } from '../web/headers.ts'
import { eventsPage } from './page.ts'

/** The page at `/events`: topics, groups, dead letters and the trace of one event. */
export const events = ({ host }: { host: Pick<Host, 'version'> }) =>
  new Elysia({ name: 'events' }).get(
    '/events',
    async () => {
      const { files } = await webFiles()
      return new Response(eventsPage({ version: host.version, files }), { headers: pageHeaders })
    },
    { detail: { hide: true } },
  )
