//! Files that go with an action: named in its arguments, read when it goes out.

use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use serde_json::{Map, Value};
use tokio::io::AsyncReadExt;

use super::Refusal;

/// The argument that names files.
pub const FILES: &str = "files";

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

/// A file's bytes, within the cap (bytes). Refused as `no_such_file`, `too_large` or `bad_args`.
pub async fn read(file: &File, cap: u64) -> Result<Bytes, Refusal> {
    let too_large =
        |size: u64| Refusal::new("too_large", format!("`{}` has {size} bytes; the platform takes {cap}", file.name));
    match &file.from {
        Source::Content(content) => {
            let bytes = BASE64_STANDARD.decode(content);
            let bytes = bytes.map_err(|_| Refusal::new("bad_args", format!("`{}` is not base64", file.name)))?;
            if bytes.len() as u64 > cap { Err(too_large(bytes.len() as u64)) } else { Ok(bytes.into()) }
        }
        Source::Path(path) => {
            let unreadable = |error: std::io::Error| {
                Refusal::new("no_such_file", format!("{} cannot be read by the bridge ({error})", path.display()))
            };
            let meta = tokio::fs::metadata(path).await.map_err(unreadable)?;
            if !meta.is_file() {
                return Err(Refusal::new("no_such_file", format!("{} is not a file", path.display())));
            }
            if meta.len() > cap {
                return Err(too_large(meta.len()));
            }
            // It may grow between the look and the read, and some files of the system say that they have no size.
            let mut bytes = Vec::new();
            let file = tokio::fs::File::open(path).await.map_err(unreadable)?;
            if is_private(&file.metadata().await.map_err(unreadable)?) {
                let message =
                    "only the bridge's own user may read it, so it is not sent: make it readable for the agent";
                return Err(Refusal::new("private_file", format!("{}: {message}", path.display())));
            }
            file.take(cap + 1).read_to_end(&mut bytes).await.map_err(unreadable)?;
            if bytes.len() as u64 > cap { Err(too_large(bytes.len() as u64)) } else { Ok(bytes.into()) }
        }
    }
}

/// The bridge reads with its own rights, which are not the agent's: what is for its eyes alone (the vault's key, the store,
/// a token) must not leave by way of an attachment. Looked up on the open file, so that no link can be put in between.
fn is_private(meta: &std::fs::Metadata) -> bool {
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
