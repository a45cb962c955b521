//! A chat identity of the bridge's own making: a secp256k1 key, and what a platform is told of it.
//!
//! The key is as long as it is sealed; from it follow its address (EIP-55) and its compressed public key
//! (SEC 1, section 2.3.3), which anybody may know.

use k256::SecretKey;
use k256::elliptic_curve::sec1::ToSec1Point;
use secrecy::{ExposeSecret, SecretString};
use sha3::{Digest, Keccak256};
use zeroize::Zeroizing;

use crate::adapter::Derived;

/// Bytes of a private key (SEC 2, section 2.4.1).
const KEY: usize = 32;

/// A private key of secp256k1. Never printed.
pub(super) struct Wallet(SecretKey);

impl Wallet {
    /// A key that nobody else has.
    pub fn fresh() -> Self {
        let mut chance = Zeroizing::new([0_u8; KEY]);
        loop {
            getrandom::fill(&mut *chance).expect("the system's random source answers");
            // Zero and what is above the group's order are no keys: once in some 2^128 draws.
            if let Ok(key) = SecretKey::from_slice(&*chance) {
                return Self(key);
            }
        }
    }

    /// Reads 64 hexadecimal digits, with or without `0x`; `None` where they are no key.
    pub fn read(text: &str) -> Option<Self> {
        let text = text.trim();
        let digits = text.strip_prefix("0x").unwrap_or(text).as_bytes();
        let mut bytes = Zeroizing::new([0_u8; KEY]);
        if digits.len() != 2 * KEY {
            return None;
        }
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = digit(pair[0])? << 4 | digit(pair[1])?;
        }
        SecretKey::from_slice(&*bytes).ok().map(Self)
    }

    /// As it is sealed: 64 hexadecimal digits, in small letters.
    pub fn sealed(&self) -> SecretString {
        let bytes = Zeroizing::new(<[u8; KEY]>::from(self.0.to_bytes()));
        hex(&*bytes).into()
    }

    /// What follows from it.
    pub fn derive(&self, what: Derived) -> String {
        match what {
            Derived::Address => self.address(),
            Derived::PublicKey => hex(self.0.public_key().to_sec1_point(true).as_bytes()),
        }
    }

    /// The last 20 bytes of the public key's Keccak-256 (Ethereum's yellow paper, appendix F).
    fn address(&self) -> String {
        let point = self.0.public_key().to_sec1_point(false);
        // Behind the 4 that says: not compressed.
        let digest = Keccak256::digest(&point.as_bytes()[1..]);
        eip_55(&hex(&digest[12..]))
    }
}

/// What a sealed key is told as; nothing where it is none.
pub(super) fn derive(key: &SecretString, what: Derived) -> Option<String> {
    Wallet::read(key.expose_secret()).map(|wallet| wallet.derive(what))
}

/// `0x` and the digits, given in small letters: one is a capital where the digest of them has a digit from 8 up at its
/// place.
fn eip_55(digits: &str) -> String {
    let check = hex(&Keccak256::digest(digits.as_bytes()));
    let cased = digits.chars().zip(check.chars());
    let cased = cased.map(|(letter, by)| if by >= '8' { letter.to_ascii_uppercase() } else { letter });
    format!("0x{}", cased.collect::<String>())
}

fn digit(letter: u8) -> Option<u8> {
    char::from(letter).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;

    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a string takes everything");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Private key, address, compressed public key. 1 and 2 are the base point and its double (SEC 2, section 2.4.1;
    /// tables of multiples of the base point); the others are keys that the manuals of Ethereum tools print.
    const PUBLIC: [(&str, &str, &str); 4] = [
        (
            "0000000000000000000000000000000000000000000000000000000000000001",
            "0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf",
            "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798",
        ),
        (
            "0000000000000000000000000000000000000000000000000000000000000002",
            "0x2B5AD5c4795c026514f8317c7a215E218DcCD6cF",
            "02c6047f9441ed7d6d3045406e95c07cd85c778e4b8cef3ca7abac09b95c709ee5",
        ),
        (
            "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80",
            "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266",
            "038318535b54105d4a7aae60c08fc45f9687181b4fdfc625bd1a753fa7397fed75",
        ),
        // The greatest key there is: the base point, turned over.
        (
            "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364140",
            "0x80C0dbf239224071c59dD8970ab9d542E3414aB2",
            "0379be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798",
        ),
    ];

    #[test]
    fn public_keys_and_addresses_are_those_that_everybody_gets() {
        for (key, address, public) in PUBLIC {
            let wallet = Wallet::read(key).unwrap();
            assert_eq!(
                (wallet.derive(Derived::Address), wallet.derive(Derived::PublicKey)),
                (address.into(), public.into())
            );
            assert_eq!(wallet.sealed().expose_secret(), key);
        }
    }

    #[test]
    fn the_case_of_an_address_is_that_of_eip_55() {
        // All of the EIP's own.
        for address in [
            "0x52908400098527886E0F7030069857D2E4169EE7",
            "0x8617E340B3D01FA5F11F306F4090FD50E238070D",
            "0xde709f2102306220921060314715629080e2fb77",
            "0x27b1fdb04752bbc536007a920d24acb045561c26",
            "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
            "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
            "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB",
            "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
        ] {
            assert_eq!(eip_55(&address[2..].to_lowercase()), address);
        }
    }

    #[test]
    fn what_is_no_key_is_none() {
        let order = "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141";
        let (short, zero, letters) = ("01".repeat(31), "00".repeat(32), "0g".repeat(32));
        for text in ["", "0x", order, &short, &zero, &letters, &format!("0x0x{}", "01".repeat(31))] {
            assert!(Wallet::read(text).is_none(), "{text}");
        }
        assert!(Wallet::read(&format!(" 0x{}\n", "Ab".repeat(32))).is_some());
    }

    #[test]
    fn a_fresh_key_can_be_read_again_and_is_never_the_same() {
        let (one, other) = (Wallet::fresh(), Wallet::fresh());
        assert_ne!(one.derive(Derived::Address), other.derive(Derived::Address));
        assert_eq!(derive(&one.sealed(), Derived::PublicKey), Some(one.derive(Derived::PublicKey)));
    }
}
