// A real Yjs client: commands on standard input, what it sees on standard output, one JSON a line.
// node client.mjs URL ROOM text|fragment NAME
import * as readline from 'node:readline'
import ws from 'ws'
import * as Y from 'yjs'
import { WebsocketProvider } from 'y-websocket'

const [url, room, kind, name] = process.argv.slice(2)
const doc = new Y.Doc()
const shared = kind === 'text' ? doc.getText('content') : doc.getXmlFragment('default')
const provider = new WebsocketProvider(url, room, doc, { WebSocketPolyfill: ws, disableBc: true, maxBackoffTime: 200 })
const say = (what) => process.stdout.write(JSON.stringify(what) + '\n')
const seen = () => say({
  text: shared.toString(),
  names: [...provider.awareness.getStates().values()].map((state) => state.user?.name).sort(),
  synced: provider.synced,
  levels: kind === 'text' ? [] : shared.toArray().map((node) => node.getAttribute('level')).filter((level) => level !== undefined)
})
provider.awareness.setLocalStateField('user', { name, color: '#ff0000' })
provider.awareness.on('change', seen)
provider.on('synced', seen)
doc.on('update', seen)
readline.createInterface({ input: process.stdin }).on('line', (line) => {
  const { insert, remove, paragraph } = JSON.parse(line)
  doc.transact(() => {
    if (insert) shared.insert(Math.min(insert[0], shared.length), insert[1])
    if (remove) shared.delete(Math.min(remove, shared.length - 1), 1)
    if (paragraph) {
      const node = new Y.XmlElement('paragraph')
      node.insert(0, [new Y.XmlText(paragraph)])
      shared.push([node])
    }
  })
  seen()
}).on('close', () => process.exit(0))
