//! Whether a loop still gets on: it answers when it is asked, or it is stuck.

use tokio::sync::{mpsc, oneshot};

/// Asks one loop. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Pulse(mpsc::Sender<oneshot::Sender<()>>);

/// The loop's end of it: one arm of its `select!`.
#[derive(Debug)]
pub struct Beat(mpsc::Receiver<oneshot::Sender<()>>);

/// Both ends for one loop.
pub fn pulse() -> (Pulse, Beat) {
    // One question under way is enough: whoever asks while it is open waits with it.
    let (ask, asked) = mpsc::channel(1);
    (Pulse(ask), Beat(asked))
}

impl Pulse {
    /// Returns when the loop has answered, or has ended: what is gone is not stuck. Waits for ever for one that is.
    pub async fn beats(&self) {
        let (answer, answered) = oneshot::channel();
        if self.0.send(answer).await.is_ok() {
            // An error means that the loop ended before it came to the question.
            let _ended = answered.await;
        }
    }
}

impl Beat {
    /// Answers the next question, and returns; waits for ever where nobody asks any more. Nothing is lost when the
    /// future is dropped.
    pub async fn asked(&mut self) {
        match self.0.recv().await {
            // Whoever asked may have stopped waiting.
            Some(answer) => drop(answer.send(())),
            None => std::future::pending().await,
        }
    }

    /// Runs `work` and answers meanwhile: for a task that has no loop of its own. It proves that the task is run, not
    /// that its work gets on.
    pub async fn during<T>(mut self, work: impl Future<Output = T>) -> T {
        let mut work = std::pin::pin!(work);
        loop {
            tokio::select! {
                done = &mut work => return done,
                () = self.asked() => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    const SOON: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn who_gets_on_answers_who_has_ended_is_not_missed_and_who_is_stuck_is() {
        let (pulse, mut beat) = pulse();
        let asked = tokio::spawn({
            let pulse = pulse.clone();
            async move { timeout(SOON, pulse.beats()).await }
        });
        beat.asked().await;
        assert_eq!(asked.await.unwrap(), Ok(()));
        assert!(timeout(SOON, pulse.beats()).await.is_err(), "nobody comes to the question");
        drop(beat);
        assert_eq!(timeout(SOON, pulse.beats()).await, Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_task_answers_while_it_works() {
        let (pulse, beat) = pulse();
        let work = tokio::spawn(beat.during(tokio::time::sleep(SOON * 60)));
        assert_eq!(timeout(SOON, pulse.beats()).await, Ok(()));
        work.await.unwrap();
    }
}
