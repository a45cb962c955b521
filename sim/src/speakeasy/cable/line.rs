//! One line, from the upgrade to its end: what comes next, and what it brings about.

use std::{
    collections::{BTreeMap, VecDeque},
    convert::Infallible,
    future,
};

use futures_util::StreamExt as _;
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::{
    sync::{
        broadcast::{self, error::RecvError},
        mpsc, watch,
    },
    time::{Instant, Interval},
};
use tokio_tungstenite::{WebSocketStream, tungstenite::Message};

use super::{
    fault::CableFault,
    frame::{Command, Reason},
    mangle::{self, Sending},
    subscribe::Verdict,
};
use crate::speakeasy::{Sim, events::StoredEvent, push::Confirm, record::GrantId, transport::Transport};

mod opening;
mod speak;

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
    token: String,
    grant: GrantId,
    socket: Socket,
    orders: mpsc::UnboundedReceiver<CableFault>,
    news: broadcast::Receiver<StoredEvent>,
    changed: watch::Receiver<u64>,
    beat: Interval,
    pings: bool,
    /// New events whose frames are due later.
    delayed: BTreeMap<(Instant, u64), StoredEvent>,
    replays: VecDeque<Replay>,
    next_replay: Instant,
    /// How many events are to be held back, and the frames of those that are.
    collecting: Option<(usize, Vec<Sending>)>,
}

/// One step of what is still to be said into a subscription.
enum Replay {
    Event(String, StoredEvent),
    Confirm(String),
}

/// What comes next.
enum Turn {
    Order(CableFault),
    News(StoredEvent),
    Heard(Message),
    Look,
    Beat,
    Due,
    Replay,
    End,
}

impl Line {
    async fn talk(&mut self, welcome: bool) -> Result<Infallible, Ended> {
        if welcome {
            self.welcome().await?;
        }
        loop {
            match self.turn().await {
                Turn::Order(order) => self.obey(order).await?,
                Turn::News(event) => self.tell_in_time(event).await?,
                Turn::Due => self.tell_due().await?,
                Turn::Heard(message) => self.hear(message).await?,
                Turn::Look => self.look().await?,
                Turn::Beat => {
                    // A token that ran out changes nothing else: the beat notices it.
                    self.look().await?;
                    self.ping().await?;
                }
                Turn::Replay => self.replay().await?,
                Turn::End => return Err(Ended),
            }
        }
    }

    /// Live events go before replayed ones: that is how they interleave.
    async fn turn(&mut self) -> Turn {
        let replaying = !self.replays.is_empty();
        let due = self.delayed.first_key_value().map(|((due, _), _)| *due);
        tokio::select! {
            biased;
            order = self.orders.recv() => order.map_or(Turn::End, Turn::Order),
            news = self.news.recv() => match news {
                Ok(event) => Turn::News(event),
                // A line too far behind, or whose platform is gone, is dropped.
                Err(RecvError::Lagged(_) | RecvError::Closed) => Turn::End,
            },
            heard = self.socket.next() => match heard {
                Some(Err(_)) | None => Turn::End,
                Some(Ok(message)) => Turn::Heard(message),
            },
            changed = self.changed.changed() => changed.map_or(Turn::End, |()| Turn::Look),
            _ = self.beat.tick() => Turn::Beat,
            () = until(due) => Turn::Due,
            () = tokio::time::sleep_until(self.next_replay), if replaying => Turn::Replay,
        }
    }

    /// A grant that is over, or a token that is, ends the line.
    async fn look(&mut self) -> Step {
        let (good, revoked) = self.sim.look(|world| {
            (world.holds(self.grant, &self.token), world.grant(self.grant).is_some_and(|grant| grant.revoked))
        });
        if good {
            return Ok(());
        }
        let line = if revoked { "cable.revoked" } else { "cable.expired" };
        self.sim.with(|world| world.served(line));
        let reason = if revoked { Reason::Remote } else { Reason::Unauthorized };
        Err(speak::disconnect(&self.sim, &mut self.socket, reason, false).await)
    }

