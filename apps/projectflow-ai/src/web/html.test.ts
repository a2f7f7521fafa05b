import { expect, test } from 'bun:test'
import { html, raw } from './html.ts'

test('every inserted text is escaped, in text and in attributes', () => {
  const hostile = `"><script>alert('&')</script>`
  expect(html`<a title="${hostile}">${hostile}</a>`.text).toBe(
    '<a title="&quot;&gt;&lt;script&gt;alert(&#39;&amp;&#39;)&lt;/script&gt;">&quot;&gt;&lt;script&gt;alert(&#39;&amp;&#39;)&lt;/script&gt;</a>',
  )
})

test('markup inside markup is kept, also in lists, and nothing stays nothing', () => {
  expect(
    html`<ul>${['a', '<b>'].map((item) => html`<li>${item}</li>`)}${undefined}${false}${raw('<hr>')}</ul>`.text,
  ).toBe('<ul><li>a</li><li>&lt;b&gt;</li><hr></ul>')
})
