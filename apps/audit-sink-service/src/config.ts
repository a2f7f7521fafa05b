import { flag, integer, port, settings, url } from '@santaclaude/service/config'

/** The settings of this service beside those every service has. */
export const Config = settings({
  port: port(8003),
  clickhouseUrl: {
    ...url('CLICKHOUSE_URL', {
      default: 'chdb:.data/clickhouse',
      schemes: ['chdb', 'http', 'https'],
      about: 'chdb:<folder> = the engine in this process; http(s)://user:password@host:8123 = a server.',
    }),
    // It may hold a password: then it comes as CLICKHOUSE_URL_FILE.
    isSecret: true as const,
  },
  isReplicated: flag('REPLICATED', {
    default: false,
    about: 'Whether this service runs more than once; the embedded engine is refused then.',
  }),
  queryMs: integer('QUERY_MS', {
    default: 10_000,
    min: 1_000,
    max: 300_000,
    about: 'The longest a query may take, in milliseconds.',
  }),
  insertMs: integer('INSERT_MS', {
    default: 30_000,
    min: 1_000,
    max: 600_000,
    about: 'The longest an insert may take, in milliseconds.',
  }),
})
