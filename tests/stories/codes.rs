//! A platform that is joined by a code which works once, and whose key is shown once.

use agent_bridge_sim::office::{ChatStart, Fault, Naming, Options};

use crate::den::{Den, JOIN};

/// Says so when the answer with the key was lost, and only then.
const LOST: &[&str] = &["was lost", "cannot be had again", "ask for a new code"];

fn says(said: &str, words: &[&str]) {
    assert!(words.iter().all(|word| said.contains(word)), "{words:?} in: {said}");
}

#[tokio::test]
async fn the_command_joins_with_an_identity_of_its_own() {
    let den = Den::new(Options { naming: Naming::Suffixed, ..Options::default() }).await;
    let said = den.joined().await;
    says(&said, &["joined `den`", "a code given as an argument stays in the shell's history"]);
    let [agent] = &den.sim.agents()[..] else { panic!("one agent: {:?}", den.sim.agents()) };
    // The office checks address and key, and announced is what works.
    assert!(agent.chat, "it is registered with the chat");
    assert_eq!(agent.capabilities, ["xmtp"]);
    let facts = den.facts();
    assert_eq!((&facts["own_name"], &facts["office_group_id"]), (&"jared-ext".into(), &den.sim.group().into()));
    assert_eq!((&facts["office_id"], &facts["registered"]), (&den.sim.office().into(), &true.into()));
    assert!(["bot_id", "employee_id"].iter().all(|id| facts[id].is_string()), "{facts}");
    assert!(den.secret("api_key").is_some() && den.secret("xmtp_key").is_some(), "both are sealed");
    assert_eq!(den.secret("code"), None, "the code is used up");
    assert!(!said.contains(&den.secret("api_key").unwrap()) && !said.contains(&den.secret("xmtp_key").unwrap()));
    den.end().await;
}

#[tokio::test]
async fn a_given_identity_is_used_and_a_bad_one_refused_before_anything_is_sent() {
    let den = Den::new(Options::default()).await;
    let key = "0x4c0883a69102937d6231471b5dbb6204fe5129617082792ae468d01a3f362318";
    let file = den.home.path("key");
    let secret = format!("xmtp_key=@{}", file.display());
    std::fs::write(&file, &key[..60]).unwrap();
    let (well, said) = den.join(&den.sim.invite(), &["--secret", &secret]).await;
    assert!(!well && den.sim.log().is_empty(), "{said}");
    says(&said, &["no private key of secp256k1", "64 hexadecimal digits"]);
    assert!(!said.contains("4c0883"), "{said}");
    std::fs::write(&file, format!("{key}\n")).unwrap();
    let (well, said) = den.join(&den.sim.invite(), &["--secret", &secret]).await;
    assert!(well, "{said}");
    assert_eq!(den.facts()["xmtp_address"], "0x2c7536E3605D9C16a7a3D7b1898e529396a65c23");
    assert_eq!(den.secret("xmtp_key").as_deref(), Some(&key[2..]));
    den.end().await;
}

#[tokio::test]
async fn each_refusal_has_its_own_words_and_leaves_nothing_behind() {
    let den = Den::new(Options::default()).await;
    let sim = &den.sim;
    let (used, expired) = (sim.invite(), sim.invite());
    sim.expire_invite(&expired);
    let cases = [
        ("NOSUCHCODE", "the invite code is not recognised there"),
        (&sim.human_invite(), "this is a person's invite code"),
        (&sim.invite_without_office(), "the invite code leads into no office"),
        (&expired, "the invite code has expired: ask for a new one"),
    ];
    for (code, words) in cases {
        let (well, said) = den.join(code, &[]).await;
        assert!(!well && said.contains(words), "{code}: {said}");
        assert!(!said.contains(LOST[0]) && !said.contains(code), "{said}");
    }
    let other = Den::joining(sim.clone()).await;
    assert!(other.join(&used, &[]).await.0);
    let (well, said) = den.join(&used, &[]).await;
    assert!(!well && said.contains("has been redeemed already: ask for a new one"), "somebody else did: {said}");
    assert!(!said.contains(LOST[0]), "{said}");
    let listed = den.home.ok(&["status", "--json"]).await;
    assert!(!listed.contains("den"), "nothing is left: {listed}");
    let (well, said) = den.join("", &[]).await;
    assert!(!well && said.contains("the code is empty"), "{said}");
    other.end().await;
    den.end().await;
}

#[tokio::test]
async fn what_only_a_broken_bridge_would_send_has_words_too() {
    let den = Den::new(Options::default()).await;
    den.mend("agent_name: \"{settings.agent_name}\"", "name: x");
    let (well, said) = den.join(&den.sim.invite(), &[]).await;
    assert!(!well && said.contains("got no code or no name for the agent"), "{said}");
    den.end().await;
}

