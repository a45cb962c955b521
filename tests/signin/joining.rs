//! Joining: every way, both dialects, every documented error, and what is left after each.

use agent_bridge::join::{self, Error};
use agent_bridge::store::{Seat, WorkspaceRecord};
use agent_bridge_sim::agentunited::{Accept, Fault, Options};
use serde_json::Value;

use crate::bench::{Bench, ORIGIN, ask, name, with_secret, with_setting};

pub const ACCEPT: &str = "POST /invite/accept";
pub const LOGIN: &str = "POST /auth/login";
const VALIDATE: &str = "GET /invite";

pub fn central() -> Options {
    Options { accept: Accept::Central, ..Options::default() }
}

pub fn fact(record: &WorkspaceRecord, name: &str) -> String {
    record.facts.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}

#[tokio::test(start_paused = true)]
async fn by_invite_link_with_its_token_decoded() {
    let bench = Bench::new(Options::default());
    let invite = bench.sim.invite(Some("Agent@workspace.test"));
    assert!(invite.contains("%3D"), "the simulator's links are encoded: {invite}");
    let mut said = Vec::new();
    let record = join::join(bench.wants(&invite), &bench.means, &mut |line| said.push(line.to_owned())).await.unwrap();

    assert_eq!((record.seat.clone(), record.session.as_str()), (Seat::SignedIn, "member"));
    assert_eq!(record.settings["url"], ORIGIN);
    assert_eq!(record.settings["email"], "Agent@workspace.test");
    assert_eq!(vec![fact(&record, "user")], bench.sim.members());
    let dm = bench.sim.dm(&bench.sim.primary(), &bench.sim.members()[0]);
    assert_eq!(fact(&record, "direct"), dm);
    assert_eq!(bench.secret("password").unwrap().len(), 32);
    assert_eq!(bench.secret("invite_token"), None, "what is used up is erased");
    assert!(!record.facts.contains_key("joining") && record.joined_at > 0);
    assert_eq!(bench.record().unwrap(), record, "what is returned is what is committed");
    assert!(said.iter().any(|line| line.contains(ACCEPT)), "{said:?}");
}

