//! Opens a Unix socket in a directory of its own, and never takes one away from somebody who listens.

use std::fs;
use std::io::{Error, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};

use tokio::net::{UnixListener, UnixStream};

use crate::config::guarded::{self, Loose};
use crate::config::places::SOCKET_PATH;

/// Why a socket cannot be opened. Each says the next move.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Over the system's limit.
    #[error("the socket path {path} has {length} bytes, the system takes {SOCKET_PATH}: give a shorter --runtime DIR")]
    TooLong {
        /// The path.
        path: String,
        /// Its length in bytes.
        length: usize,
    },
    /// Somebody listens there.
    #[error("another agent-bridge listens on {0}: stop it first, or give this one another --runtime DIR")]
    InUse(String),
    /// Something else is there.
    #[error("{0} is no socket (a file or a symbolic link): move it away, or give another --runtime DIR")]
    NotASocket(String),
    /// Others could replace the socket.
    #[error(transparent)]
    Loose(#[from] Loose),
    /// There is no place for it, and none can be made.
    #[error("cannot make {path}, where the sockets go: {source}; name a place: --runtime DIR, or XDG_RUNTIME_DIR")]
    NoPlace {
        /// The directory.
        path: String,
        /// The system's word.
        source: Error,
    },
    /// The system refused.
    #[error("cannot {what} {path}: {source}")]
    System {
        /// The step.
        what: &'static str,
        /// The path.
        path: String,
        /// The system's word.
        source: Error,
    },
}

impl BindError {
    /// The system's kind of error, where it was the system.
    pub fn system(&self) -> Option<ErrorKind> {
        match self {
            Self::NoPlace { source, .. } | Self::System { source, .. } => Some(source.kind()),
            _ => None,
        }
    }
}

/// A listening socket that removes its file when it goes.
#[derive(Debug)]
pub struct Bound {
    /// The listener.
    pub listener: UnixListener,
    path: PathBuf,
}

impl Drop for Bound {
    fn drop(&mut self) {
        // The file may be gone already; nobody is left to tell.
        let _ = fs::remove_file(&self.path);
    }
}

/// Opens the socket at `path` with this mode, handed to `gid` where one is given. Makes the directory (0750) if need be.
pub async fn bind(path: &Path, mode: u32, gid: Option<u32>) -> Result<Bound, BindError> {
    let length = path.as_os_str().len();
    if length > SOCKET_PATH {
        return Err(BindError::TooLong { path: path.display().to_string(), length });
    }
    let step = |what: &'static str, path: &Path| {
        let path = path.display().to_string();
        move |source: Error| BindError::System { what, path, source }
    };
    if let Some(directory) = path.parent() {
        let none = |source| BindError::NoPlace { path: directory.display().to_string(), source };
        make_directory(directory, gid).map_err(none)?;
        guarded::directory(directory)?;
    }
    clear(path).await?;
    // Between here and the next line only the directory's mode and the check of each peer guard the socket: enough.
    let listener = UnixListener::bind(path).map_err(step("open the socket", path))?;
    let bound = Bound { listener, path: path.to_owned() };
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).map_err(step("set the mode of", path))?;
    if gid.is_some() {
        chown(path, None, gid).map_err(step("hand over to the group", path))?;
    }
    Ok(bound)
}

/// Makes the directory 0750; one that is there stays as its owner made it.
fn make_directory(directory: &Path, gid: Option<u32>) -> std::io::Result<()> {
    if directory.is_dir() {
        return Ok(());
    }
    fs::DirBuilder::new().recursive(true).mode(0o750).create(directory)?;
    fs::set_permissions(directory, fs::Permissions::from_mode(0o750))?;
    if gid.is_some() { chown(directory, None, gid) } else { Ok(()) }
}

/// Removes a socket that nobody listens on; refuses everything else that is there.
async fn clear(path: &Path) -> Result<(), BindError> {
    let shown = path.display().to_string();
    let system = |what| {
        let path = shown.clone();
        move |source| BindError::System { what, path, source }
    };
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(system("look at")(error)),
        Ok(found) if !found.file_type().is_socket() => return Err(BindError::NotASocket(shown)),
        Ok(_) => {}
    }
    match UnixStream::connect(path).await {
        Ok(_) => Err(BindError::InUse(shown)),
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => {
            fs::remove_file(path).map_err(system("remove the stale socket"))
        }
        Err(error) => Err(system("look who listens on")(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_stale_socket_is_replaced_and_a_live_one_is_not() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("run/agent.sock");
        let first = bind(&path, 0o660, None).await.unwrap();
        assert!(matches!(bind(&path, 0o660, None).await, Err(BindError::InUse(_))));
        let modes = [&path, path.parent().unwrap()].map(|at| fs::metadata(at).unwrap().permissions().mode() & 0o777);
        assert_eq!(modes, [0o660, 0o750]);
        drop(first);
        assert!(!path.exists(), "a socket goes with its owner");

        drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
        assert!(path.exists(), "a killed daemon leaves its socket");
        bind(&path, 0o600, None).await.unwrap();
    }

    #[tokio::test]
    async fn a_link_a_file_and_a_long_path_are_refused() {
        let home = tempfile::tempdir().unwrap();
        let link = home.path().join("link.sock");
        std::os::unix::fs::symlink(home.path().join("elsewhere"), &link).unwrap();
        assert!(matches!(bind(&link, 0o660, None).await, Err(BindError::NotASocket(_))));
        let file = home.path().join("file.sock");
        fs::write(&file, "mine").unwrap();
        assert!(matches!(bind(&file, 0o660, None).await, Err(BindError::NotASocket(_))));
        assert_eq!(fs::read_to_string(&file).unwrap(), "mine");
        let long = home.path().join("d".repeat(120)).join("agent.sock");
        assert!(bind(&long, 0o660, None).await.unwrap_err().to_string().contains("107"));
    }
}
