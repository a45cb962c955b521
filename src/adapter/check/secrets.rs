//! Checks what is sealed: one meaning a name, one source a secret, and nothing derived from what is no key.

use super::super::generate::Generate;
use super::super::manifest::Manifest;
use super::{Verdict, at, is_fact};

pub(super) fn check(manifest: &Manifest) -> Verdict {
    for (name, secret) in manifest.ask.secrets.iter() {
        let path = ["ask", "secrets", name];
        if manifest.ask.settings.has(name) {
            return Err(at(&path, format!("`{name}` is a setting too: keep one")));
        }
        if matches!(secret.generate, Some(Generate::Letters(length)) if length < secret.min) {
            return Err(at(&path, "`generate` makes fewer letters than `min` asks for"));
        }
        if secret.taken && secret.generate.is_some() {
            return Err(at(&path, "`taken` comes from the platform and `generate` from the bridge: keep one"));
        }
        if secret.generate != Some(Generate::Secp256k1) && !secret.derive.is_empty() {
            return Err(at(&path, "only from a key something is derived: add `generate: secp256k1`"));
        }
        if let Some(fact) = secret.derive.names().find(|name| !is_fact(manifest, name)) {
            return Err(at(&path, format!("`{fact}` has another meaning: derive it under another name")));
        }
    }
    Ok(())
}
