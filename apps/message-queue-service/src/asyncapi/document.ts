import type { Topic } from '@santaclaude/log/port'
import { expanded } from '../schemas/expand.ts'
import type { Schema } from '../schemas/judge.ts'

/** What the document says of one topic. */
export interface DescribedTopic {
  topic: string
  /** Whoever reads the document may publish here. */
  isOpen: boolean
  /** The types of its events begin so. */
  prefix?: string
  schema: Topic['schema']
}

export interface DescribedType {
  type: string
  version: number
  schema: Schema
}

interface Described {
  title: string
  description: string
  version: string
  /** Host and port, as the caller reached the service. */
  host: string
  protocol: 'http' | 'https'
  topics: DescribedTopic[]
  types: DescribedType[]
}

const text = { type: 'string' }
const cloudEvent = {
  type: 'object',
  required: ['specversion', 'id', 'source', 'type'],
  properties: {
    ...{ specversion: { const: '1.0' }, id: text, source: text, type: text, subject: text, datacontenttype: text },
    ...{ time: { type: 'string', format: 'date-time' }, tenant: text, partitionkey: text, traceparent: text },
    data: {},
  },
}

/**
 * The AsyncAPI document of these topics. The application it speaks of is this service: it receives what is published and
 * sends what is read. Source: AsyncAPI 3.0.0.
 */
export function asyncApi({ title, description, version, host, protocol, topics, types }: Described) {
  const typed = Object.fromEntries(types.map((one) => [keyOf(one.type), messageOf(one)]))
  const ownMessages = topics.flatMap(({ prefix }) =>
    prefix === undefined ? [] : [[keyOf(prefix), platformMessage(prefix)]],
  )
  return {
    asyncapi: '3.0.0' as const,
    info: { title, version, description },
    defaultContentType: 'application/cloudevents+json',
    servers: { here: { host, protocol, security: [{ $ref: '#/components/securitySchemes/key' }] } },
    channels: Object.fromEntries(topics.map((topic) => [topic.topic, channelOf(topic, types)])),
    operations: Object.fromEntries(topics.flatMap(operationsOf)),
    components: {
      schemas: { CloudEvent: cloudEvent },
      messages: { event: eventMessage, ...Object.fromEntries(ownMessages), ...typed },
      securitySchemes: { key: { type: 'http', scheme: 'bearer', description: 'An API key, sc_…' } },
    },
  }
}

const payload = { $ref: '#/components/schemas/CloudEvent' }
const eventMessage = { name: 'event', title: 'Any CloudEvent', contentType: 'application/cloudevents+json', payload }

const messageOf = ({ type, version, schema }: DescribedType) => ({
  ...{ name: type, title: `${type}, version ${version} of its schema`, contentType: 'application/cloudevents+json' },
  payload: { allOf: [payload, { required: ['data'], properties: { type: { const: type }, data: expanded(schema) } }] },
})

const platformMessage = (prefix: string) => ({
  ...{
    name: `${prefix}.*`,
    title: `What the platform tells about ${prefix}`,
    contentType: 'application/cloudevents+json',
  },
  payload: { allOf: [payload, { properties: { type: { pattern: `^${prefix}\\.` } } }] },
})

function messagesOf({ prefix, schema }: DescribedTopic, types: DescribedType[]) {
  const names = prefix === undefined ? ['event'] : [keyOf(prefix)]
  if (schema !== 'off') names.push(...types.map(({ type }) => keyOf(type)))
  return names.map((name) => [name, { $ref: `#/components/messages/${name}` }])
}

const channelOf = (topic: DescribedTopic, types: DescribedType[]) => ({
  ...{ address: `/v1/topics/${topic.topic}`, title: topic.topic },
  messages: Object.fromEntries(messagesOf(topic, types)),
})

function operationsOf({ topic, isOpen }: DescribedTopic) {
  const channel = { $ref: `#/channels/${topic}` }
  const read = {
    ...{ action: 'send', channel, title: `Read ${topic}` },
    description: `Server-sent events at GET /v1/topics/${topic}/stream, pages at GET /v1/topics/${topic}/events, or a group.`,
    bindings: { http: { method: 'GET' } },
  }
  const write = {
    ...{ action: 'receive', channel, title: `Publish to ${topic}`, description: `POST /v1/topics/${topic}/events` },
    bindings: { http: { method: 'POST' } },
  }
  return [[`read.${topic}`, read], ...(isOpen ? [[`publish.${topic}`, write]] : [])]
}

/** A type as a name that AsyncAPI takes; what it does not take is written by its code. */
const keyOf = (type: string) =>
  `type.${type.replace(/[^A-Za-z0-9.-]/gu, (char) => `_${char.codePointAt(0)?.toString(16)}_`)}`
