//! What the bridge makes itself where nobody gives it, and what follows from that.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, Visitor};

/// How a secret is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Generate {
    /// So many letters, digits, `-` and `_`: 16 to 128.
    Letters(u8),
    /// A private key of secp256k1 (SEC 2, section 2.4.1): 64 hexadecimal digits.
    Secp256k1,
}

/// What anybody may know of a private key of secp256k1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Derived {
    /// Its Ethereum address, in the mixed case of EIP-55.
    Address,
    /// Its compressed public key (SEC 1, section 2.3.3): 66 hexadecimal digits.
    PublicKey,
}

impl<'de> Deserialize<'de> for Generate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reads;
        impl Visitor<'_> for Reads {
            type Value = Generate;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number of letters from 16 to 128, or `secp256k1`")
            }
            fn visit_u64<E: Error>(self, letters: u64) -> Result<Generate, E> {
                let letters = u8::try_from(letters).ok().filter(|letters| (16..=128).contains(letters));
                letters.map(Generate::Letters).ok_or_else(|| E::custom("`generate` is from 16 to 128, or `secp256k1`"))
            }
            fn visit_str<E: Error>(self, word: &str) -> Result<Generate, E> {
                match word {
                    "secp256k1" => Ok(Generate::Secp256k1),
                    _ => Err(E::invalid_value(serde::de::Unexpected::Str(word), &self)),
                }
            }
        }
        deserializer.deserialize_any(Reads)
    }
}
