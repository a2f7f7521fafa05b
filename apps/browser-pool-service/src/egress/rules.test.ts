import { describe, expect, test } from 'bun:test'
import { openableAddress, recordedAddress } from './address.ts'
import { isHostBlocked, resolverRules } from './rules.ts'

const host = (url: string) => new URL(url).hostname

describe('metadata addresses are out of reach whatever the policy', () => {
  test.each([
    'http://169.254.169.254/',
    'http://2852039166/',
    'http://0xa9fea9fe/',
    'http://0251.0376.0251.0376/',
    'http://169.254.43518/',
    'http://[::ffff:169.254.169.254]/',
    'http://[::ffff:a9fe:a9fe]/',
    'http://[64:ff9b::169.254.169.254]/',
    'http://[fd00:ec2::254]/',
    'http://[fe80::1]/',
    'http://metadata.google.internal/',
    'http://METADATA.google.internal./',
    'http://metadata/',
    'http://100.100.100.200/',
    'http://168.63.129.16/',
  ])('%s', (url) => {
    expect(isHostBlocked(host(url), { allowPrivate: true })).toBe(true)
    expect(isHostBlocked(host(url), { allowPrivate: false })).toBe(true)
  })
})

describe('private addresses are out of reach when they are closed, and only then', () => {
  test.each([
    ...[
      'http://127.0.0.1/',
      'http://127.1/',
      'http://0/',
      'http://10.1.2.3/',
      'http://172.16.0.1/',
      'http://172.31.255.1/',
    ],
    ...['http://192.168.0.1/', 'http://100.64.0.1/', 'http://100.127.0.1/', 'http://198.18.0.1/', 'http://224.0.0.1/'],
    ...['http://255.255.255.255/', 'http://[::]/', 'http://[::1]/', 'http://[::ffff:10.0.0.1]/', 'http://[fc00::1]/'],
    ...['http://[fd12::1]/', 'http://[ff02::1]/', 'http://[2002:7f00:1::]/', 'http://localhost/', 'http://localhost./'],
    ...[
      'http://a.localhost/',
      'http://redis.default.svc.cluster.local/',
      'http://printer.local/',
      'http://db.internal/',
    ],
  ])('%s', (url) => {
    expect(isHostBlocked(host(url), { allowPrivate: false })).toBe(true)
    expect(isHostBlocked(host(url), { allowPrivate: true })).toBe(false)
  })

  test.each([
    ...['http://example.com/', 'http://11.0.0.1/', 'http://172.15.0.1/', 'http://172.32.0.1/', 'http://100.63.0.1/'],
    ...[
      'http://192.169.0.1/',
      'http://198.17.0.1/',
      'http://223.255.255.255/',
      'http://[2606:4700::1]/',
      'http://fdic.gov/',
    ],
    ...['http://localhost.example.com/', 'http://internal.example.com/', 'http://fc.example/'],
  ])('%s is public', (url) => {
    expect(isHostBlocked(host(url), { allowPrivate: false })).toBe(false)
  })
})

test('the rules for Chromium map each pattern to nothing, and hold nothing that would end a rule early', () => {
  const rules = resolverRules({ allowPrivate: false }).split(',')
  expect(rules.every((rule) => /^MAP \S+ ~NOTFOUND$/.test(rule))).toBe(true)
  expect(rules.length).toBeGreaterThan(resolverRules({ allowPrivate: true }).split(',').length)
})

describe('an address', () => {
  const resolve = async (name: string) => (name === 'rebound.test' ? ['93.184.216.34', '127.0.0.1'] : ['93.184.216.34'])
  const open = (url: string, allowPrivate = false) => openableAddress(url, { allowPrivate }, resolve)

  test('of a public name is opened in its canonical form', async () => {
    expect(await open('HTTP://Example.com:80/a?b#c')).toBe('http://example.com/a?b#c')
  })

  test('whose name resolves to a private address, even beside a public one, is refused', async () => {
    await expect(open('http://rebound.test/')).rejects.toThrow(/out of reach/)
    expect(await open('http://rebound.test/', true)).toBe('http://rebound.test/')
  })

  test('is recorded without user, query and fragment', () => {
    expect(recordedAddress('https://me:pw@shop.test/a/b?q=typed#x')).toBe('https://shop.test/a/b')
    expect(recordedAddress('data:text/html,secret')).toBe('data:')
    expect(recordedAddress('nonsense')).toBe('about:invalid')
  })
})
