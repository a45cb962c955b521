//! Every secret of a whole story, at the loudest log level, and all that the bridge printed, served or stored.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use agent_bridge_sim::agentunited::{Fault, Options};
use base64::Engine;
use serde_json::json;

use super::front::Front;
use super::peer::{Peer, address, get, post};
use crate::house::{House, QUICK, accepted, ack};

/// Secrets that the test chooses; those that platform and bridge choose are read off the wire.
const BEARER: &str = "canary-bearer-0123456789abcdef";
const PASSWORD: &str = "canary-password-0123456789";
const WRONG: &str = "canary-wrong-token-0123456789";

fn private(path: &Path, text: &str) {
    std::fs::write(path, text).expect("a secret is written");
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).expect("its mode is set");
}

/// What stands behind each of these marks on the wire, up to the end of the value.
pub fn on_the_wire(passed: &str) -> BTreeSet<String> {
    let marks =
        ["authorization: Bearer ", "\"password\":\"", "\"jwt_token\":\"", "\"token\":\"", "\"plaintext_key\":\""];
    let ends = |c: char| c == '"' || c == '\r';
    let values = marks
        .iter()
        .flat_map(|mark| passed.split(mark).skip(1).map(|rest| rest.split(ends).next().unwrap_or_default()));
    values.map(str::to_owned).filter(|value| value.len() >= 12).collect()
}

/// Everything said to anybody, each with where.
#[derive(Default)]
struct Said(Vec<(String, Vec<u8>)>);

impl Said {
    async fn by(&mut self, house: &House, args: &[&str]) {
        let output = house.home.cli(args).await;
        self.0.push((format!("{args:?}"), [output.stdout, output.stderr].concat()));
    }

    /// Joins that fail and joins that do: by invite, by password, by key. The key, whose workspace is left again.
    async fn joins(&mut self, house: &House, origin: &str, invite: &str) -> String {
        for fault in [Fault::Status { status: 500 }, Fault::HalfBody, Fault::TruncatedJson, Fault::Html] {
            house.sim.fault("GET /invite", fault);
            self.by(house, &["join", "agentunited", invite, "--as", "acme"]).await;
        }
        house.sim.fault("POST /invite/accept", Fault::StoredThen500);
        self.by(house, &["join", "agentunited", invite, "--as", "acme"]).await;
        self.by(house, &["join", "agentunited", invite, "--as", "acme", "--json"]).await;
        let at = |name: &str| house.home.path(name).display().to_string();
        let password = format!("password=@{}", at("password"));
        let by_password =
            ["join", "agentunited", origin, "--as", "other", "--email", "agent@workspace.test", "--secret", &password];
        self.by(house, &by_password).await;
        let key = house.sim.api_key(&house.sim.members()[0]);
        private(&house.home.path("key"), &key);
        let by_key = format!("api_key=@{}", at("key"));
        self.by(house, &["join", "agentunited", origin, "--as", "keyed", "--secret", &by_key, "--json"]).await;
        self.by(house, &["join", "agentunited", origin, "--as", "again", "--secret", &format!("api_key={key}")]).await;
        self.by(house, &["leave", "keyed", "--yes"]).await;
        key
    }

    /// What the bridge says at its other doors and commands.
    async fn everywhere(&mut self, house: &House, listen: &str) {
        for path in [
            "/metrics",
            "/v1/status",
            "/v1/workspaces",
            "/v1/consumers",
            "/openapi.json",
            "/v1/feed?from=start&once=true",
        ] {
            self.0.push((path.into(), get(&house.home, path).await.into_bytes()));
        }
        let call = r#"{"workspace":"acme","method":"GET","path":"/channels?x=canary-wrong-token-0123456789"}"#;
        self.0.push(("call".into(), post(&house.home, "/v1/call", call).await.into_bytes()));
        for token in [WRONG, BEARER] {
            let mut peer = Peer::tcp(listen).await;
            let line = format!(
                "GET /v1/status HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: Bearer {token}"
            );
            peer.sends(format!("{line}\r\n\r\n").as_bytes()).await;
            self.0.push(("the door on TCP".into(), peer.hears().await.into_bytes()));
        }
        for args in [
            &["tail", "--from", "start", "--once"][..],
            &["tail", "--from", "start", "--once", "--json"],
            &["status"],
            &["check"],
            &["consumer", "list", "--json"],
        ] {
            self.by(house, args).await;
        }
    }

