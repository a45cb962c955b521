//! One line, from the upgrade to its end: what comes next, and what it brings about.

use std::{convert::Infallible, time::Duration};

use futures_util::{SinkExt as _, StreamExt as _};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    sync::mpsc,
    time::{Instant, Interval},
};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        Message,
        protocol::{CloseFrame, frame::coding::CloseCode},
    },
};

use super::{
    fault::{LiveFault, Place},
    state::Order,
    wire::{self, Heard},
};
use crate::agentworkspace::{Sim, record::DocumentId};

/// How long a caller may take to answer a close frame.
const FAREWELL: Duration = Duration::from_secs(5);
/// Bytes that are no update: one client with five blocks, and neither of them is there.
const NO_UPDATE: [u8; 3] = [1, 5, 0xff];

mod opening;

pub(super) use opening::Opening;

type Socket = WebSocketStream<TokioIo<Upgraded>>;

/// The line is over: closed by either side, or dropped.
#[derive(Debug)]
struct Ended;

type Step = Result<(), Ended>;

/// An open line.
struct Line {
    sim: Sim,
    id: u64,
    document: DocumentId,
    socket: Socket,
    orders: mpsc::UnboundedReceiver<Order>,
    /// When the draft token ends, where that ends the line.
    expires: Option<Instant>,
    /// The longest silence of a client.
    idle: Option<Duration>,
    heard: Instant,
    beat: Interval,
}

/// Permission denied, then close 1008.
async fn deny(socket: &mut Socket, reason: &str) -> Ended {
    let frame = CloseFrame { code: CloseCode::Policy, reason: "".into() };
    let last_words = async {
        socket.send(Message::binary(wire::denied(reason))).await?;
        socket.close(Some(frame)).await
    };
    // A caller that takes nothing any more is left all the same.
    let _left = tokio::time::timeout(FAREWELL, last_words).await;
    farewell(socket).await
}

/// After a close frame, theirs or ours: the other one follows.
async fn farewell(socket: &mut Socket) -> Ended {
    let closing = async { while socket.next().await.is_some_and(|it| it.is_ok()) {} };
    let _left = tokio::time::timeout(FAREWELL, closing).await;
    Ended
}

/// Never, where there is no such time.
async fn at(time: Option<Instant>) {
    match time {
        Some(time) => tokio::time::sleep_until(time).await,
        None => std::future::pending().await,
    }
}

impl Line {
    async fn talk(&mut self) -> Result<Infallible, Ended> {
        let (vector, states) = self.sim.with(|world| {
            world.served("live.step1");
            let room = world.live.rooms.get(&self.document);
            room.map(|it| (it.state_vector(), it.states())).unwrap_or_default()
        });
        self.say(wire::step1(&vector)).await?;
        if !states.is_empty() {
            self.say(wire::awareness(&states)).await?;
        }
        loop {
            let idle = self.idle.map(|idle| self.heard + idle);
            tokio::select! {
                biased;
                order = self.orders.recv() => match order.ok_or(Ended)? {
                    Order::Tell { frame, update: true } => self.tell(frame).await?,
                    Order::Tell { frame, update: false } => self.say(frame).await?,
                    Order::Fault(fault) => self.obey(fault).await?,
                },
                message = self.socket.next() => {
                    self.heard = Instant::now();
                    match message {
                        Some(Ok(Message::Binary(bytes))) => self.hear(&bytes).await?,
                        Some(Ok(Message::Close(_))) => return Err(farewell(&mut self.socket).await),
                        // The websocket's own pings are answered below us; the protocol has no text.
                        Some(Ok(_)) => {}
                        Some(Err(_)) | None => return Err(Ended),
                    }
                }
                () = at(self.expires) => return Err(self.expire().await),
                () = at(idle) => return Err(self.close("live.idle").await),
                _ = self.beat.tick() => self.sim.with(|world| world.take_leave(&self.document, None)),
            }
        }
    }

    async fn say(&mut self, frame: Vec<u8>) -> Step {
        self.socket.send(Message::binary(frame)).await.map_err(|_gone| Ended)
    }

