//! Other users of the same machine: modes, peers, planted links, directories that are not ours.

use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, lchown, symlink};
use std::path::Path;
use std::process::Stdio;

use crate::bridge::{Home, until};

/// Some user who is neither root nor this one.
const STRANGER: u32 = 65_534;

/// Whether this test runs as root and can give things away and be somebody else; says so where it cannot.
fn is_root(what: &str) -> bool {
    let root = rustix::process::geteuid().is_root();
    if !root {
        eprintln!("attack skipped: {what} needs root");
    }
    root
}

fn mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("the mode is set");
}

/// What `run` says when it refuses to start.
async fn refused(home: &Home) -> String {
    let output = home.cli(&["run"]).await;
    assert!(!output.status.success(), "it must not start");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[tokio::test]
async fn attack_nothing_the_bridge_makes_is_open_to_others_whatever_the_umask() {
    let home = Home::new("");
    let at = |name: &str| home.path(name).display().to_string();
    let mut daemon = tokio::process::Command::new("sh");
    daemon
        .args(["-c", "umask 0; exec \"$@\"", "sh", env!("CARGO_BIN_EXE_agent-bridge")])
        .args(["--config", &at("config.toml"), "--state", &at("new/state"), "--runtime", &at("new/run"), "run"])
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true);
    let _daemon = daemon.spawn().expect("it starts");
    let stands = || async { home.path("new/run/control.sock").exists().then_some(()) };
    until(stands, || "no socket".into()).await;
    // The mode follows the socket at once.
    let closed = || async { (bits(&home.path("new/run/control.sock")) == 0o600).then_some(()) };
    until(closed, || "the socket stays open".into()).await;
    for (path, wanted) in [("new/state", 0o700), ("new/run", 0o750), ("new/run/agent.sock", 0o660)] {
        assert_eq!(bits(&home.path(path)), wanted, "{path}");
    }
    let made: Vec<_> = std::fs::read_dir(home.path("new/state")).unwrap().flatten().collect();
    assert!(
        made.iter().any(|it| it.file_name() == "bridge.redb") && made.iter().any(|it| it.file_name() == "vault.key")
    );
    for file in made {
        assert_eq!(bits(&file.path()) & 0o077, 0, "{}", file.path().display());
    }
}

fn bits(path: &Path) -> u32 {
    std::fs::metadata(path).map_or(0, |found| found.mode() & 0o777)
}

#[tokio::test]
async fn attack_another_user_is_turned_away_even_from_an_open_socket() {
    if !is_root("another user") {
        return;
    }
    let home = Home::new("");
    let daemon = home.start().await;
    opened(&home);
    for (socket, path) in [("agent.sock", "/"), ("control.sock", "/v1/status"), ("control.sock", "/healthz")] {
        let heard = as_stranger(&home, socket, path).await;
        assert!(!heard.contains("workspaces") && !heard.contains("ok"), "{socket}: {heard}");
        // The word may be lost with the connection, which ends while curl still writes.
        assert!(heard.is_empty() || heard.contains("forbidden"), "{socket}: {heard}");
    }
    assert_eq!(home.log().matches("peer refused").count(), 3, "{}", home.log());
    assert_eq!(daemon.stop().await, Some(0));
    // Named in the config, they come to the agent's socket, and still not to the operator's.
    home.configure(&format!("[socket]\nuids = [{STRANGER}]\n"));
    let _daemon = home.start().await;
    opened(&home);
    let heard = as_stranger(&home, "agent.sock", "/").await;
    assert!(heard.contains("not_json") && !heard.contains("forbidden"), "{heard}");
    assert!(!as_stranger(&home, "control.sock", "/v1/status").await.contains("workspaces"));
    assert_eq!(home.log().matches("peer refused").count(), 4, "{}", home.log());
}

/// As if somebody had loosened every mode on the way.
fn opened(home: &Home) {
    for (path, bits) in [("", 0o755), ("run", 0o755), ("run/agent.sock", 0o666), ("run/control.sock", 0o666)] {
        mode(&home.path(path), bits);
    }
}