    async fn obey(&mut self, order: CableFault) -> Step {
        match order {
            CableFault::PingsStop => self.pings = false,
            CableFault::Mute => return Err(self.fall_silent().await),
            CableFault::Drop => return Err(Ended),
            CableFault::Disconnect { reason, reconnect } => {
                return Err(speak::disconnect(&self.sim, &mut self.socket, reason, reconnect).await);
            }
            CableFault::Say { text } => self.say(text).await?,
            // The others wait for their places; nobody orders them.
            _ => {}
        }
        Ok(())
    }

    async fn hear(&mut self, message: Message) -> Step {
        let text = match message {
            Message::Text(text) => text,
            Message::Close(_) => return Err(speak::farewell(&mut self.socket).await),
            // The websocket's own pings are answered below us; ActionCable's commands are text.
            _ => return Ok(()),
        };
        match Command::read(&text) {
            Some(Command::Subscribe { identifier }) => self.subscribe(identifier).await,
            Some(Command::Unsubscribe { identifier }) => {
                self.sim.with(|world| world.unsubscribe(self.id, &identifier));
                self.replays.retain(|it| it.identifier() != identifier);
                Ok(())
            }
            Some(Command::Message { .. }) => {
                self.sim.with(|world| world.served("cable.message_command"));
                Ok(())
            }
            None => {
                self.sim.with(|world| world.served("cable.unknown_command"));
                Ok(())
            }
        }
    }

    async fn subscribe(&mut self, identifier: String) -> Step {
        let verdict = self.sim.with(|world| world.subscribe(self.id, self.grant, &identifier));
        match verdict {
            Verdict::Silence => Ok(()),
            Verdict::Rejected(error) => self.reject(&identifier, error).await,
            Verdict::Confirmed(stored) => {
                let options = self.sim.look(|world| world.push.options.clone());
                let overlap = options.replay_overlap.min(stored.len());
                if overlap > 0 {
                    self.sim.with(|world| world.served("cable.interleaved"));
                }
                let stored = mangle::interleaved(stored, overlap);
                let events = stored.into_iter().map(|event| Replay::Event(identifier.clone(), event));
                let confirm = Replay::Confirm(identifier.clone());
                match options.confirm {
                    Confirm::First => {
                        self.confirm(&identifier, "cable.confirm").await?;
                        self.replays.extend(events);
                    }
                    Confirm::Last => self.replays.extend(events.chain([confirm])),
                }
                self.next_replay = Instant::now();
                Ok(())
            }
        }
    }

    async fn replay(&mut self) -> Step {
        self.next_replay = Instant::now() + self.sim.look(|world| world.push.options.replay_pace);
        match self.replays.pop_front() {
            Some(Replay::Event(identifier, event)) => self.transmit(&identifier, &event, "cable.replay").await,
            Some(Replay::Confirm(identifier)) => self.confirm(&identifier, "cable.confirm_last").await,
            None => Ok(()),
        }
    }

    /// A new event, or one whose frames take their time.
    async fn tell_in_time(&mut self, event: StoredEvent) -> Step {
        let Some(due) = self.sim.look(|world| world.push.transports.due(event.id, Transport::Cable)) else {
            return self.tell(&event).await;
        };
        self.delayed.insert((due, event.id), event);
        Ok(())
    }

    async fn tell_due(&mut self) -> Step {
        match self.delayed.pop_first() {
            Some((_, event)) => self.tell(&event).await,
            None => Ok(()),
        }
    }

    /// A new event goes into every live subscription of its grant.
    async fn tell(&mut self, event: &StoredEvent) -> Step {
        if event.grant != self.grant {
            return Ok(());
        }
        let line = if self.replays.is_empty() { "cable.message" } else { "cable.interleaved" };
        for identifier in self.sim.look(|world| world.live_identifiers(self.id)) {
            self.transmit(&identifier, event, line).await?;
        }
        Ok(())
    }
}

/// Returns then; never where there is nothing to wait for.
async fn until(due: Option<Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due).await,
        None => future::pending().await,
    }
}

impl Replay {
    fn identifier(&self) -> &str {
        match self {
            Self::Event(identifier, _) | Self::Confirm(identifier) => identifier,
        }
    }
}
