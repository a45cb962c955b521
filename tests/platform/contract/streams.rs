//! The event stream in both dialects: what reaches the agent of each event, cut, cursor and refusal.

use agent_bridge_sim::agentunited::{Options, Stream, UnknownCursor};

use super::ledger::{Ledger, Stage};
use crate::bridge::{Agent, PATIENCE, until};

async fn open(stage: &Stage, count: usize) {
    let sim = &stage.sim;
    until(|| async { (sim.stream_count() >= count).then_some(()) }, || stage.home.log()).await;
}

/// The document's dialect.
pub async fn documented() -> Ledger {
    let mut ledger = Ledger::default();
    let options = Options { unknown_cursor: UnknownCursor::Refuse, forget_on_restart: true, ..Options::documented() };
    let stage = Stage::joined(&mut ledger, options).await;
    let (sim, mut agent) = (&stage.sim, stage.agent().await);
    let (pierre, room) = (sim.person("Pierre"), sim.channel("general"));
    sim.add_member(&stage.me(), &room);
    open(&stage, 1).await;

    let id = sim.say(&pierre, &room, "first");
    let heard = heard(&stage, &mut agent, "message.created").await;
    ledger.row("stream.documented.created", "somebody says something", &heard, "\"kind\":\"human\"");
    sim.edit(&id, "first, changed");
    let heard = self::heard(&stage, &mut agent, "message.updated").await;
    ledger.row("stream.documented.updated", "and changes it", &heard, "first, changed");

    sim.set_offline(true);
    sim.say(&pierre, &room, "while nobody listened");
    sim.set_offline(false);
    let heard = self::heard(&stage, &mut agent, "message.created").await;
    ledger.row("stream.documented.replay", "said while the stream was down", &heard, "while nobody listened");
    ledger.row("stream.drops", "the instance went away", &heard, "while nobody listened");

    // The line and whoever else asks race for the old token: until the stream was first.
    until(
        || async {
            sim.expire_token(&stage.me());
            open(&stage, 1).await;
            sim.served().contains("stream.401").then_some(())
        },
        || stage.home.log(),
    )
    .await;
    sim.say(&pierre, &room, "after the token");
    let heard = self::heard(&stage, &mut agent, "message.created").await;
    ledger.row("stream.401", "the token expired under the stream", &heard, "after the token");

    // The refused cursor costs the stream's place, not the message: history has it.
    sim.set_offline(true);
    sim.say(&pierre, &room, "while the buffer was forgotten");
    sim.restart();
    sim.set_offline(false);
    let heard = self::heard(&stage, &mut agent, "message.created").await;
    ledger.row("stream.400_cursor", "a server that forgot its buffer", &heard, "while the buffer was forgotten");
    ledger
}

/// The dialect of the field notes.
pub async fn observed() -> Ledger {
    let mut ledger = Ledger::default();
    let options = Options { websocket: true, ..Options::documented() };
    let stage = Stage::joined(&mut ledger, options).await;
    let (sim, mut agent) = (&stage.sim, stage.agent().await);
    let (pierre, room) = (sim.person("Pierre"), sim.channel("general"));
    sim.add_member(&stage.me(), &room);
    open(&stage, 1).await;
    sim.say(&pierre, &room, "with an id");
    heard(&stage, &mut agent, "message.created").await;

    // An upgrade the other way: the bridge has a place to resume from, and the server does not care.
    sim.reconfigure(|options| options.stream = Stream::Observed);
    sim.restart();
    open(&stage, 1).await;
    let id = sim.say(&pierre, &room, "by the websocket");
    let heard = heard(&stage, &mut agent, "message.created").await;
    ledger.row("stream.observed.ignores_cursor", "a cursor that is ignored", &heard, "by the websocket");
    ledger.row("stream.observed.websocket", "a flat `message`", &heard, "\"kind\":\"human\"");
    sim.edit(&id, "changed");
    let heard = self::heard(&stage, &mut agent, "message.updated").await;
    ledger.row("stream.observed.updated", "and changed", &heard, "changed");
    sim.say(&sim.primary(), &room, "by an agent");
    let heard = self::heard(&stage, &mut agent, "message.created").await;
    ledger.row("stream.observed.created", "nested, of an agent", &heard, "\"kind\":\"agent\"");
    let status = stage.home.ok(&["status"]).await;
    ledger.row("stream.observed.connected", "the greeting alone", &status, "live");
    ledger
}

/// The next event of this type, as text.
async fn heard(stage: &Stage, agent: &mut Agent, kind: &str) -> String {
    let delivery = tokio::time::timeout(PATIENCE / 2, agent.delivery_of(kind)).await;
    let delivery = delivery.unwrap_or_else(|_| panic!("no {kind}: {}", stage.home.log()));
    agent.call("ack", serde_json::json!({ "seq": delivery.seq })).await.expect("it is acked");
    delivery.event.to_string()
}

/// A relay buffers what does not ask for a stream; the bridge's own stream asks, a free request does not.
pub async fn relay() -> Ledger {
    let mut ledger = Ledger::default();
    let stage = Stage::joined(&mut ledger, Options { relay: true, ..Options::documented() }).await;
    open(&stage, 1).await;
    let said = stage.free("GET", "/events/stream", None).await;
    ledger.row("relay.buffered", "the stream as a plain request", &said, "\"status\":504");
    ledger
}
