//! The opaque cursor of the event log: base64 of an id and a checksum, so that a malformed one is told from an old one.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest as _, Sha256};

/// `epoch:id:checksum`, encoded. A new epoch makes every earlier cursor malformed.
pub(crate) fn encode(epoch: u64, id: u64) -> String {
    let text = format!("{epoch}:{id}");
    URL_SAFE_NO_PAD.encode(format!("{text}:{}", checksum(&text)))
}

/// The id in a cursor of this epoch; `None` for anything else.
pub(crate) fn decode(epoch: u64, cursor: &str) -> Option<u64> {
    let plain = String::from_utf8(URL_SAFE_NO_PAD.decode(cursor).ok()?).ok()?;
    let (text, sum) = plain.rsplit_once(':')?;
    let (of, id) = text.split_once(':')?;
    let good = sum == checksum(text) && of.parse() == Ok(epoch);
    good.then(|| id.parse().ok()).flatten()
}

fn checksum(text: &str) -> String {
    let sum = Sha256::digest(text.as_bytes());
    format!("{:02x}{:02x}{:02x}{:02x}", sum[0], sum[1], sum[2], sum[3])
}
