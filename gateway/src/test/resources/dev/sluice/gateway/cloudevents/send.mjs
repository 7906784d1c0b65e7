// Sends one event in each mode of the CloudEvents SDK, twice in the batch, to the address given.
import { CloudEvent, Mode, emitterFor } from "cloudevents";

const target = process.argv[2];

async function send(message) {
  const response = await fetch(target, { method: "POST", headers: message.headers, body: message.body });
  if (response.status !== 202) {
    throw new Error(`${response.status}: ${await response.text()}`);
  }
}

const event = new CloudEvent({
  id: "a1",
  source: "/web",
  type: "page.view",
  time: "2026-01-31T08:15:30.500Z",
  tenant: "t1",
  data: { path: "/é" },
});
for (const mode of [Mode.BINARY, Mode.STRUCTURED]) {
  await emitterFor(send, { mode })(event);
}
// the SDK reads batches and writes none: JSON.stringify of its events is one
await send({
  headers: { "content-type": "application/cloudevents-batch+json" },
  body: JSON.stringify([event, event]),
});
