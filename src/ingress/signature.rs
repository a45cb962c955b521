//! Whether a delivery was signed with the workspace's secret: HMAC-SHA-256 (RFC 2104) over its raw bytes.

use hmac::{Hmac, KeyInit, Mac};
use http::{HeaderMap, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

/// How a platform signs its deliveries: `signature` of the manifest's way `webhook`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// The header with the signature in lower-case hex.
    pub header: String,
    /// What may stand before the digits; empty: nothing may.
    pub prefix: String,
    /// The name of the sealed secret.
    pub secret: String,
}

impl Signature {
    /// Whether exactly one header holds the signature of these bytes. Without a secret, or with an empty one, nothing
    /// holds, after the same work. Compares in constant time.
    pub fn holds(&self, secret: Option<&SecretString>, headers: &HeaderMap, body: &[u8]) -> bool {
        let key = secret.map_or("", |secret| secret.expose_secret());
        let given = self.given(headers);
        let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).expect("HMAC takes keys of any length");
        mac.update(body);
        let fits = mac.verify_slice(&given.unwrap_or_default()).is_ok();
        fits & given.is_some() & !key.is_empty()
    }

    /// The signature that came; `None` where there is none, or two, or one of another form.
    fn given(&self, headers: &HeaderMap) -> Option<[u8; 32]> {
        let mut all = headers.get_all(self.header.as_str()).iter();
        // Were only the first or the last of two looked at, a proxy could have looked at the other.
        match (all.next(), all.next()) {
            (Some(one), None) => digest(self.digits(one)),
            _ => None,
        }
    }

    /// The header's value without what may stand before it, once.
    fn digits<'a>(&self, value: &'a HeaderValue) -> &'a [u8] {
        let value = value.as_bytes();
        value.strip_prefix(self.prefix.as_bytes()).unwrap_or(value)
    }
}

/// 64 lower-case hex digits, and nothing else: one spelling, so that nothing is verified that others would refuse.
fn digest(digits: &[u8]) -> Option<[u8; 32]> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let (pairs, rest) = digits.as_chunks::<2>();
    let bytes: Option<Vec<u8>> = pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?)).collect();
    bytes.filter(|_| rest.is_empty())?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 4231, test cases 1, 2 and 4: those whose key is text, as a stored secret is.
    const VECTORS: [(&[u8], &[u8], &str); 3] = [
        (&[0x0b; 20], b"Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
        (b"Jefe", b"what do ya want for nothing?", "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
        (
            b"\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19",
            &[0xcd; 50],
            "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b",
        ),
    ];

    fn signature() -> Signature {
        Signature { header: "X-Agent-Signature".into(), prefix: String::new(), secret: "webhook_secret".into() }
    }

    fn headers(values: &[&str]) -> HeaderMap {
        let pair = |value: &&str| (http::HeaderName::from_static("x-agent-signature"), value.parse().unwrap());
        values.iter().map(pair).collect()
    }

    #[test]
    fn the_published_vectors_hold_and_nothing_beside_them() {
        for (key, body, signed) in VECTORS {
            let secret = SecretString::from(std::str::from_utf8(key).unwrap());
            let holds = |values: &[&str]| signature().holds(Some(&secret), &headers(values), body);
            assert!(holds(&[signed]));
            let (upper, longer, spaced) = (signed.to_uppercase(), format!("{signed}00"), format!("0x{}", &signed[2..]));
            let changed = format!("{}{}", &signed[..63], if signed.ends_with('0') { '1' } else { '0' });
            for bad in [&upper, &longer, &spaced, &changed, &signed[..63], &signed[..62], "", "é"] {
                assert!(!holds(&[bad]), "{bad}");
            }
            assert!(!holds(&[]) && !holds(&[signed, signed]) && !holds(&["", signed]));
            assert!(!signature().holds(Some(&"another".into()), &headers(&[signed]), body));
            assert!(!signature().holds(Some(&secret), &headers(&[signed]), &body[1..]));
        }
    }

    #[test]
    fn a_prefix_may_stand_there_once_and_no_other() {
        let (key, body, signed) = VECTORS[1];
        let secret = SecretString::from(std::str::from_utf8(key).unwrap());
        let prefixed = Signature { prefix: "sha256=".into(), ..signature() };
        let holds = |value: &str| prefixed.holds(Some(&secret), &headers(&[value]), body);
        assert!(holds(signed) && holds(&format!("sha256={signed}")));
        let none = format!("sha256={signed}");
        assert!(!signature().holds(Some(&secret), &headers(&[&none]), body), "only where the manifest names it");
        for bad in ["sha256=sha256=", "SHA256=", "sha256:", "sha1=", "sha256= ", "="] {
            assert!(!holds(&format!("{bad}{signed}")), "{bad}");
        }
        assert!(!holds(&format!("sha256={}", signed.to_uppercase())) && !holds("sha256=") && !holds(""));
    }

    #[test]
    fn without_a_secret_not_even_the_signature_of_the_empty_key_holds() {
        let mut mac = Hmac::<Sha256>::new_from_slice(b"").unwrap();
        mac.update(b"{}");
        let hex = mac.finalize().into_bytes().iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
        assert!(!signature().holds(None, &headers(&[&hex]), b"{}"));
        assert!(!signature().holds(Some(&"".into()), &headers(&[&hex]), b"{}"));
    }
}
