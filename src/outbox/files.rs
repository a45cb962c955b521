//! Files that go with an action: named in its arguments, read when it goes out.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use rustix::fs::OFlags;
use serde_json::{Map, Value};
use tokio::io::AsyncReadExt;

use super::Refusal;

pub use crate::adapter::FILES;

/// `O_NONBLOCK`: means nothing to a file.
const AT_ONCE: i32 = OFlags::NONBLOCK.bits().cast_signed();

/// A file that goes with an action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Its name there.
    pub name: String,
    /// Where it comes from.
    pub from: Source,
}

/// Where a file comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A path on this machine, absolute, readable by the bridge.
    Path(PathBuf),
    /// Its bytes, as base64 in the request.
    Content(String),
}

/// Reads the argument `files`: a list of `{path}` or `{name, content}` (base64).
pub fn named(args: &Map<String, Value>) -> Result<Vec<File>, Refusal> {
    let bad = || {
        Refusal::new("bad_args", "`files` is a list of {\"path\": \"/absolute\"} or {\"name\": …, \"content\": base64}")
    };
    let Some(list) = args.get(FILES).filter(|list| !list.is_null()) else { return Ok(Vec::new()) };
    let read = |entry: &Value| {
        let text = |key: &str| entry.get(key).and_then(Value::as_str);
        let from = match (text("path"), text("content")) {
            (Some(path), None) if path.starts_with('/') => Source::Path(path.into()),
            (None, Some(content)) => Source::Content(content.to_owned()),
            _ => return None,
        };
        let of_path = || text("path").and_then(|path| path.rsplit('/').next());
        let name = text("name").or_else(of_path).filter(|name| !name.is_empty())?.to_owned();
        Some(File { name, from })
    };
    list.as_array().ok_or_else(bad)?.iter().map(|entry| read(entry).ok_or_else(bad)).collect()
}

/// Whether a file can go along, without reading it. Refused like [`read`].
pub async fn look(file: &File, cap: u64) -> Result<(), Refusal> {
    match &file.from {
        Source::Content(content) => decode(file, content, cap).map(drop),
        Source::Path(path) => open(file, path, cap).await.map(drop),
    }
}

/// A file's bytes, within the cap (bytes). Refused as `no_such_file`, `private_file`, `too_large`, `file_changed` or
/// `bad_args`.
pub async fn read(file: &File, cap: u64) -> Result<Bytes, Refusal> {
    match &file.from {
        Source::Content(content) => decode(file, content, cap),
        Source::Path(path) => {
            let (open, size) = open(file, path, cap).await?;
            // It may grow while it is read, and some files of the system say that they have no size.
            let mut bytes = Vec::new();
            open.take(cap + 1).read_to_end(&mut bytes).await.map_err(|error| unreadable(path, &error))?;
            match bytes.len() as u64 {
                read if read > cap => Err(too_large(file, read, cap)),
                read if read != size => {
                    let message = format!("{} changed while it was read: send it when it is whole", path.display());
                    Err(Refusal::new("file_changed", message))
                }
                _ => Ok(bytes.into()),
            }
        }
    }
}

/// The file, open, and its size.
async fn open(file: &File, path: &Path, cap: u64) -> Result<(tokio::fs::File, u64), Refusal> {
    let unreadable = |error: std::io::Error| unreadable(path, &error);
    // Looked at before it is opened, for to open some things is to do something; and opened without waiting, for to open
    // a pipe that was put there meanwhile is to wait for somebody who writes.
    is_file(path, &tokio::fs::metadata(path).await.map_err(unreadable)?)?;
    let open = tokio::fs::OpenOptions::new().read(true).custom_flags(AT_ONCE).open(path).await.map_err(unreadable)?;
    let meta = open.metadata().await.map_err(unreadable)?;
    is_file(path, &meta)?;
    if is_private(&meta) {
        let message = "only the bridge's own user may read it, so it is not sent: make it readable for the agent";
        return Err(Refusal::new("private_file", format!("{}: {message}", path.display())));
    }
    if meta.len() > cap { Err(too_large(file, meta.len(), cap)) } else { Ok((open, meta.len())) }
}

fn is_file(path: &Path, meta: &Metadata) -> Result<(), Refusal> {
    let refused = || Refusal::new("no_such_file", format!("{} is not a file", path.display()));
    if meta.is_file() { Ok(()) } else { Err(refused()) }
}

fn decode(file: &File, content: &str, cap: u64) -> Result<Bytes, Refusal> {
    let bytes = BASE64_STANDARD.decode(content);
    let bytes = bytes.map_err(|_| Refusal::new("bad_args", format!("`{}` is not base64", file.name)))?;
    if bytes.len() as u64 > cap { Err(too_large(file, bytes.len() as u64, cap)) } else { Ok(bytes.into()) }
}

fn unreadable(path: &Path, error: &std::io::Error) -> Refusal {
    Refusal::new("no_such_file", format!("{} cannot be read by the bridge ({error})", path.display()))
}

fn too_large(file: &File, size: u64, cap: u64) -> Refusal {
    Refusal::new("too_large", format!("`{}` has {size} bytes; the platform takes {cap}", file.name))
}

/// The bridge reads with its own rights, which are not the agent's: what is for its eyes alone (the vault's key, the store,
/// a token) must not leave by way of an attachment. Looked up on the open file, so that no link can be put in between.
fn is_private(meta: &Metadata) -> bool {
    meta.mode() & 0o044 == 0 && meta.uid() == rustix::process::geteuid().as_raw()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_file_that_says_it_is_empty_is_held_to_the_cap_all_the_same() {
        let of = |path: &str| File { name: "f".into(), from: Source::Path(path.into()) };
        assert_eq!(read(&of("/proc/self/maps"), 16).await.unwrap_err().kind, "too_large");
        assert_eq!(read(&of("/proc/self/environ"), 1 << 20).await.unwrap_err().kind, "private_file");
        assert_eq!(read(&of("/dev/zero"), 16).await.unwrap_err().kind, "no_such_file");
    }
}
