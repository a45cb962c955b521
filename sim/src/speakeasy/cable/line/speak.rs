//! What a line says: frames, silence, and its last words.

use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_tungstenite::tungstenite::{
    Message,
    protocol::{CloseFrame, frame::coding::CloseCode},
};

use super::{
    super::{
        fault::{CableFault, Place},
        frame::{self, CableError, Reason},
        mangle::{self, Sending},
    },
    Ended, Line, Socket, Step,
};
use crate::speakeasy::{Sim, events::StoredEvent, transport::Transport};

/// How long a caller may take to answer a close frame.
const FAREWELL: Duration = Duration::from_secs(5);

/// A disconnect frame, then close 1000.
pub(super) async fn disconnect(sim: &Sim, socket: &mut Socket, reason: Reason, reconnect: bool) -> Ended {
    sim.with(|world| world.served(reason.line()));
    let last_words = async {
        socket.send(Message::text(frame::disconnect(reason, reconnect))).await?;
        socket.close(Some(CloseFrame { code: CloseCode::Normal, reason: "".into() })).await?;
        Ok::<_, tokio_tungstenite::tungstenite::Error>(())
    };
    // A caller that takes nothing any more is left all the same.
    let _left = tokio::time::timeout(FAREWELL, last_words).await;
    farewell(socket).await
}

/// After a close frame, theirs or ours: the other one follows.
pub(super) async fn farewell(socket: &mut Socket) -> Ended {
    let closing = async { while socket.next().await.is_some_and(|it| it.is_ok()) {} };
    let _left = tokio::time::timeout(FAREWELL, closing).await;
    Ended
}

impl Line {
    pub(super) async fn say(&mut self, text: String) -> Step {
        self.socket.send(Message::text(text)).await.map_err(|_gone| Ended)
    }

    async fn serve(&mut self, line: &'static str, text: String) -> Step {
        self.sim.notes(line);
        self.say(text).await
    }

    pub(super) async fn welcome(&mut self) -> Step {
        self.serve("cable.welcome", frame::welcome()).await
    }

    pub(super) async fn ping(&mut self) -> Step {
        if !self.pings {
            return Ok(());
        }
        let seconds = self.sim.look(|world| world.now() / 1000);
        self.serve("cable.ping", frame::ping(seconds)).await
    }

    pub(super) async fn confirm(&mut self, identifier: &str, line: &'static str) -> Step {
        self.serve(line, frame::confirm(identifier)).await
    }

    /// The error, where there is one, and then the rejection.
    pub(super) async fn reject(&mut self, identifier: &str, error: Option<CableError>) -> Step {
        let line = error.map_or("cable.reject_silently", |_| "cable.reject_after_error");
        if let Some(error) = error {
            self.serve(error.line(), frame::message(identifier, &error.body())).await?;
        }
        self.serve(line, frame::reject(identifier)).await
    }

    /// One event into one subscription, in as many frames as its fault wants.
    pub(super) async fn transmit(&mut self, identifier: &str, event: &StoredEvent, line: &'static str) -> Step {
        let fault = self.sim.with(|world| {
            world.served(line);
            world.push.cables.strike(Place::Event)
        });
        if fault == Some(CableFault::DropMidFrame) {
            return Err(self.drop_in_mid_frame(&frame::message(identifier, &event.body)).await);
        }
        if let (Some(CableFault::Reorder { events }), None) = (&fault, &self.collecting) {
            self.collecting = Some((*events, Vec::new()));
        }
        for sending in mangle::frames(identifier, event, fault.as_ref()) {
            self.send_or_collect(sending).await?;
        }
        Ok(())
    }

    async fn send_or_collect(&mut self, sending: Sending) -> Step {
        let Some((size, mut held)) = self.collecting.take() else {
            return self.send(sending).await;
        };
        held.push(sending);
        if held.len() < size {
            self.collecting = Some((size, held));
            return Ok(());
        }
        for sending in held.into_iter().rev() {
            self.send(sending).await?;
        }
        Ok(())
    }

    async fn send(&mut self, sending: Sending) -> Step {
        self.say(sending.text).await?;
        self.sim.with(|world| {
            let subscription = world.push.cables.subscription(self.id, &sending.identifier);
            if let (Some(subscription), Some(event)) = (subscription, sending.event) {
                subscription.sent.push(event);
                world.push.transports.shows(event, Transport::Cable);
            }
        });
        Ok(())
    }

    /// Below the websocket: half a frame, and nothing after it.
    async fn drop_in_mid_frame(&mut self, text: &str) -> Ended {
        let io = self.socket.get_mut();
        // A caller that is gone already loses nothing.
        let _gone = io.write_all(&mangle::half(text)).await;
        let _gone = io.flush().await;
        Ended
    }

    /// Reads what the caller says, so that its leaving is noticed, and writes nothing any more: not even pongs.
    pub(super) async fn fall_silent(&mut self) -> Ended {
        let io = self.socket.get_mut();
        let mut unheard = [0; 256];
        while io.read(&mut unheard).await.is_ok_and(|bytes| bytes > 0) {}
        Ended
    }
}
