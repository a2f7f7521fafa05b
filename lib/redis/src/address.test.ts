import { expect, test } from 'bun:test'
import { parseRedisUrl } from './address.ts'

test('one server keeps its URL', () => {
  expect(parseRedisUrl('rediss://u:p@db:1/2')).toEqual({ kind: 'server', url: 'rediss://u:p@db:1/2' })
})

test('a cluster is any of its nodes, each with a port of its own or the usual one', () => {
  expect(parseRedisUrl('redis+cluster://a:7000,10.0.0.1,[::1]:7002')).toEqual({
    kind: 'cluster',
    places: [
      { host: 'a', port: 7000 },
      { host: '10.0.0.1', port: 6379 },
      { host: '::1', port: 7002 },
    ],
    access: { isTls: false },
  })
})

test('sentinels name the primary, and may ask for a password of their own', () => {
  expect(parseRedisUrl('rediss+sentinel://us:p%40%3As@s1,s2:5/main/3?sentinelPassword=x%20y')).toEqual({
    kind: 'sentinel',
    places: [
      { host: 's1', port: 26379 },
      { host: 's2', port: 5 },
    ],
    primary: 'main',
    db: 3,
    access: { username: 'us', password: 'p@:s', isTls: true },
    sentinels: { password: 'x y', isTls: true },
  })
})

test('what is no address of a Redis is refused', () => {
  for (const url of [
    ...['', 'redis', 'http://a', 'redis+cluster://', 'redis+cluster://a,,b', 'redis+cluster://a:0', 'redis+other://a'],
    ...['redis+cluster://a/1', 'redis+sentinel://a', 'redis+sentinel://a/', 'redis+sentinel://a/m/x', 'redis://a:x'],
    ...['redis+cluster://%@a', 'redis+sentinel://a/m/1/2', 'redis+cluster://a:99999', 'redis+cluster://a b'],
  ])
    expect([url, parseRedisUrl(url)]).toEqual([url, undefined])
})
