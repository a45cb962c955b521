//! Signs a delivery as Standard Webhooks 1.0 asks: HMAC-SHA-256 over `id.timestamp.body`, `v1,` and base64.

use base64::Engine as _;
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

use super::base64_text;

const PREFIX: &str = "whsec_";

/// A new secret: `whsec_` and 32 random bytes in base64 (the specification asks for 24 to 64).
pub fn fresh_secret() -> SecretString {
    let mut key = zeroize::Zeroizing::new([0_u8; 32]);
    getrandom::fill(key.as_mut_slice()).expect("the system's random source answers");
    format!("{PREFIX}{}", base64_text(key.as_slice())).into()
}

/// `evt_` and 32 hex digits of the hash of an event's id: the same for every attempt, and safe in a header.
pub fn message_id(event: &str) -> String {
    let digest = Sha256::digest(event.as_bytes());
    digest.iter().take(16).fold("evt_".to_owned(), |text, byte| format!("{text}{byte:02x}"))
}

/// The header's value: one signature for each secret, separated by spaces.
pub fn sign(secrets: &[SecretString], id: &str, timestamp: u64, body: &[u8]) -> String {
    let one = |secret: &SecretString| {
        let mut mac = Hmac::<Sha256>::new_from_slice(&key(secret)).expect("HMAC takes keys of any length");
        mac.update(format!("{id}.{timestamp}.").as_bytes());
        mac.update(body);
        format!("v1,{}", base64_text(&mac.finalize().into_bytes()))
    };
    secrets.iter().map(one).collect::<Vec<_>>().join(" ")
}

/// Whether a key of under 16 bytes stands in it, or none: anybody could sign in the bridge's name. (The specification
/// asks for 24 to 64.)
pub fn is_weak(secret: &SecretString) -> bool {
    key(secret).len() < 16
}

/// The key that `whsec_<base64>` stands for; what is no base64 is the key itself.
fn key(secret: &SecretString) -> zeroize::Zeroizing<Vec<u8>> {
    let text = secret.expose_secret();
    let text = text.strip_prefix(PREFIX).unwrap_or(text);
    let decoded = base64::engine::general_purpose::STANDARD.decode(text);
    decoded.unwrap_or_else(|_| text.as_bytes().to_vec()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the Standard Webhooks specification and its libraries' tests.
    #[test]
    fn the_published_vector_comes_out() {
        let secret = SecretString::from("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        let body = br#"{"test": 2432232314}"#;
        let signed = sign(&[secret], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, body);
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn ids_are_short_plain_and_their_own() {
        let id = message_id("acme/message.created/ünïcödé");
        assert!(id.len() == 36 && id.is_ascii());
        assert_ne!(id, message_id("acme/message.created/other"));
    }

    #[test]
    fn a_secret_that_can_be_guessed_is_weak() {
        for weak in ["", "whsec_", "whsec_QQ==", "whsec_!!!!", "a plain one"] {
            assert!(is_weak(&weak.into()), "{weak}");
        }
        for good in ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "a plain one of 24 bytes."] {
            assert!(!is_weak(&good.into()), "{good}");
        }
        assert!(!is_weak(&fresh_secret()));
    }

    #[test]
    fn fresh_secrets_differ_and_hold_32_bytes() {
        let (one, two) = (fresh_secret(), fresh_secret());
        assert_ne!(one.expose_secret(), two.expose_secret());
        assert_eq!(key(&one).len(), 32);
    }
}
