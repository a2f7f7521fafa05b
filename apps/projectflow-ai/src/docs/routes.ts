import type { Clock } from '@santaclaude/kit/clock'
import type { Host } from '@santaclaude/service/host'
import { swaggerFileUrl } from '@santaclaude/service/swagger'
import { Elysia } from 'elysia'
import type { Peer } from '../peers/peer.ts'
import { webFiles } from '../web/files.ts'
import { explorerHeaders } from '../web/headers.ts'
import { Documents } from './documents.ts'
import { type DocumentLink, explorerPage, explorerStart } from './page.ts'

export interface DocsPorts {
  peers: readonly Peer[]
  clock: Clock
  host: Pick<Host, 'version'>
}

const hidden = { detail: { hide: true } }

/** The API explorer: one Swagger UI over the documents of all five services, from one origin. */
export const docs = ({ peers, clock, host }: DocsPorts) => {
  const documents = new Documents(peers, clock)
  const links: DocumentLink[] = [
    { name: 'projectflow-ai', url: '/swagger/json' },
    ...peers.map(({ name }) => ({ name, url: `/swagger/documents/${name}` })),
  ]
  return new Elysia({ name: 'docs' })
    .get(
      '/swagger',
      async () => {
        const { files } = await webFiles()
        const page = explorerPage({ version: host.version, files, documents: links, asset: swaggerFileUrl })
        return new Response(page, { headers: explorerHeaders })
      },
      hidden,
    )
    .get(
      '/swagger/start.js',
      () => new Response(explorerStart(links), { headers: { 'content-type': 'text/javascript; charset=utf-8' } }),
      hidden,
    )
    .get(
      '/swagger/documents/:name',
      async ({ params: { name } }) =>
        new Response(await documents.read(name), { headers: { 'content-type': 'application/json' } }),
      hidden,
    )
}