    /// Every file below the folder that the bridge wrote.
    fn files(&mut self, folder: &Path, given: &[&str]) {
        for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
            let (path, kind) = (entry.path(), entry.file_type().expect("a type"));
            let name = entry.file_name().to_string_lossy().into_owned();
            if kind.is_dir() {
                self.files(&path, given);
            } else if kind.is_file() && !given.contains(&name.as_str()) {
                self.0.push((path.display().to_string(), std::fs::read(&path).expect("it is read")));
            }
        }
    }

    fn never(&self, secrets: &BTreeSet<String>) {
        for secret in secrets {
            let bytes = secret.as_bytes();
            for (place, said) in &self.0 {
                let found = said.windows(bytes.len()).any(|window| window == bytes);
                assert!(!found, "{place} shows {}…", secret.chars().take(14).collect::<String>());
            }
        }
    }
}

#[tokio::test]
async fn attack_no_secret_is_ever_printed_served_or_stored_in_clear() {
    let hook_secret = format!("whsec_{}", base64::engine::general_purpose::STANDARD.encode([0xca_u8; 32]));
    let vault_key = "c0ffee".repeat(10) + "cafe";
    let listen = address();
    let mut house = House::empty(Options::default(), QUICK).await;
    house.stop().await;
    // The store of the first start was sealed with a key beside it; this story brings its own.
    std::fs::remove_dir_all(house.home.path("state")).unwrap();
    let hook = Front::of("http://127.0.0.1:1").await;
    hook.rule(|_| Some(super::front::Foul::whole("200 OK", "", "")));
    for (name, text) in [("bearer", BEARER), ("hook", &hook_secret), ("vault", &vault_key), ("password", PASSWORD)] {
        private(&house.home.path(name), text);
    }
    let folder = house.home.path("");
    let at = |name: &str| folder.join(name).display().to_string();
    house.home.configure(&format!(
        "vault_key_file = \"{}\"\n{QUICK}[log]\nlevel = \"trace\"\n[http]\nlisten = \"{listen}\"\n\
         token_file = \"{}\"\n[call]\nenabled = true\n[[consumer]]\nname = \"main\"\n[[consumer]]\nname = \"hook\"\n\
         [consumer.webhook]\nurl = \"{}/events?key=canary-hook-query\"\nsecret_file = \"{}\"\n",
        at("vault"),
        at("bearer"),
        hook.origin,
        at("hook"),
    ));
    house.start().await;
    let front = Front::of(&house.url()).await;
    house.sim.set_url(&front.origin);
    let mut said = Said::default();
    let mut secrets: BTreeSet<String> =
        [BEARER, PASSWORD, WRONG, &hook_secret, &hook_secret[6..], &vault_key].map(str::to_owned).into();

    let invite = house.sim.invite(Some("agent@workspace.test"));
    secrets.insert(invite.split("token=").nth(1).unwrap().trim_end_matches("%3D").to_owned());
    let key = said.joins(&house, &front.origin, &invite).await;
    secrets.insert(key.clone());
    house.listens().await;

    // Work, a platform that repeats secrets, refused credentials.
    let mut agent = house.agent().await;
    house.say("hello");
    let own: Vec<_> = on_the_wire(&front.passed()).into_iter().filter(|secret| *secret != key).collect();
    house.sim.say(&house.ann, &house.room, &format!("are these yours? {}", own.join(" ")));
    let hello = house.next(&mut agent, "message.created").await;
    let heard = agent.call("reply", json!({ "seq": hello.seq, "text": "heard" })).await.expect("it is accepted");
    said.0.push(("a reply".into(), heard.to_string().into_bytes()));
    house.receipt(&mut agent, &accepted(&heard)[0]).await;
    let told = house.next(&mut agent, "message.created").await;
    assert!(told.text().contains("[sealed]"), "{}", told.text());
    said.0.push(("the agent's socket".into(), told.event.to_string().into_bytes()));
    ack(&mut agent, &told).await;
    let user = house.sim.members()[0].clone();
    house.sim.wipe_password(&user);
    house.sim.expire_token(&user);
    house.sim.revoke_keys(&user);
    let seat = || async {
        let status = house.home.ok(&["status", "--json"]).await;
        status.contains("needs_action").then_some(status)
    };
    let status = crate::bridge::until(seat, || house.home.log()).await;
    said.0.push(("status".into(), status.into_bytes()));

    said.everywhere(&house, &listen).await;
    said.0.push(("the webhook".into(), hook.passed().into_bytes()));
    house.stop().await;
    let log = house.home.log();
    assert!(log.contains("TRACE") && log.contains("DEBUG"), "the log is loud");

    secrets.extend(on_the_wire(&front.passed()));
    assert!(secrets.len() >= 10, "passwords, tokens and keys were seen on the wire: {}", secrets.len());
    said.files(&house.home.path(""), &["config.toml", "bearer", "hook", "vault", "password", "key"]);
    assert!(said.0.iter().any(|(place, _)| place.ends_with("bridge.redb")));
    said.never(&secrets);
}
