//! `agent-bridge send --file`: what goes along, and what is said where it cannot.

use std::path::PathBuf;

use agent_bridge_sim::speakeasy::{Blob, World};

use crate::lounge::Lounge;

/// A file of this size in the home's folder; readable for everybody, or for its owner alone.
fn file(lounge: &Lounge, name: &str, size: usize, mode: u32) -> PathBuf {
    use std::os::unix::fs::PermissionsExt;
    let path = lounge.home.path(name);
    std::fs::write(&path, vec![b'x'; size]).expect("a file");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).expect("its mode");
    path
}

impl Lounge {
    async fn hand_in(&self, text: &str, files: &[&PathBuf]) -> std::process::Output {
        let topic = self.topic.to_string();
        let mut args = vec!["send", "lounge", &topic, text];
        for file in files {
            args.extend(["--file", file.to_str().expect("UTF-8")]);
        }
        self.home.cli(&args).await
    }

    /// Name and size of what hangs on the agent's newest chat.
    fn hanging(&self) -> Vec<(String, usize)> {
        let chat = self.sim.chats_by_agents().pop().expect("a chat");
        let of = |blob: &Blob| (blob.filename.clone(), blob.bytes.as_ref().map_or(0, bytes::Bytes::len));
        self.sim.look(|world| chat.attachments.iter().filter_map(|id| world.blob(*id)).map(of).collect())
    }

    fn uploads(&self) -> usize {
        self.sim.look(|world: &World| world.log().filter(|entry| entry.route == "/files").count())
    }
}

#[tokio::test]
async fn files_of_any_size_hang_on_the_message() {
    let lounge = Lounge::new("", "").await;
    // Only its owner may read it: it is the command's user who sends it, not the bridge.
    let (notes, empty) = (file(&lounge, "notes.md", 3, 0o600), file(&lounge, "table.csv", 9, 0o644));
    let sent = lounge.hand_in("small ones", &[&notes, &empty]).await;
    assert!(sent.status.success(), "{}", String::from_utf8_lossy(&sent.stderr));
    assert_eq!(lounge.hanging(), [("notes.md".to_owned(), 3), ("table.csv".to_owned(), 9)]);
    let film = file(&lounge, "film.bin", 3 << 20, 0o644);
    let sent = lounge.hand_in("a large one", &[&film]).await;
    assert!(sent.status.success(), "{}", String::from_utf8_lossy(&sent.stderr));
    assert_eq!(lounge.hanging(), [("film.bin".to_owned(), 3 << 20)]);
    lounge.end().await;
}

#[tokio::test]
async fn a_file_that_cannot_go_is_named_and_nothing_is_sent() {
    let lounge = Lounge::new("", "").await;
    let good = file(&lounge, "good.txt", 1, 0o644);
    let over = file(&lounge, "over.bin", (32 << 20) + 1, 0o644);
    let private = file(&lounge, "private.bin", 1 << 20, 0o600);
    let many = vec![&good; 11];
    let pipe = lounge.home.path("pipe");
    let mode = rustix::fs::Mode::from_raw_mode(0o644);
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, mode, 0).expect("a pipe");
    for (files, code, words) in [
        (vec![&good, &lounge.home.path("none.txt")], 66, "none.txt: No such file"),
        (vec![&good, &lounge.home.path("state")], 66, "state is not a file"),
        (vec![&pipe], 66, "pipe is not a file"),
        (vec![&good, &over], 65, "`over.bin` has 33554433 bytes; the platform takes 33554432"),
        (vec![&private], 65, "make it readable for the agent"),
        (many, 65, "10 go with one `send`"),
    ] {
        let output = lounge.hand_in("not this", &files).await;
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(code) && said.contains(words), "{:?} {said}", output.status);
        assert_eq!(said.trim_end().lines().count(), 1, "{said}");
    }
    assert_eq!((lounge.sim.chats_by_agents().len(), lounge.uploads()), (0, 0), "nothing was sent");
    lounge.end().await;
}
