//! No secret in any log line, error, debug text or record; and the same story over real sockets.

use std::fmt::Write as _;
use std::sync::Arc;

use agent_bridge::clock::Clock;
use agent_bridge::http::Reqwest;
use agent_bridge::session::Session;
use agent_bridge_sim::agentunited::{Accept, Fault, Options, Sim};

use crate::bench::{Bench, ask, with_secret, with_setting};
use crate::memory_network::MemoryNetwork;
use crate::overheard::Overheard;
use crate::scripted_server::{Answer, ScriptedServer};

async fn over_sockets(options: Options) -> (Bench, agent_bridge_sim::serve::Serving) {
    let sim = Sim::new(options);
    let serving = sim.serve(0).await.unwrap();
    let wire = Arc::new(Reqwest::new().unwrap());
    (Bench::over(sim, MemoryNetwork::default(), wire, &Clock::system()), serving)
}

fn token_of(invite: &str) -> String {
    // Neither encoded nor decoded: the end differs.
    invite.split("token=").nth(1).unwrap().trim_end_matches("%3D").to_owned()
}

#[tokio::test]
async fn over_real_sockets_nothing_secret_is_ever_shown() {
    let log = Overheard::listen();
    for accept in [Accept::Password, Accept::Central] {
        let (bench, serving) = over_sockets(Options { accept, ..Options::default() }).await;
        let invite = bench.sim.invite(Some("agent@workspace.test"));
        let central = bench.sim.central_jwt();
        let wants = || with_secret(bench.wants(&invite), "central_jwt", &central);
        let mut shown = format!("{:?}", wants());
        let mut kept = Vec::new();
        for fault in [Fault::Status { status: 500 }, Fault::HalfBody, Fault::TruncatedJson, Fault::Html] {
            bench.sim.fault("GET /invite", fault);
            let error = bench.join(wants()).await.unwrap_err();
            write!(shown, "{error} {error:?}").unwrap();
        }
        bench.sim.fault("POST /invite/accept", Fault::StoredThen500);
        if accept == Accept::Central {
            bench.sim.clear_faults();
        }
        if let Err(error) = bench.join(wants()).await {
            write!(shown, "{error} {error:?}").unwrap();
        }
        kept.extend(bench.means.store.secrets("acme").unwrap());
        if accept == Accept::Password {
            bench.join(wants()).await.unwrap();
        }
        let record = bench.record().unwrap();
        write!(shown, "{record:?} {}", serde_json::to_string(&record).unwrap()).unwrap();
        let session = Session::open(bench.means.clone(), bench.manifest.clone(), record).unwrap();
        assert_eq!(ask(&session).await.unwrap().status, 200);
        kept.extend(bench.means.store.secrets("acme").unwrap());
        let user = bench.sim.members()[0].clone();
        bench.sim.wipe_password(&user);
        bench.sim.expire_token(&user);
        bench.sim.revoke_keys(&user);
        let error = ask(&session).await.unwrap_err();
        write!(shown, "{error} {error:?} {:?}", session.scope()).unwrap();
        shown += &log.text();
        assert!(shown.contains("a person must act"), "the log was heard");
        for secret in canaries(kept).into_iter().chain([token_of(&invite), central.clone()]) {
            assert!(!shown.contains(&secret), "a secret was shown");
        }
        serving.stop().await;
    }
}

fn canaries(kept: Vec<(String, secrecy::SecretString)>) -> Vec<String> {
    use secrecy::ExposeSecret;
    kept.into_iter().map(|(_, secret)| secret.expose_secret().to_owned()).collect()
}

#[tokio::test]
async fn a_workspace_that_redirects_elsewhere_gets_no_credential_there() {
    let recorder = ScriptedServer::start(|_| Answer::whole("200 OK", "", "{}")).await;
    for status in ["302 Found", "307 Temporary Redirect"] {
        let location = format!("location: {}/api/v1/auth/login\r\n", recorder.origin);
        let workspace = ScriptedServer::start(move |_| Answer::whole(status, &location, "")).await;
        let wire = Arc::new(Reqwest::new().unwrap());
        let sim = Sim::new(Options::default());
        let bench = Bench::over(sim, MemoryNetwork::default(), wire, &Clock::system());
        let wants = with_setting(bench.wants(&workspace.origin), "email", "a@b.test");
        let error = bench.join(with_secret(wants, "password", "CANARY-CANARY")).await.unwrap_err().to_string();
        assert!(error.contains(&format!("another origin ({})", recorder.origin)), "{error}");
        assert!(!error.contains("CANARY"));
        let error = bench.join(bench.wants(&format!("{}/invite?token=CANARY", workspace.origin))).await.unwrap_err();
        assert!(error.to_string().contains("join with --instance"), "{error}");
    }
    assert_eq!(recorder.seen(), Vec::<String>::new());
}
