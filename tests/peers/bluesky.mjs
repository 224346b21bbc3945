// A Bluesky server (PDS) on loopback, with a directory of its own for the accounts' names. Says its address once it
// serves; ends with its standard input.
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'

// libsql, which stands in for better-sqlite3, gives bytes as ArrayBuffer; the server wants Buffer.
const statement = Object.getPrototypeOf(new Database(':memory:').prepare('select 1'))
const { get, all, iterate } = statement
const mended = (row) => {
  for (const key of row && typeof row === 'object' ? Object.keys(row) : [])
    if (row[key] instanceof ArrayBuffer) row[key] = Buffer.from(row[key])
  return row
}
statement.get = function (...given) { return mended(get.apply(this, given)) }
statement.all = function (...given) { return all.apply(this, given).map(mended) }
statement.iterate = function* (...given) { for (const row of iterate.apply(this, given)) yield mended(row) }

const { PDS, envToCfg, envToSecrets } = await import('@atproto/pds')
const { PlcServer, Database: Names } = await import('@did-plc/server')

const freePort = () => new Promise((found) => {
  const probe = createServer().listen(0, '127.0.0.1', () => {
    const { port } = probe.address()
    probe.close(() => found(port))
  })
})

const folder = mkdtempSync(join(tmpdir(), 'bluesky-'))
const names = await PlcServer.create({ db: Names.mock(), port: 0 }).start()
const port = await freePort()
const nowhere = { bskyAppViewUrl: 'http://127.0.0.1:1', bskyAppViewDid: 'did:example:nobody' }
const settings = {
  port, ...nowhere,
  hostname: 'localhost',
  devMode: true,
  dataDirectory: folder,
  blobstoreDiskLocation: join(folder, 'blobs'),
  didPlcUrl: `http://localhost:${names.address().port}`,
  serviceHandleDomains: ['.test'],
  inviteRequired: false,
  rateLimitsEnabled: false,
  crawlers: [],
  jwtSecret: 'test',
  adminPassword: 'test',
  plcRotationKeyK256PrivateKeyHex: 'a'.repeat(64),
}
const server = await PDS.create(envToCfg(settings), envToSecrets(settings))
await server.start()
console.log(`http://127.0.0.1:${port}`)
process.stdin.on('end', () => {
  rmSync(folder, { recursive: true, force: true })
  process.exit(0)
}).resume()
