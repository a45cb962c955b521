//! A platform behind TLS, as each real one is: the cable is a `wss`.

use std::net::SocketAddr;
use std::sync::Arc;

use agent_bridge_sim::speakeasy::Sim;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use crate::lounge::{Lounge, hospitable};

/// Made for these tests alone, good until 2120: who signs, and `localhost`, which they signed for.
const AUTHORITY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/tls/ca.pem");
const SERVER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/tls/server.pem");
const KEY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/tls/server.key");

fn acceptor() -> TlsAcceptor {
    let certificate = CertificateDer::from_pem_file(SERVER).expect("a certificate");
    let key = PrivateKeyDer::from_pem_file(KEY).expect("a key");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().expect("versions");
    let config = config.with_no_client_auth().with_single_cert(vec![certificate], key);
    TlsAcceptor::from(Arc::new(config.expect("they belong together")))
}

/// What stands in front of a platform: takes TLS, and hands what is inside to the platform.
async fn front(listener: TcpListener, to: SocketAddr) {
    let (acceptor, mut open) = (acceptor(), JoinSet::new());
    loop {
        let (from, _) = listener.accept().await.expect("it listens");
        let acceptor = acceptor.clone();
        open.spawn(async move {
            // Who does not trust us leaves; that is theirs to say.
            let Ok(mut inside) = acceptor.accept(from).await else { return };
            let mut platform = TcpStream::connect(to).await.expect("the platform listens");
            let _over = copy_bidirectional(&mut inside, &mut platform).await;
        });
    }
}

#[tokio::test]
async fn by_the_cable_over_tls() {
    let sim = Sim::new(hospitable());
    let serving = sim.serve(0).await.expect("a free port");
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("https://localhost:{}", listener.local_addr().expect("its address").port());
    let front = tokio::spawn(front(listener, serving.addr()));
    let trusted = [("SSL_CERT_FILE", AUTHORITY)];
    let lounge = Lounge::at((sim, serving), &url, &trusted, "every = \"10m\"\nbeside = \"10m\"", "").await;
    lounge.is_subscribed().await;
    let traced = lounge.round_trip("By the cable, over TLS?").await;
    assert!(traced.to_string().contains("action_cable"), "{traced:#}");
    lounge.end().await;
    front.abort();
}
