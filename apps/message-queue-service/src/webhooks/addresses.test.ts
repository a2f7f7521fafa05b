import { describe, expect, test } from 'bun:test'
import { endpointOf, isReachable } from './addresses.ts'

const cloud = { allowPrivate: false }
const laptop = { allowPrivate: true }

describe('an address of the public internet is reachable', () => {
  test.each(['1.1.1.1', '9.255.255.255', '11.0.0.0', '100.63.255.255', '100.128.0.0', '126.255.255.255', '128.0.0.0'])(
    '%s',
    (address) => expect(isReachable(address, cloud)).toBe(true),
  )
  test.each(['172.15.255.255', '172.32.0.0', '192.167.255.255', '192.169.0.0', '169.253.255.255', '223.255.255.255'])(
    '%s',
    (address) => expect(isReachable(address, cloud)).toBe(true),
  )
  test.each(['2606:4700:4700::1111', '2a00:1450:4001::200e', '2001:4860:4860::8888', '3ffe:ffff::1'])('%s', (address) =>
    expect(isReachable(address, cloud)).toBe(true),
  )
})

describe('an address of a private network is reachable on a laptop only', () => {
  test.each([
    ...['127.0.0.1', '127.255.255.254', '10.0.0.1', '172.16.0.1', '172.31.255.255', '192.168.1.1'],
    ...['100.64.0.1', '100.127.255.255', '198.18.0.1', '198.19.255.255', '192.0.0.8', '::1', 'fc00::1', 'fdff::1'],
  ])('%s', (address) => {
    expect(isReachable(address, cloud)).toBe(false)
    expect(isReachable(address, laptop)).toBe(true)
  })
})

describe('an address that is nobody’s endpoint is never reachable', () => {
  test.each([
    ...['0.0.0.0', '0.1.2.3', '169.254.169.254', '169.254.170.2', '168.63.129.16', '100.100.100.200', '192.0.0.192'],
    ...['192.0.2.1', '198.51.100.1', '203.0.113.1', '224.0.0.1', '239.1.1.1', '240.0.0.1', '255.255.255.255'],
    ...['::', '::ffff:127.0.0.1', '::ffff:7f00:1', '::ffff:1.1.1.1', '::127.0.0.1', '::ffff:0:1.1.1.1'],
    ...['64:ff9b::7f00:1', '64:ff9b::a9fe:a9fe', '64:ff9b:1::1', '100::1', 'fe80::1', 'fec0::1', 'ff02::1'],
    ...['2001::1', '2001:db8::1', '2002:7f00:1::', '3fff::1', 'fd00:ec2::254', 'fd20:ce::254', '5f00::1'],
    ...['fe80::1%eth0', '::1%lo', 'localhost', '127.1', '0x7f.1', '1.1.1', '', '1.1.1.1 '],
  ])('%p', (address) => {
    expect(isReachable(address, cloud)).toBe(false)
    expect(isReachable(address, laptop)).toBe(false)
  })
})

describe('a literal in disguise is seen through', () => {
  test.each([
    ...['2130706433', '0x7f000001', '017700000001', '0177.0.0.1', '0x7f.1', '127.1', '127.0.0.1.', '①②⑦.0.0.1'],
    ...['0xa9fea9fe', '2852039166', '169.254.43518', '[::ffff:127.0.0.1]', '[0:0:0:0:0:ffff:7f00:0001]', '[::]'],
    ...['[::1]', '[fd00:ec2::254]', '0', '0.0.0.0', '127。0。0。1', '127.0.0.1%2e'],
  ])('%s', (host) => {
    expect(endpointOf(`https://${host}/hook`, cloud)).toHaveProperty('refusal')
  })
})

describe('an endpoint', () => {
  test.each([
    ['https://Example.com:443/a/../b?x=1#part', 'https://example.com/b?x=1'],
    ['https://example.com.:8443/hook', 'https://example.com.:8443/hook'],
    ['https://1.1.1.1/hook', 'https://1.1.1.1/hook'],
    ['https://[2606:4700:4700::1111]/hook', 'https://[2606:4700:4700::1111]/hook'],
    ['https://bücher.example/', 'https://xn--bcher-kva.example/'],
  ])('%s is %s', (text, url) => {
    expect(endpointOf(text, cloud)).toEqual({ url })
  })
  test.each([
    ['http://example.com/', 'https'],
    ['ftp://example.com/', 'https'],
    ['file:///etc/passwd', 'https'],
    ['https://user@example.com/', 'user name'],
    ['https://user:pass@example.com/', 'user name'],
    ['https://1.1.1.1@127.0.0.1/', 'user name'],
    ['https://example.com:0/', 'port 0'],
    ['/hook', 'absolute'],
    ['https://', 'absolute'],
    ['https://256.0.0.1/', 'absolute'],
    ['https://[::1%25lo]/', 'absolute'],
    [`https://example.com/${'x'.repeat(2_048)}`, '2,048'],
  ])('%s is refused', (text, word) => {
    expect(endpointOf(text, cloud)).toEqual({ refusal: expect.stringContaining(word) })
  })
  test('on a laptop it may be local and plain, but never a metadata service', () => {
    expect(endpointOf('http://127.0.0.1:9000/hook', laptop)).toEqual({ url: 'http://127.0.0.1:9000/hook' })
    expect(endpointOf('http://169.254.169.254/latest', laptop)).toHaveProperty('refusal')
    expect(endpointOf('gopher://127.0.0.1/', laptop)).toHaveProperty('refusal')
  })
})