#[tokio::test(start_paused = true)]
async fn by_email_and_password_and_by_key() {
    let bench = Bench::new(Options { dm_channel_id: false, ..Options::default() });
    bench.join_by_invite().await.unwrap();
    let (password, user) = (bench.secret("password").unwrap(), bench.sim.members()[0].clone());
    let dm = bench.sim.dm(&bench.sim.primary(), &user);
    assert_eq!(fact(&bench.record().unwrap(), "direct"), dm, "found among the channels");
    join::leave(&bench.means.store, &name()).await.unwrap();
    assert_eq!((bench.record(), bench.secret("password")), (None, None));

    let wants = with_setting(bench.wants(ORIGIN), "email", "agent@workspace.test");
    let record = bench.join(with_secret(wants, "password", &password)).await.unwrap();
    assert_eq!((fact(&record, "user"), fact(&record, "direct")), (user.clone(), dm));
    join::leave(&bench.means.store, &name()).await.unwrap();

    let key = bench.sim.api_key(&user);
    let record = bench.join(with_secret(bench.wants(ORIGIN), "api_key", &key)).await.unwrap();
    assert_eq!((record.session.as_str(), record.seat.clone()), ("key", Seat::SignedIn));
    assert!(!fact(&record, "direct").is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_newer_dialect_is_named_and_the_invite_left_unspent() {
    let bench = Bench::new(central());
    let invite = bench.sim.invite(None);
    let error = bench.join(bench.wants(&invite)).await.unwrap_err().to_string();
    assert!(error.contains("central_jwt") && error.contains("nothing was spent"), "{error}");
    assert_eq!(bench.record(), None, "nothing half-written");

    let wrong = with_secret(bench.wants(&invite), "central_jwt", "CANARY");
    let error = bench.join(wrong).await.unwrap_err().to_string();
    assert!(error.contains("central_jwt is not accepted there: ask the workspace owner"), "{error}");
    assert_eq!(bench.record(), None);

    let request = with_secret(bench.wants(&invite), "central_jwt", &bench.sim.central_jwt());
    let record = bench.join(request).await.unwrap();
    assert_eq!(record.session, "key");
    assert!(bench.secret("api_key").unwrap().starts_with("au_"));
    assert_eq!(bench.secret("token"), None);
    assert!(!fact(&record, "agent").is_empty() && !fact(&record, "user").is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_link_by_a_relay_needs_the_instance_said() {
    let bench = Bench::new(Options::default());
    let link = bench.sim.invite(None).replace("workspace.test", "relay.test");
    let error = bench.join(bench.wants(&link)).await.unwrap_err();
    assert!(matches!(&error, Error::Unavailable(_)) && error.to_string().contains("relay.test cannot be reached"));
    assert_eq!(bench.record(), None);
    let mut request = bench.wants(&link);
    request.instance = Some("workspace.test".into());
    assert_eq!(bench.join(request).await.unwrap().settings["url"], ORIGIN);
}

#[tokio::test(start_paused = true)]
async fn every_row_of_the_documents_error_table_says_what_to_do() {
    let bench = Bench::new(Options::default());
    let unknown = bench.join(bench.wants(&format!("{ORIGIN}/invite?token=inv_CANARY"))).await.unwrap_err();
    assert!(unknown.to_string().contains("check both the host and the token"), "{unknown}");

    let used = bench.sim.invite(None);
    bench.join(bench.wants(&used)).await.unwrap();
    join::leave(&bench.means.store, &name()).await.unwrap();
    let error = bench.join(bench.wants(&used)).await.unwrap_err().to_string();
    assert!(error.contains("already been used") && error.contains("--email"), "{error}");
    assert_eq!(bench.seen(LOGIN), 0, "a password made up just now is not tried");

    let late = bench.sim.invite(None);
    tokio::time::advance(std::time::Duration::from_hours(8 * 24)).await;
    let error = bench.join(bench.wants(&late)).await.unwrap_err().to_string();
    assert!(error.contains("expired: ask the workspace owner"), "{error}");

    let short = with_secret(bench.wants(&bench.sim.invite(None)), "password", "elevenchars");
    let error = bench.join(short).await.unwrap_err().to_string();
    assert!(error.contains("at least 12 characters"), "{error}");
    assert_eq!(bench.record(), None, "nothing half-written");
}

#[tokio::test(start_paused = true)]
async fn wrong_credentials_are_named_and_leave_nothing() {
    let bench = Bench::new(Options::default());
    let wants = with_setting(bench.wants(ORIGIN), "email", "nobody@workspace.test");
    let error = bench.join(with_secret(wants, "password", "CANARY-CANARY")).await.unwrap_err();
    assert!(matches!(error, Error::Refused(_)));
    assert!(error.to_string().contains("does not accept the email and password"), "{error}");
    let error = bench.join(with_secret(bench.wants(ORIGIN), "api_key", "au_CANARY")).await.unwrap_err();
    assert!(error.to_string().contains("does not accept the key"), "{error}");
    assert_eq!((bench.record(), bench.secret("api_key")), (None, None));
    let error = bench.join(bench.wants(ORIGIN)).await.unwrap_err().to_string();
    assert!(error.contains("give invite token, or email and password, or api key"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn what_a_broken_platform_answers_is_one_clear_line_each() {
    for (route, fault, words) in [
        (VALIDATE, Fault::Status { status: 502 }, "offline: try again when it is up"),
        (VALIDATE, Fault::Status { status: 504 }, "too slow"),
        (VALIDATE, Fault::Status { status: 500 }, "answered 500 to GET /invite; that is the platform's own fault"),
        (VALIDATE, Fault::Html, "answered HTML, not JSON: is the URL right?"),
        (VALIDATE, Fault::HalfBody, "was lost"),
        (VALIDATE, Fault::TruncatedJson, "not JSON (broken at"),
        (VALIDATE, Fault::Huge { bytes: 100 << 20 }, "is over 4194304 bytes"),
        (VALIDATE, Fault::NeverAnswers { applied: false }, "no whole answer within 30s"),
        (VALIDATE, Fault::TooMany { retry_after: "5".into() }, "asks for patience"),
        (ACCEPT, Fault::Status { status: 502 }, "offline: try again when it is up"),
        (ACCEPT, Fault::Status { status: 403 }, "refuses"),
        (ACCEPT, Fault::Html, "answered HTML"),
    ] {
        let bench = Bench::new(Options::default());
        let invite = bench.sim.invite(None);
        bench.always(route, fault.clone());
        let error = bench.join(bench.wants(&invite)).await.unwrap_err().to_string();
        assert!(error.contains(words) && !error.contains('\n'), "{fault:?}: {error}");
        bench.sim.clear_faults();
        bench.join(bench.wants(&invite)).await.expect("the same command goes on");
    }
}

#[tokio::test(start_paused = true)]
async fn a_name_is_neither_taken_twice_nor_given_to_another_account() {
    let bench = Bench::new(Options::default());
    bench.join_by_invite().await.unwrap();
    let again = bench.join_by_invite().await.unwrap_err().to_string();
    assert!(again.contains("joined already") && again.contains("agent-bridge leave acme"), "{again}");

    join::leave(&bench.means.store, &name()).await.unwrap();
    let other = bench.sim.invite(Some("other@workspace.test"));
    let error = bench.join(bench.wants(&other)).await.unwrap_err().to_string();
    assert!(error.contains("belongs to agent@workspace.test") && error.contains("choose another"), "{error}");
    assert_eq!(bench.seen(ACCEPT), 1, "and the invite is left unspent");
    let stranger = bench.sim.person("Ada");
    let key = bench.sim.api_key(&stranger);
    let elsewhere = with_secret(bench.wants("https://elsewhere.test"), "api_key", &key);
    let error = bench.join(elsewhere).await.unwrap_err().to_string();
    assert!(error.contains("belongs to https://workspace.test"), "{error}");
    assert_eq!(bench.record(), None);
    assert!(join::leave(&bench.means.store, &name()).await.unwrap_err().to_string().contains("no workspace"));
}

#[tokio::test(start_paused = true)]
async fn joining_again_repairs_a_seat_that_needs_a_person() {
    let bench = Bench::new(Options::default());
    let session = bench.joined().await;
    let joined_at = session.record().joined_at;
    let user = bench.sim.members()[0].clone();
    bench.sim.wipe_password(&user);
    bench.sim.expire_token(&user);
    ask(&session).await.unwrap_err();
    let Seat::NeedsAction { command, .. } = bench.record().unwrap().seat else { panic!("it needs a person") };
    assert_eq!(command, format!("agent-bridge join agentunited {ORIGIN} --as acme --secret password=-"));

    let before = bench.record();
    let wrong = with_secret(bench.wants(ORIGIN), "password", "not-the-password");
    bench.join(wrong).await.unwrap_err();
    assert_eq!(bench.record(), before, "a repair that failed changed nothing");

    let key = bench.sim.api_key(&user);
    tokio::time::advance(std::time::Duration::from_hours(1)).await;
    let record = bench.join(with_secret(bench.wants(ORIGIN), "api_key", &key)).await.unwrap();
    assert_eq!((record.seat, record.session.as_str(), record.joined_at), (Seat::SignedIn, "key", joined_at));
}
