//! What a document keeps for those who asked: wishes that wait for the connection, and edits that wait to be seen there.

use std::time::Duration;

use tokio::time::Instant;

use super::{Ask, Bring, Brought, Made};

/// A wish waits so long for the connection, all connections together; then whoever asked tries again later.
const PATIENCE: Duration = Duration::from_secs(20);
/// A server that was asked for an edit shows it in this time, or the connection is not worth keeping.
const SHOWN: Duration = Duration::from_secs(10);

/// An edit that was sent.
struct Sent {
    number: u64,
    until: Instant,
    /// With its bytes: the next connection brings them again.
    wish: Bring,
}

/// What is kept.
#[derive(Default)]
pub(super) struct Hold {
    waiting: Vec<(Instant, Ask)>,
    sent: Vec<Sent>,
    numbers: u64,
}

impl Hold {
    /// A wish waits for the connection.
    pub fn wait(&mut self, mut ask: Ask, now: Instant) {
        let until = match &mut ask {
            Ask::Bring(wish) => *wish.until.get_or_insert(now + PATIENCE),
            _ => now + PATIENCE,
        };
        self.waiting.push((until, ask));
    }

    /// The connection is there: what waited for it.
    pub fn waited(&mut self) -> Vec<Ask> {
        std::mem::take(&mut self.waiting).into_iter().map(|(_, ask)| ask).collect()
    }

    /// A number for an edit that is about to be sent.
    pub const fn number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }

    /// It was sent.
    pub fn sent(&mut self, number: u64, wish: Bring, now: Instant) {
        self.sent.push(Sent { number, until: now + SHOWN, wish });
    }

    /// The server has these.
    pub fn shown(&mut self, numbers: &[u64]) {
        for sent in self.sent.extract_if(.., |sent| numbers.contains(&sent.number)) {
            // Who waits no longer is not missed.
            let _gone = sent.wish.answer.send(Brought::Seen);
        }
    }

    /// Whether the server owes an edit for too long.
    pub fn is_owed(&self, now: Instant) -> bool {
        self.sent.iter().any(|sent| sent.until <= now)
    }

    /// The connection is gone: what was sent may have arrived, and nobody saw it. It is brought again by the next one,
    /// before what has waited for that.
    pub fn lost(&mut self, now: Instant) {
        let waited = std::mem::take(&mut self.waiting);
        for sent in std::mem::take(&mut self.sent) {
            self.wait(Ask::Bring(sent.wish), now);
        }
        self.waiting.extend(waited);
    }

    /// Those who waited long enough come again later.
    pub fn tire(&mut self, now: Instant, why: &str) {
        for (_, ask) in self.waiting.extract_if(.., |(until, _)| *until <= now) {
            match ask {
                Ask::Bring(Bring { answer, .. }) => drop(answer.send(Brought::Apart(why.to_owned()))),
                ask => later(ask, why),
            }
        }
    }

    /// The document has failed: everybody hears why.
    pub fn fail(&mut self, kind: &'static str, why: &str) {
        for sent in self.sent.drain(..) {
            fail(Ask::Bring(sent.wish), kind, why);
        }
        for (_, ask) in self.waiting.drain(..) {
            fail(ask, kind, why);
        }
    }

    /// When something here is due.
    pub fn due(&self) -> Option<Instant> {
        self.waiting.iter().map(|(until, _)| *until).chain(self.sent.iter().map(|sent| sent.until)).min()
    }

    /// Nobody waits for anything.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.sent.is_empty()
    }
}

/// Tells whoever asked to come again.
pub(super) fn later(ask: Ask, why: &str) {
    match ask {
        Ask::Make { answer, .. } => drop(answer.send(Made::Later(why.to_owned()))),
        Ask::Bring(Bring { answer, .. }) => drop(answer.send(Brought::Unseen(why.to_owned()))),
        Ask::Read { answer } => drop(answer.send(None)),
        Ask::Attend(_) | Ask::Close => {}
    }
}

/// Answers a wish of a document that has failed.
pub(super) fn fail(ask: Ask, kind: &'static str, why: &str) {
    match ask {
        Ask::Make { answer, .. } => drop(answer.send(Made::Refused { kind, message: why.to_owned() })),
        ask => later(ask, why),
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::*;

    type Answer = oneshot::Receiver<Brought>;

    fn bring(bytes: u8) -> (Bring, Answer) {
        let (answer, answered) = oneshot::channel();
        (Bring { update: vec![bytes], until: None, answer }, answered)
    }

    fn one(asks: Vec<Ask>) -> Bring {
        let mut wishes = asks.into_iter().map(|ask| if let Ask::Bring(wish) = ask { Some(wish) } else { None });
        let wish = wishes.next().flatten().expect("an edit that is to be brought");
        assert!(wishes.next().is_none());
        wish
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_sent_when_the_connection_ended_goes_out_by_the_next_and_is_told_of_when_it_was_seen() {
        let (mut hold, (wish, mut answer)) = (Hold::default(), bring(7));
        let first = hold.number();
        hold.sent(first, wish, Instant::now());
        hold.lost(Instant::now());
        assert!(answer.try_recv().is_err() && !hold.is_empty(), "nobody knows yet what became of it");
        let again = one(hold.waited());
        assert_eq!(again.update, [7], "the same bytes");
        let second = hold.number();
        hold.sent(second, again, Instant::now());
        hold.shown(&[first]);
        assert!(answer.try_recv().is_err(), "what was heard of the first time proves nothing now");
        hold.shown(&[second]);
        assert!(matches!(answer.try_recv(), Ok(Brought::Seen)) && hold.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn however_often_it_is_sent_and_lost_its_patience_is_one() {
        let (mut hold, (wish, mut answer)) = (Hold::default(), bring(7));
        hold.sent(1, wish, Instant::now());
        hold.lost(Instant::now());
        let end = hold.due().expect("it waits");
        while Instant::now() < end {
            hold.tire(Instant::now(), "down");
            let wish = one(hold.waited());
            hold.sent(1, wish, Instant::now());
            tokio::time::advance(PATIENCE / 8).await;
            hold.lost(Instant::now());
        }
        hold.tire(Instant::now(), "down");
        assert!(matches!(answer.try_recv(), Ok(Brought::Apart(why)) if why == "down") && hold.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn a_document_that_fails_lets_nobody_wait() {
        let (mut hold, (sent, mut one), (waits, mut other)) = (Hold::default(), bring(1), bring(2));
        hold.sent(1, sent, Instant::now());
        hold.wait(Ask::Bring(waits), Instant::now());
        hold.fail("document_failed", "gone");
        for answer in [&mut one, &mut other] {
            assert!(matches!(answer.try_recv(), Ok(Brought::Unseen(why)) if why == "gone"));
        }
    }
}
