//! What the bridge chooses itself: secrets that nobody gave, and the facts that follow from them.

use std::collections::{BTreeMap, BTreeSet};

use secrecy::{ExposeSecret, SecretString};

use super::Error;
use super::wallet::{self, Wallet};
use crate::adapter::{Call, Generate, Manifest, Root, Secret, Way};
use crate::store::WorkspaceRecord;

/// What letters are taken from: nothing that a shell, a form or a person reading aloud would trip over.
const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Makes what the way's steps name, the manifest lets us choose, and nobody gave; and notes what follows from keys.
pub(super) fn make(
    manifest: &Manifest,
    way: &str,
    secrets: &mut BTreeMap<String, SecretString>,
    record: &mut WorkspaceRecord,
) {
    let named = manifest.join.ways.get(way).map(named).unwrap_or_default();
    for (name, secret) in manifest.ask.secrets.iter() {
        let wanted = named.contains(&(Root::Secrets, name))
            || secret.derive.names().any(|fact| named.contains(&(Root::Facts, fact)));
        if let Some(how) = secret.generate.filter(|_| wanted && !secrets.contains_key(name)) {
            secrets.insert(name.to_owned(), fresh(how));
        }
        let Some(key) = secrets.get(name) else { continue };
        for (fact, what) in secret.derive.iter() {
            if let Some(told) = wallet::derive(key, *what) {
                record.facts.insert(fact.to_owned(), told.into());
            }
        }
    }
}

/// A key as it is sealed, where somebody gives one: each in the same form, for what is sealed is searched for in what is
/// stored.
pub(super) fn in_form(name: &str, secret: &Secret, given: SecretString) -> Result<SecretString, Error> {
    if secret.generate != Some(Generate::Secp256k1) {
        return Ok(given);
    }
    let wallet = Wallet::read(given.expose_secret()).map(|wallet| wallet.sealed());
    wallet.ok_or_else(|| {
        Error::Asked(format!(
            "the {name} is no private key of secp256k1: give 64 hexadecimal digits, with or without 0x, or leave it out and \
             the bridge makes one"
        ))
    })
}

/// What the steps of a way name.
fn named(way: &Way) -> BTreeSet<(Root, &str)> {
    let calls = way.steps.iter().flat_map(|step| &step.dialects).map(|dialect| &dialect.call);
    calls.flat_map(Call::references).map(|it| (it.root, it.name.as_str())).collect()
}

fn fresh(how: Generate) -> SecretString {
    match how {
        Generate::Letters(length) => letters(length.into()),
        Generate::Secp256k1 => Wallet::fresh().sealed(),
    }
}

fn letters(length: usize) -> SecretString {
    let mut chance = vec![0_u8; length];
    getrandom::fill(&mut chance).expect("the system's random source answers");
    // 64 letters divide 256: none is likelier than another.
    chance.iter().map(|byte| char::from(ALPHABET[usize::from(byte % 64)])).collect::<String>().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_generated_password_is_long_plain_and_never_the_same() {
        let (one, other) = (letters(32), letters(32));
        assert_ne!(one.expose_secret(), other.expose_secret());
        assert!(one.expose_secret().len() == 32 && one.expose_secret().bytes().all(|c| ALPHABET.contains(&c)));
    }

    #[test]
    fn a_given_key_is_sealed_in_one_form_and_never_shown() {
        let secret = Secret { generate: Some(Generate::Secp256k1), ..Secret::default() };
        let digits = "4c0883a69102937d6231471b5dbb6204fe5129617082792ae468d01a3f362318";
        for given in [digits.to_owned(), format!("0x{}", digits.to_uppercase())] {
            assert_eq!(in_form("chat_key", &secret, given.into()).unwrap().expose_secret(), digits);
        }
        let refused = in_form("chat_key", &secret, format!("{digits}00").into()).unwrap_err().to_string();
        assert!(refused.contains("64 hexadecimal digits") && !refused.contains("4c08"), "{refused}");
    }
}
