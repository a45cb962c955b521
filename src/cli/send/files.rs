//! The files of `agent-bridge send --file`: looked at here, so that a wrong name is found out before anything is asked for.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::Path;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use crate::cli::exit::{self, Fault};

/// Files that together have at most so many bytes go along with the request: as base64 they fit into `[http] body` (1 MiB),
/// and the bridge, which may run as another user, needs no right to read them. Larger ones are named by their paths.
const ALONG: u64 = 512 << 10;

/// A file that was opened.
struct Found<'a> {
    path: &'a Path,
    open: File,
    size: u64,
}

/// The argument `files` of an action.
pub fn named<P: AsRef<Path>>(paths: &[P]) -> Result<Value, Fault> {
    let found = paths.iter().map(|path| find(path.as_ref())).collect::<Result<Vec<_>, _>>()?;
    let along = found.iter().map(|file| file.size).sum::<u64>() <= ALONG;
    found.into_iter().map(|file| if along { content(file) } else { place(file.path) }).collect()
}

fn find(path: &Path) -> Result<Found<'_>, Fault> {
    let unreadable = |error: std::io::Error| {
        let code = match error.kind() {
            ErrorKind::NotFound => exit::NO_INPUT,
            ErrorKind::PermissionDenied => exit::NO_PERMISSION,
            _ => exit::IO,
        };
        Fault::new(code, format!("cannot read {}: {error}; nothing was sent", path.display()))
    };
    // Looked at before it is opened: to open a pipe is to wait for somebody who writes.
    let size = match std::fs::metadata(path).map_err(unreadable)? {
        meta if meta.is_file() => meta.len(),
        _ => return Err(Fault::new(exit::NO_INPUT, format!("{} is not a file; nothing was sent", path.display()))),
    };
    let open = File::open(path).map_err(unreadable)?;
    Ok(Found { path, open, size })
}

fn content(file: Found<'_>) -> Result<Value, Fault> {
    let mut bytes = Vec::new();
    // One byte more than it had: a file that grows while it is read is not sent in part.
    let read = file.open.take(file.size + 1).read_to_end(&mut bytes);
    let shown = file.path.display();
    read.map_err(|error| Fault::new(exit::IO, format!("cannot read {shown}: {error}; nothing was sent")))?;
    if bytes.len() as u64 != file.size {
        let word = format!("{shown} changed while it was read: send it when it is whole; nothing was sent");
        return Err(Fault::new(exit::TEMPORARY, word));
    }
    let name = file.path.file_name().unwrap_or_default().to_string_lossy();
    Ok(json!({ "name": name, "content": BASE64_STANDARD.encode(bytes) }))
}

fn place(path: &Path) -> Result<Value, Fault> {
    let whole = std::path::absolute(path)
        .map_err(|error| Fault::new(exit::IO, format!("cannot tell where {} is: {error}", path.display())))?;
    let Some(text) = whole.to_str() else {
        return Err(Fault::usage(format!("{}: a large file needs a name in UTF-8", path.display())));
    };
    Ok(json!({ "path": text }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_files_go_along_and_large_ones_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, size: u64| {
            let path = folder.path().join(name);
            std::fs::write(&path, vec![b'x'; usize::try_from(size).unwrap()]).unwrap();
            path
        };
        let (small, most, over) = (file("small.txt", 3), file("most.bin", ALONG - 3), file("over.bin", ALONG + 1));
        assert_eq!(named(&[&small]).unwrap(), json!([{ "name": "small.txt", "content": "eHh4" }]));
        assert!(named(&[&small, &most]).unwrap()[1]["content"].is_string());
        assert_eq!(named(&[&small, &over]).unwrap(), json!([{ "path": small }, { "path": over }]));
    }

    #[test]
    fn what_is_no_file_is_named() {
        let folder = tempfile::tempdir().unwrap();
        for path in [folder.path().join("none"), folder.path().to_owned(), "/dev/null".into()] {
            let fault = named(&[&path]).unwrap_err();
            assert_eq!(fault.code, exit::NO_INPUT);
            assert!(fault.message.contains(path.to_str().unwrap()), "{}", fault.message);
        }
    }
}
