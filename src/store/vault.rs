//! Secrets at rest are sealed: a stolen store file, or a backup of it, tells none of them.
//!
//! XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha-03) with a random 24-byte nonce before each sealed text. What the
//! secret belongs to is authenticated with it, so that a row moved to another owner or field does not open.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use secrecy::{ExposeSecret, SecretString};
use zeroize::{Zeroize, Zeroizing};

use super::fault::{Fault, OpenError};
use super::unfinished::Unfinished;
use crate::failpoint::{Point, reach};

const NONCE: usize = 24;
const TAG: &[u8] = b"agent-bridge/vault/1";
/// What every store keeps sealed, to tell the right key from a wrong one.
const CHECK: (&str, &str, &str) = ("", "check", "this key fits");
/// A key file is never longer than this, whatever its form.
const KEY_FILE_CAP: u64 = 4096;

/// A vault key: 32 bytes, wiped from memory when dropped.
#[derive(Clone)]
pub struct VaultKey(Zeroizing<[u8; 32]>);

impl std::fmt::Debug for VaultKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("VaultKey(…)")
    }
}

impl VaultKey {
    /// A key of chance.
    pub fn fresh() -> Self {
        let mut key = Zeroizing::new([0; 32]);
        getrandom::fill(&mut *key).expect("the system's random source answers");
        Self(key)
    }

    /// Reads a key: 32 raw bytes, or as text 64 hex digits, or 32 bytes in base64 (either alphabet). `None` for
    /// anything else.
    pub fn parse(content: &[u8]) -> Option<Self> {
        if let Ok(raw) = <[u8; 32]>::try_from(content) {
            return Some(Self(Zeroizing::new(raw)));
        }
        let text = std::str::from_utf8(content).ok()?.trim();
        let mut decoded = hex(text).or_else(|| base64(text))?;
        let key = <[u8; 32]>::try_from(&decoded[..]).ok().map(|key| Self(Zeroizing::new(key)));
        decoded.zeroize();
        key
    }

    /// Seals `secret` for its owner and field.
    pub fn seal(&self, owner: &str, field: &str, secret: &str) -> Vec<u8> {
        let mut nonce = [0; NONCE];
        getrandom::fill(&mut nonce).expect("the system's random source answers");
        let payload = Payload { msg: secret.as_bytes(), aad: &belongs(owner, field) };
        let sealed = XChaCha20Poly1305::new((&*self.0).into())
            .encrypt(&XNonce::from(nonce), payload)
            .expect("a secret is far shorter than the cipher's bound of 256 GiB");
        [&nonce[..], &sealed].concat()
    }

    /// Opens what [`VaultKey::seal`] made for the same owner and field; `None` where key or place are others.
    pub fn open(&self, owner: &str, field: &str, row: &[u8]) -> Option<SecretString> {
        let (nonce, sealed) = row.split_first_chunk::<NONCE>()?;
        let payload = Payload { msg: sealed, aad: &belongs(owner, field) };
        let plain = XChaCha20Poly1305::new((&*self.0).into()).decrypt(&XNonce::from(*nonce), payload).ok()?;
        match String::from_utf8(plain) {
            Ok(text) => Some(text.into()),
            Err(error) => {
                error.into_bytes().zeroize();
                None
            }
        }
    }

    /// The row by which a store knows its key.
    pub fn check(&self) -> Vec<u8> {
        self.seal(CHECK.0, CHECK.1, CHECK.2)
    }

    /// Whether a store with this check row was sealed with this key.
    pub fn fits(&self, check: &[u8]) -> bool {
        self.open(CHECK.0, CHECK.1, check).is_some_and(|plain| plain.expose_secret() == CHECK.2)
    }
}

/// Lengths stand before the texts, so that no two places authenticate alike.
fn belongs(owner: &str, field: &str) -> Vec<u8> {
    let mut place = TAG.to_vec();
    for text in [owner, field] {
        place.extend_from_slice(&(text.len() as u64).to_le_bytes());
        place.extend_from_slice(text.as_bytes());
    }
    place
}

fn hex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes();
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    (digits.len() == 64).then(|| {
        digits.as_chunks::<2>().0.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?)).collect()
    })?
}

fn base64(text: &str) -> Option<Vec<u8>> {
    let lenient = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    [&alphabet::STANDARD, &alphabet::URL_SAFE]
        .into_iter()
        .find_map(|letters| GeneralPurpose::new(letters, lenient).decode(text).ok())
}

/// Where the key of a store is read from, and whether it may be made there.
#[derive(Clone, Debug)]
pub struct KeyFile {
    /// The file.
    pub path: PathBuf,
    /// Beside the store, so made on first start; a file that the operator names is never made.
    pub own: bool,
}

