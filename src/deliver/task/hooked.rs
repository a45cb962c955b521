//! What only a webhook can say of a delivery.

use super::{Done, Task};
use crate::deliver::handle::WebhookWord;
use crate::deliver::lanes::Rest;
use crate::deliver::reach::Fault;
use crate::deliver::subscription::{Closed, ReaderId};
use crate::store::Change;

impl Task {
    /// What the webhook's own reader says of an event shows that the endpoint can be reached.
    pub(super) fn note_answered(&mut self, seqs: &[u64], from: Option<ReaderId>, success: bool) {
        let own = self.reader.as_ref().is_some_and(|reader| reader.webhook && Some(reader.id) == from);
        for seq in seqs.iter().filter(|_| own) {
            if success { self.reach.succeeded(*seq) } else { self.reach.answered(*seq) }
        }
    }

    pub(super) fn webhook_says(&mut self, seq: u64, from: ReaderId, word: WebhookWord) {
        if self.held(seq, Some(from)).is_err() {
            return;
        }
        let now = self.now();
        match word {
            WebhookWord::Taken => self.reach.kept(seq),
            WebhookWord::Unreached { reason, retry_after } => {
                match self.reach.failed(seq, &reason, retry_after, now.mono) {
                    Fault::Event(asked) => {
                        let rest = asked.map_or(Rest::Backoff, Rest::AtLeast);
                        self.lanes.fail(seq, &reason, rest, now);
                    }
                    Fault::Endpoint(until) => self.lanes.give_back(seq, until),
                }
            }
            WebhookWord::Gone => {
                self.lanes.give_back(seq, now.mono);
                let why = "the webhook answered 410 Gone".to_owned();
                tracing::warn!(consumer = self.consumer.name, "{why}: nothing is delivered until it is enabled again");
                self.consumer.disabled = Some(why);
                self.commit(vec![Change::Consumer(Box::new(self.consumer.clone()))], |_| Done::Answered);
                self.close_reader(Closed::Disabled);
            }
        }
    }
}
