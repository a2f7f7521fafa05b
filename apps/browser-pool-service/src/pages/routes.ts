import { room } from '@santaclaude/service/room'
import { t } from '@santaclaude/service/schema'
import type { Ports } from '../ports.ts'
import * as shapes from '../schemas.ts'
import { find } from '../sessions/find.ts'
import { pageView } from '../views.ts'
import { pdf, screenshot, snapshot } from './capture.ts'
import { perform, wait } from './do.ts'
import { binary, texts } from './docs.ts'
import { evaluate } from './evaluate.ts'
import { navigate } from './navigate.ts'
import { close, open } from './open.ts'
import { queryTarget } from './target.ts'

const scope = 'browser:use'
const { Acted, ActWanted, Evaluated, EvaluateWanted, Navigated, NavigateWanted } = shapes
const { PageList, PageView, PdfQuery, ScreenshotQuery, SessionParams, SnapshotQuery, SnapshotView, WaitWanted } = shapes
const params = shapes.PageParams

/** Pages of a session: go somewhere, look, act. One command at a time each; every one has a deadline. */
export const pages = (ports: Ports) =>
  room('/v1/sessions/:id/pages')
    .model({ Page: PageView, PageList, Snapshot: SnapshotView })
    .model({ NavigateWanted, Navigated, ActWanted, Acted, WaitWanted, EvaluateWanted, Evaluated })
    .post(
      '',
      async ({ params, who, status }) => status(201, pageView(await open(ports, { who, sessionId: params.id }))),
      { scope, idempotent: true, params: SessionParams, response: { 201: 'Page' }, detail: texts.open },
    )
    .get(
      '',
      async ({ params, who }) => ({
        pages: [...(await find(ports, who.tenant, params.id)).pages.values()].map(pageView),
      }),
      { scope, params: SessionParams, response: 'PageList', detail: texts.list },
    )
    .delete(
      '/:page',
      async ({ params, who, status }) => {
        await close(ports, { who, sessionId: params.id, pageId: params.page })
        return status(204, undefined)
      },
      { scope, params, response: { 204: t.Void() }, detail: texts.close },
    )
    .post(
      '/:page/navigate',
      ({ params, body, who }) => navigate(ports, { who, sessionId: params.id, pageId: params.page }, body),
      { scope, params, body: 'NavigateWanted', response: 'Navigated', detail: texts.navigate },
    )
    .post(
      '/:page/act',
      ({ params, body, who }) => perform(ports, { who, sessionId: params.id, pageId: params.page }, body),
      { scope, params, body: 'ActWanted', response: 'Acted', detail: texts.act },
    )
    .post(
      '/:page/wait',
      ({ params, body, who }) => wait(ports, { who, sessionId: params.id, pageId: params.page }, body),
      { scope, params, body: 'WaitWanted', response: t.Object({ url: t.String() }), detail: texts.wait },
    )
    .post(
      '/:page/evaluate',
      ({ params, body, who, caller }) =>
        evaluate(
          ports,
          { who, sessionId: params.id, pageId: params.page },
          { ...body, isAdmin: caller.scopes.has('browser:admin') },
        ),
      { scope, params, body: 'EvaluateWanted', response: 'Evaluated', detail: texts.evaluate },
    )
    .get(
      '/:page/snapshot',
      ({ params, query, who }) => snapshot(ports, { who, sessionId: params.id, pageId: params.page }, query),
      { scope, params, query: SnapshotQuery, response: 'Snapshot', detail: texts.snapshot },
    )
    .get(
      '/:page/screenshot',
      async ({ params, query, who }) => {
        const { type = 'png', quality = 80, fullPage = false, deadlineMs } = query
        const target = queryTarget(query)
        const options = { type, quality, fullPage, ...(target && { target }), ...(deadlineMs && { deadlineMs }) }
        const bytes = await screenshot(ports, { who, sessionId: params.id, pageId: params.page }, options)
        return binary(bytes, `image/${type}`)
      },
      { scope, params, query: ScreenshotQuery, detail: texts.screenshot },
    )
    .get(
      '/:page/pdf',
      async ({ params, query, who }) => {
        const { format = 'A4', landscape = false, deadlineMs } = query
        const options = { format, landscape, ...(deadlineMs && { deadlineMs }) }
        return binary(await pdf(ports, { who, sessionId: params.id, pageId: params.page }, options), 'application/pdf')
      },
      { scope, params, query: PdfQuery, detail: texts.pdf },
    )