impl KeyFile {
    /// The key, or `None` where the file does not exist.
    pub fn read(&self) -> Result<Option<VaultKey>, OpenError> {
        let file = match File::open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(self.refused("read the vault key", source)),
        };
        let mut content = Zeroizing::new(Vec::with_capacity(128));
        file.take(KEY_FILE_CAP)
            .read_to_end(&mut content)
            .map_err(|source| self.refused("read the vault key", source))?;
        let wrong = || self.unfit("it holds neither 32 raw bytes nor 32 bytes as hex or base64");
        VaultKey::parse(&content).map(Some).ok_or_else(wrong)
    }

    /// The key for a store that is about to be made: the one that is there, else (beside the store) a fresh one.
    pub fn read_or_make(&self) -> Result<VaultKey, OpenError> {
        match self.read()? {
            Some(key) => Ok(key),
            None if self.own => self.make(),
            None => Err(self.absent()),
        }
    }

    /// A fresh key appears under its name only when it is whole: a crash must not leave a file that fits nothing.
    fn make(&self) -> Result<VaultKey, OpenError> {
        let (key, unfinished) = (VaultKey::fresh(), Unfinished::beside(&self.path));
        unfinished.sweep();
        match write_key(&unfinished.path, &key).and_then(|()| unfinished.put_in_place(&self.path)) {
            Ok(()) => Ok(key),
            // Another process was first; its key is the key.
            Err(error) if error.kind() == ErrorKind::AlreadyExists => self.read()?.ok_or_else(|| self.absent()),
            Err(source) => Err(self.refused("make the vault key", source)),
        }
    }

    /// The key that fits `check`. A rotation cut short leaves two keys: then the one that fits stays.
    pub fn read_fitting(&self, check: &[u8]) -> Result<VaultKey, OpenError> {
        let next = Self { path: self.next(), own: self.own };
        let refused = match self.read() {
            Ok(Some(key)) if key.fits(check) => return Ok(key),
            Ok(Some(_)) => self.unfit("the store was sealed with another key"),
            Ok(None) => self.unfit("the file does not exist, and the store was sealed with one"),
            Err(error) => error,
        };
        match next.read() {
            Ok(Some(key)) if key.fits(check) => {
                put_in_place(&next.path, &self.path)
                    .map_err(|source| self.refused("put the rotated vault key at", source))?;
                Ok(key)
            }
            _ => Err(refused),
        }
    }

    /// Makes `key` durable beside the present one, before the store is sealed with it.
    pub fn announce(&self, key: &VaultKey) -> Result<(), Fault> {
        let next = self.next();
        match std::fs::remove_file(&next) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(Fault::Beside("remove the key of an earlier rotation", error))
            }
            _ => write_key(&next, key).map_err(|error| Fault::Beside("write the new vault key", error)),
        }
    }

    /// Puts the announced key in the place of the old one, after the store was sealed with it.
    pub fn settle(&self) -> Result<(), Fault> {
        put_in_place(&self.next(), &self.path).map_err(|error| Fault::Beside("put the new vault key in place", error))
    }

    fn next(&self) -> PathBuf {
        let mut next = self.path.clone().into_os_string();
        next.push(".next");
        next.into()
    }

    fn absent(&self) -> OpenError {
        self.unfit("the file does not exist")
    }

    fn unfit(&self, why: &str) -> OpenError {
        OpenError::Key { path: self.path.display().to_string(), why: why.to_owned() }
    }

    fn refused(&self, what: &'static str, source: std::io::Error) -> OpenError {
        OpenError::System { what, path: self.path.display().to_string(), source }
    }
}

fn write_key(path: &Path, key: &VaultKey) -> std::io::Result<()> {
    let mut text = Zeroizing::new(String::with_capacity(65));
    for byte in *key.0 {
        text.extend([byte >> 4, byte & 15].iter().filter_map(|digit| char::from_digit(u32::from(*digit), 16)));
    }
    text.push('\n');
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    reach(Point::VaultWrittenBefore);
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    sync_directory(path)?;
    reach(Point::VaultWrittenAfter);
    Ok(())
}

fn put_in_place(from: &Path, to: &Path) -> std::io::Result<()> {
    reach(Point::VaultRenamedBefore);
    std::fs::rename(from, to)?;
    sync_directory(to)?;
    reach(Point::VaultRenamedAfter);
    Ok(())
}

/// Makes a name durable: the directory entry is data of the directory.
pub fn sync_directory(of: &Path) -> std::io::Result<()> {
    let parent = of.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(parent)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p8_a_secret_opens_only_in_its_own_place_with_its_own_key() {
        let key = VaultKey::fresh();
        let row = key.seal("acme", "token", "canary");
        assert_eq!(key.open("acme", "token", &row).unwrap().expose_secret(), "canary");
        assert!(!row.windows(6).any(|window| window == b"canary"));
        assert!(key.open("acme", "other", &row).is_none());
        assert!(key.open("acmet", "oken", &row).is_none());
        assert!(VaultKey::fresh().open("acme", "token", &row).is_none());
        assert!(key.open("acme", "token", &row[..20]).is_none());
    }

    #[test]
    fn a_key_is_read_raw_as_hex_and_as_base64() {
        let raw = [0xfb_u8; 32];
        let row = VaultKey::parse(&raw).unwrap().check();
        for text in ["fb".repeat(32), "+/v7".repeat(10) + "+/s=", "-_v7".repeat(10) + "-_s", "FB".repeat(32) + "\n"] {
            assert!(VaultKey::parse(text.as_bytes()).unwrap().fits(&row), "{text}");
        }
        for bad in ["", "short", &"g".repeat(64), &"fb".repeat(33)] {
            assert!(VaultKey::parse(bad.as_bytes()).is_none(), "{bad}");
        }
        assert_eq!(format!("{:?}", VaultKey::fresh()), "VaultKey(…)");
    }
}