    /// An update of somebody, as its fault wants it.
    async fn tell(&mut self, frame: Vec<u8>) -> Step {
        match self.sim.with(|world| world.live.strike(Place::Told)) {
            Some(LiveFault::LoseTold) => Ok(()),
            Some(LiveFault::CorruptUpdate) => self.say(wire::update(&NO_UPDATE)).await,
            Some(LiveFault::DuplicateTold) => {
                self.say(frame.clone()).await?;
                self.say(frame).await
            }
            Some(LiveFault::Slow { millis }) => {
                tokio::time::sleep(Duration::from_millis(millis)).await;
                self.say(frame).await
            }
            Some(LiveFault::DropMidFrame) => {
                // FIN and binary, a length of 126 and more announced, and half of what was.
                let head = [0x82, 126, 0xff, 0xff];
                let io = self.socket.get_mut();
                // A caller that is gone already loses nothing.
                let _gone = io.write_all(&[&head[..], &frame[..frame.len() / 2]].concat()).await;
                let _gone = io.flush().await;
                Err(Ended)
            }
            _ => self.say(frame).await,
        }
    }

    async fn obey(&mut self, fault: LiveFault) -> Step {
        match fault {
            LiveFault::Expire => return Err(self.expire().await),
            LiveFault::Drop => return Err(Ended),
            LiveFault::Mute => {
                let mut unheard = [0; 256];
                while self.socket.get_mut().read(&mut unheard).await.is_ok_and(|bytes| bytes > 0) {}
                return Err(Ended);
            }
            LiveFault::Stall { millis } => tokio::time::sleep(Duration::from_millis(millis)).await,
            LiveFault::Say { bytes } => self.say(bytes).await?,
            LiveFault::SayText { text } => self.socket.send(Message::text(text)).await.map_err(|_gone| Ended)?,
            // The others wait for their places; nobody orders them.
            _ => {}
        }
        Ok(())
    }

    async fn expire(&mut self) -> Ended {
        self.sim.with(|world| world.served("live.expired"));
        deny(&mut self.socket, "token expired").await
    }

    async fn close(&mut self, line: &'static str) -> Ended {
        self.sim.with(|world| world.served(line));
        let frame = CloseFrame { code: CloseCode::Normal, reason: "idle".into() };
        let _left = tokio::time::timeout(FAREWELL, self.socket.close(Some(frame))).await;
        farewell(&mut self.socket).await
    }

    async fn hear(&mut self, bytes: &[u8]) -> Step {
        match wire::read(bytes) {
            Some(Heard::Step1(vector)) => self.answer(&vector).await,
            Some(Heard::Step2(update)) => {
                self.take("live.brought", &update);
                Ok(())
            }
            Some(Heard::Update(update)) => self.update(&update),
            Some(Heard::Awareness(states)) => {
                self.sim.with(|world| world.hear_states(Some(self.id), &self.document, &states));
                Ok(())
            }
            Some(Heard::QueryAwareness) => {
                let states = self.sim.with(|world| {
                    world.served("live.query_awareness");
                    world.live.rooms.get(&self.document).map(super::room::Room::states).unwrap_or_default()
                });
                self.say(wire::awareness(&states)).await
            }
            Some(Heard::Unknown) | None => {
                self.sim.with(|world| world.served("live.unknown"));
                Ok(())
            }
        }
    }

    /// A client's edit, as its fault wants it.
    fn update(&self, update: &[u8]) -> Step {
        let fault = self.sim.with(|world| world.live.strike(Place::Heard));
        if !matches!(fault, Some(LiveFault::LoseUpdate | LiveFault::DropBefore)) {
            self.take("live.update", update);
        }
        if matches!(fault, Some(LiveFault::DropBefore | LiveFault::DropAfter)) { Err(Ended) } else { Ok(()) }
    }

    /// Step 2: what the client lacks.
    async fn answer(&mut self, vector: &[u8]) -> Step {
        let (fault, lacking) = self.sim.with(|world| {
            let lacking = world.live.rooms.get(&self.document).and_then(|it| it.lacking(vector));
            world.served(if lacking.is_some() { "live.step2" } else { "live.unknown" });
            (world.live.strike(Place::Sync), lacking)
        });
        match (fault, lacking) {
            (Some(LiveFault::NeverSync), _) | (_, None) => Ok(()),
            (Some(LiveFault::CorruptSync), _) => self.say(wire::step2(&NO_UPDATE)).await,
            (_, Some(lacking)) => self.say(wire::step2(&lacking)).await,
        }
    }

    /// What a client has; bytes that are no update change nothing, as on y-websocket's server.
    fn take(&self, line: &'static str, update: &[u8]) {
        self.sim.with(|world| {
            let taken = world.hear_update(self.id, &self.document, update);
            world.served(if taken { line } else { "live.bad_update" });
        });
    }
}
