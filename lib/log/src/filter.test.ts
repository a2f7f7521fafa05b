import { expect, test } from 'bun:test'
import { compileFilter } from './filter.ts'
import { FilterError } from './filter-error.ts'
import type { Filter, LogEvent } from './port.ts'

const order: LogEvent = {
  id: 'e1',
  source: '/shop',
  type: 'shop.order.placed',
  partitionkey: 'customer-7',
  attributesJson: '{"subject":"order/1041","retries":3,"urgent":true}',
  dataJson:
    '{"total":120.5,"country":"DE","tags":["gift","a b"],"vip":null,"lines":[{"sku":"x"},{"sku":"y"}],"odd key":1}',
}
const fits = (filter: Filter, event = order) => compileFilter(filter)(event)

test('types fit exactly or by prefix, and any one of them is enough', () => {
  expect(fits({})).toBe(true)
  expect(fits({ types: ['shop.order.placed'] })).toBe(true)
  expect(fits({ types: ['shop.*'] })).toBe(true)
  expect(fits({ types: ['ai.*', '*'] })).toBe(true)
  expect(fits({ types: ['sho.*', 'shop', 'shop.order.*.x'.replace('.*', '')] })).toBe(false)
  expect(fits({ types: [] })).toBe(false)
})

test('a condition looks at attributes and data', () => {
  for (const where of [
    'data.total > 100',
    'data.total >= 120.5 and data.country = "DE"',
    'data.country in ["AT", "DE"]',
    'data.tags has "gift"',
    'data.lines[1].sku = "y"',
    'data["odd key"] = 1',
    'exists data.vip and data.vip = null',
    'type ^= "shop." and source = "/shop" and id = "e1"',
    'partitionkey != "customer-8"',
    'subject ^= "order/" and retries < 4 and urgent = true',
    'not exists data.test',
    'data.total < 1 or (data.country = "FR" or data.country = "DE") and not urgent = false',
  ])
    expect(`${where}: ${fits({ where })}`).toBe(`${where}: true`)
})

test('what is not there, or is of another kind, fits no test', () => {
  for (const where of [
    'data.nothing = 1',
    'data.nothing != 1',
    'data.total = "120.5"',
    'data.total > "1"',
    'data.country.length = 2',
    'data.__proto__ = null',
    'exists constructor',
    'exists data.toString',
    'data.tags = "gift"',
    'data.vip > 0',
  ])
    expect(`${where}: ${fits({ where })}`).toBe(`${where}: false`)
  const { dataJson: _, ...bare } = order
  expect(fits({ where: 'exists data' }, bare)).toBe(false)
  expect(fits({ where: 'exists data.a' }, { ...bare, dataJson: 'null' })).toBe(false)
})

test('what does not fit the grammar is refused with its place', () => {
  const refused = (where: string) => {
    try {
      compileFilter({ where })
    } catch (error) {
      if (error instanceof FilterError) return error.position
    }
    return -1
  }
  expect(refused('')).toBe(0)
  expect(refused('data.total >')).toBe(12)
  expect(refused('data.total > 1 x')).toBe(15)
  expect(refused('data.total > 1 and')).toBe(18)
  expect(refused('(data.total > 1')).toBe(15)
  expect(refused('data.total ~ 1')).toBe(11)
  expect(refused("data.total = 'x'")).toBe(13)
  expect(refused('data.a = "\\q"')).toBe(9)
  expect(refused('data.a in []')).toBe(11)
  expect(refused('not = 1')).toBe(4)
  expect(refused('data[-1] = 1')).toBe(5)
  expect(refused('data.a "=" 1')).toBe(7)
  expect(refused('('.repeat(40))).toBe(17)
  expect(refused(Array(65).fill('a = 1').join(' or '))).toBe(64 * 9)
  expect(refused(' '.repeat(2_049))).toBe(2_048)
  expect(() => compileFilter({ types: ['ok', 'a b'] })).toThrow(
    expect.objectContaining({ code: 'invalid_filter', position: 1 }),
  )
})
