//! From the parameters of a settling call to what the consumer is told. Pure.

use super::params;
use super::problem::Problem;
use crate::deliver::{Settle, Which};

/// A settling call and whose event it means; `None`: the connection's own consumer.
#[derive(Debug)]
pub struct Settling {
    /// Whose.
    pub consumer: Option<String>,
    /// What.
    pub settle: Settle,
}

/// The most events one ack may list.
const SEQS: usize = 10_000;

impl TryFrom<params::Ack> for Settling {
    type Error = Problem;

    fn try_from(ack: params::Ack) -> Result<Self, Problem> {
        let which = match (ack.seq, ack.seqs, ack.up_to) {
            (Some(seq), None, None) => Which::Seqs(vec![seq]),
            (None, Some(seqs), None) if (1..=SEQS).contains(&seqs.len()) => Which::Seqs(seqs),
            (None, Some(_), None) => {
                return Err(Problem::bad_params(format!("`seqs` must list 1 to {SEQS} events")));
            }
            (None, None, Some(up_to)) => Which::UpTo(up_to),
            _ => return Err(Problem::bad_params("ack needs exactly one of `seq`, `seqs`, `up_to`")),
        };
        Ok(Self { consumer: ack.consumer, settle: Settle::Ack { which, actions: ack.actions } })
    }
}

impl From<params::Reply> for Settling {
    fn from(reply: params::Reply) -> Self {
        let params::Reply { consumer, seq, text, actions } = reply;
        Self { consumer, settle: Settle::Reply { seq, text, actions } }
    }
}

impl From<params::Nack> for Settling {
    fn from(nack: params::Nack) -> Self {
        let params::Nack { consumer, seq, delay, reason } = nack;
        Self { consumer, settle: Settle::Nack { seq, delay: delay.map(|wait| wait.0), reason } }
    }
}

impl From<params::Extend> for Settling {
    fn from(extend: params::Extend) -> Self {
        Self { consumer: extend.consumer, settle: Settle::Extend { seq: extend.seq } }
    }
}

impl From<params::Reject> for Settling {
    fn from(reject: params::Reject) -> Self {
        let params::Reject { consumer, seq, reason } = reject;
        Self { consumer, settle: Settle::Reject { seq, reason } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ack_says_exactly_which_events_it_means() {
        let read = |text: &str| Settling::try_from(serde_json::from_str::<params::Ack>(text).unwrap());
        assert!(
            matches!(read(r#"{"seq":3}"#).unwrap().settle, Settle::Ack { which: Which::Seqs(seqs), .. } if seqs == [3])
        );
        assert!(matches!(read(r#"{"up_to":3}"#).unwrap().settle, Settle::Ack { which: Which::UpTo(3), .. }));
        for bad in ["{}", r#"{"seq":1,"up_to":2}"#, r#"{"seqs":[]}"#] {
            assert_eq!(read(bad).unwrap_err().kind, "bad_params", "{bad}");
        }
    }
}