async fn as_stranger(home: &Home, socket: &str, path: &str) -> String {
    let id = STRANGER.to_string();
    let socket = home.path("run").join(socket);
    let mut curl = tokio::process::Command::new("setpriv");
    curl.args(["--reuid", &id, "--regid", &id, "--clear-groups", "curl", "--silent", "--http0.9", "--max-time", "2"]);
    curl.arg("--unix-socket").arg(socket).arg(format!("http://localhost{path}"));
    let output = curl.stdin(Stdio::null()).output().await.expect("setpriv and curl are here");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[tokio::test]
async fn attack_a_place_that_others_could_replace_is_refused() {
    for place in ["run", "state"] {
        let home = Home::new("");
        mode(&home.path(place), 0o777);
        let said = refused(&home).await;
        assert!(said.contains("everybody may write") && said.contains(place), "{said}");
        assert!(!home.path("state/bridge.redb").exists() || place == "run");
    }
    let home = Home::new("");
    mode(&home.path("config.toml"), 0o666);
    assert!(refused(&home).await.contains("everybody may write"));
    for key in ["vault_key_file = \"KEY\"\n", "[http]\nlisten = \"127.0.0.1:1\"\ntoken_file = \"KEY\"\n"] {
        let home = Home::new("");
        std::fs::write(home.path("key"), "c0ffee".repeat(10) + "cafe").unwrap();
        mode(&home.path("key"), 0o602);
        home.configure(&key.replace("KEY", &home.path("key").display().to_string()));
        assert!(refused(&home).await.contains("everybody may write"));
    }
}

#[tokio::test]
async fn attack_a_place_of_another_user_is_refused() {
    if !is_root("giving a directory away") {
        return;
    }
    for place in ["run", "state"] {
        let home = Home::new("");
        chown(home.path(place), Some(STRANGER), None).unwrap();
        let said = refused(&home).await;
        assert!(said.contains("belongs to user 65534"), "{said}");

        // Their link to a directory of ours is as good.
        let home = Home::new("");
        let (real, link) = (home.path("real"), home.path(place));
        std::fs::rename(&link, &real).unwrap();
        symlink(&real, &link).unwrap();
        lchown(&link, Some(STRANGER), None).unwrap();
        assert!(refused(&home).await.contains("belongs to user 65534"));
        assert_eq!(std::fs::read_dir(&real).unwrap().count(), 0, "nothing was made there");
    }
}

#[tokio::test]
async fn attack_planted_links_are_neither_followed_nor_replaced() {
    for planted in ["run/agent.sock", "run/control.sock", "state/bridge.redb", "state/vault.key"] {
        let home = Home::new("");
        let target = home.path("target");
        symlink(&target, home.path(planted)).unwrap();
        let said = refused(&home).await;
        assert!(said.contains(planted.split('/').next_back().unwrap()), "{planted}: {said}");
        assert!(!target.exists(), "{planted}: nothing was written through it");
        assert!(home.path(planted).is_symlink(), "{planted}: it still lies there for its finder");
    }
    let home = Home::new("");
    std::fs::write(home.path("run/agent.sock"), "mine").unwrap();
    assert!(refused(&home).await.contains("is no socket"));
    assert_eq!(std::fs::read_to_string(home.path("run/agent.sock")).unwrap(), "mine");
}

#[tokio::test]
async fn attack_a_secret_that_everybody_may_read_is_told() {
    let home = Home::new("");
    std::fs::write(home.path("key"), "c0ffee".repeat(10) + "cafe").unwrap();
    mode(&home.path("key"), 0o644);
    home.configure(&format!("vault_key_file = \"{}\"\n", home.path("key").display()));
    let daemon = home.start().await;
    assert!(home.log().contains("everybody on this machine may read this secret"), "{}", home.log());
    assert_eq!(daemon.stop().await, Some(0));
    let before = home.log().len();
    mode(&home.path("key"), 0o600);
    let _daemon = home.start().await;
    assert!(!home.log()[before..].contains("everybody"), "{}", home.log());
}