#[tokio::test]
async fn a_server_error_is_told_and_never_tried_again_unasked() {
    for spends in [false, true] {
        let den = Den::new(Options { failed_join_spends: spends, ..Options::default() }).await;
        let code = den.sim.invite();
        den.sim.fail_joins(1);
        let (well, said) = den.join(&code, &[]).await;
        assert!(!well, "{said}");
        says(&said, &["server_error", "not tried again by itself", "run the same command"]);
        assert_eq!(den.sim.log().len(), 1, "once: {:?}", den.sim.log());
        let (well, said) = den.join(&code, &[]).await;
        assert_eq!(well, !spends, "{said}");
        if spends {
            says(&said, LOST);
        }
        den.end().await;
    }
}

#[tokio::test]
async fn a_lost_answer_means_a_new_code_and_keeps_the_identity() {
    for fault in [Fault::ReplyLost, Fault::HalfBody] {
        let mut den = Den::new(Options::default()).await;
        den.sim.fault(JOIN, fault);
        let (well, said) = den.join(&den.sim.invite(), &[]).await;
        assert!(!well, "{said}");
        says(&said, LOST);
        let shown = den.home.ok(&["status", "den"]).await;
        says(&shown, LOST);
        let key = den.secret("xmtp_key").expect("it is kept");
        assert_eq!((den.secret("api_key"), den.secret("code")), (None, None));
        // A daemon that starts meanwhile says so, too, and a new code brings it to life.
        den.start().await;
        assert_eq!(den.status().await["seat"], "needs_action");
        let said = den.joined().await;
        says(&said, &["joined `den`"]);
        den.is_live().await;
        den.stop().await;
        assert_eq!((den.secret("xmtp_key"), den.sim.agents().len()), (Some(key), 2));
        den.end().await;
    }
    // Lost on its way there: nothing is used up, and the code is good.
    let den = Den::new(Options::default()).await;
    den.sim.fault(JOIN, Fault::RequestLost);
    den.joined().await;
    assert_eq!(den.sim.agents().len(), 1);
    den.end().await;
}

/// `kill -9` at every commit and around every request of a join: the same command then joins, or says that the key is
/// lost, which is so only where the platform has let an agent in and its answer was not stored.
#[tokio::test]
async fn p7_a_crash_anywhere_keeps_the_key_or_says_that_it_is_lost() {
    let (mut kept, mut lost) = (0, 0);
    for point in ["store.commit.before", "store.commit.after", "http.request.before", "http.request.after"] {
        for time in 1.. {
            let den = Den::new(Options::default()).await;
            let code = den.sim.invite();
            if !den.join_dies_at(&code, &format!("{point}@{time}")).await {
                den.end().await;
                break;
            }
            let agents = den.sim.agents().len();
            let (well, said) = den.join(&code, &[]).await;
            if well || said.contains("is joined already") {
                kept += 1;
                assert_eq!(den.sim.agents().len(), 1, "{point}@{time}: {said}");
                assert_eq!(den.sim.log().iter().filter(|entry| entry.kind == "join").count(), 1, "{point}@{time}");
            } else {
                lost += 1;
                assert_eq!(agents, 1, "{point}@{time}: {said}");
                says(&said, LOST);
                den.joined().await;
            }
            assert!(den.secret("api_key").is_some());
            den.end().await;
        }
    }
    assert!(kept >= 4 && lost >= 1, "{kept} kept, {lost} lost");
}

#[tokio::test]
async fn a_join_without_chat_is_one_and_says_so() {
    let den = Den::new(Options { chat: ChatStart::Later, ..Options::default() }).await;
    let said = den.joined().await;
    says(&said, &["joined `den`", "not registered with the chat", "goes live by itself"]);
    assert_eq!(den.facts()["registered"], false);
    den.end().await;
}

#[tokio::test]
async fn the_platform_can_be_left_out_where_what_is_given_or_the_host_tells() {
    let den = Den::new(Options::default()).await;
    // Only an office has codes for agents: nobody need be asked.
    let url = den.wants("")[2].clone();
    let code = den.sim.invite();
    let output = den.home.cli(&["join", &url, "--as", "den", "--code", &code, "--agent-name", "jared"]).await;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && said.contains("this is Office"), "{said}");
    // The host tells, and what is missing is said before anything is spent.
    let output = den.home.cli(&["join", &url, "--as", "other"]).await;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && said.contains("this is Office") && said.contains("agent_name"), "{said}");
    // Nobody is there, and nobody to ask: it says what to write.
    let output = den.home.cli(&["join", "http://127.0.0.1:9", "--as", "other"]).await;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success(), "{said}");
    says(
        &said,
        &["several platforms may be meant", "agent-bridge join PLATFORM URL --as other", "agentunited", "office"],
    );
    let output = den.home.cli(&["join", "https://h.example/a/CANARY", "--as", "other"]).await;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    says(&said, &["no platform is known by this link", "agentworkspace"]);
    assert!(!said.contains("CANARY"), "{said}");
    den.end().await;
}
