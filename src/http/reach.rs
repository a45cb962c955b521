//! Which addresses a request may connect to, checked on the address itself, after the name was resolved.
//!
//! An origin that the operator named may be anywhere but where no workspace can be: an invite link is pasted, and who
//! made it may aim at a cloud's metadata service. A URL that a platform sends (an upload target, a document
//! server) must not aim at the inside of the network the bridge runs in: names are resolved here and every address
//! is checked before it is dialled, so a name cannot be rebound between the check and the connection.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use futures_util::future::BoxFuture;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

use super::address::{holds_hosts, is_public};
use super::origin::is_localhost;

/// Which addresses may be connected to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reach {
    /// Any but those that no workspace has (link-local, unspecified, multicast): the operator chose the origin.
    #[default]
    Operator,
    /// Public addresses only: for URLs that a platform sends.
    Public,
    /// Public ones and this machine: for URLs sent by a platform that was itself joined on loopback.
    PublicOrLoopback,
}

/// An address the policy bars; names the host, for the operator to see what was tried.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} is no address for {1}")]
pub(super) struct Barred(pub String, pub &'static str);

impl Reach {
    /// Whether this address may be connected to.
    pub fn allows(self, address: IpAddr) -> bool {
        match self {
            Self::Operator => holds_hosts(address),
            Self::Public => is_public(address),
            Self::PublicOrLoopback => address.to_canonical().is_loopback() || is_public(address),
        }
    }

    /// Checks a host that is an address already: no resolver is ever asked about those.
    pub(super) fn check(self, url: &Url) -> Result<(), Barred> {
        let address = match url.host() {
            Some(Host::Ipv4(address)) => IpAddr::V4(address),
            Some(Host::Ipv6(address)) => IpAddr::V6(address),
            _ => return Ok(()),
        };
        if self.allows(address) { Ok(()) } else { Err(self.bars(&address.to_string())) }
    }

    fn bars(self, host: &str) -> Barred {
        let what = match self {
            Self::Operator => "a workspace",
            Self::Public | Self::PublicOrLoopback => {
                "a URL that the platform, not the operator, chose: it is not public"
            }
        };
        Barred(host.to_owned(), what)
    }
}

/// Asks name servers; a test answers in their place.
type Look = Arc<dyn Fn(String) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>> + Send + Sync>;

/// As the system does it.
fn system() -> Look {
    Arc::new(|name| Box::pin(async move { Ok(tokio::net::lookup_host((name, 0)).await?.collect()) }))
}

/// Resolves names and drops every address the policy bars. What is left is what is dialled: nobody looks twice.
pub(super) struct Resolver(Reach, Look);

impl Resolver {
    /// Asks the system.
    pub(super) fn new(reach: Reach) -> Self {
        Self(reach, system())
    }
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let (reach, look) = (self.0, self.1.clone());
        Box::pin(async move { Ok(Box::new(resolve(reach, &look, name.as_str()).await?.into_iter()) as Addrs) })
    }
}

type BoxError = Box<dyn std::error::Error + Send + Sync>;

async fn resolve(reach: Reach, look: &Look, name: &str) -> Result<Vec<SocketAddr>, BoxError> {
    let found: Vec<SocketAddr> = if is_localhost(name) {
        // Nobody's name server decides where plain http goes.
        [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)].map(|address| (address, 0).into()).into()
    } else {
        look(name.to_owned()).await?
    };
    let allowed: Vec<_> = found.iter().copied().filter(|address| reach.allows(address.ip())).collect();
    if allowed.is_empty() && !found.is_empty() {
        return Err(Box::new(reach.bars(name)));
    }
    Ok(allowed)
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[test]
    fn loopback_only_for_those_who_live_there() {
        for here in ["127.0.0.1", "127.8.9.1", "::1", "::ffff:127.0.0.1"] {
            assert!(Reach::PublicOrLoopback.allows(here.parse().unwrap()), "{here}");
        }
        assert!(!Reach::PublicOrLoopback.allows("169.254.169.254".parse().unwrap()));
        assert!(Reach::Operator.allows("10.0.0.1".parse().unwrap()));
    }

    #[test]
    fn an_address_in_the_url_is_checked_without_a_resolver() {
        let check = |text: &str| Reach::Public.check(&Url::parse(text).unwrap());
        let barred = |host: &str| Err(Reach::Public.bars(host));
        assert_eq!(check("https://[::ffff:127.0.0.1]/x"), barred("::ffff:127.0.0.1"));
        // The URL standard reads these as 127.0.0.1.
        for disguise in ["0x7f.1", "2130706433", "0177.0.0.1", "127.1", "0x7f000001", "127.0.0.1."] {
            assert_eq!(check(&format!("https://{disguise}/")), barred("127.0.0.1"), "{disguise}");
        }
        assert_eq!(check("https://h.example/"), Ok(()));
    }

    #[tokio::test]
    async fn a_name_that_means_this_machine_is_barred_too() {
        let error = resolve(Reach::Public, &system(), "localhost").await.unwrap_err();
        assert_eq!(error.downcast_ref::<Barred>(), Some(&Reach::Public.bars("localhost")));
        let here = resolve(Reach::PublicOrLoopback, &system(), "a.localhost.").await.unwrap();
        assert!(here.iter().all(|address| address.ip().is_loopback()));
    }

    /// Answers these in turn, the last one for ever.
    fn answers(turns: &[&[&str]]) -> Look {
        let turns: Vec<Vec<SocketAddr>> = turns
            .iter()
            .map(|turn| turn.iter().map(|ip| (ip.parse::<IpAddr>().unwrap(), 0).into()).collect())
            .collect();
        let turn = std::sync::atomic::AtomicUsize::new(0);
        Arc::new(move |_| {
            let at = turn.fetch_add(1, std::sync::atomic::Ordering::Relaxed).min(turns.len() - 1);
            let found = turns[at].clone();
            Box::pin(async move { Ok(found) })
        })
    }

    #[tokio::test]
    async fn a_name_that_turns_inside_is_barred_at_the_turn_and_only_its_public_addresses_are_dialled() {
        let look = answers(&[&["8.8.8.8"], &["10.0.0.1"], &["::ffff:169.254.169.254", "8.8.4.4", "fd00::1"]]);
        let ips = |found: Vec<SocketAddr>| found.iter().map(|it| it.ip().to_string()).collect::<Vec<_>>();
        assert_eq!(ips(resolve(Reach::Public, &look, "h.example").await.unwrap()), ["8.8.8.8"]);
        assert!(resolve(Reach::Public, &look, "h.example").await.unwrap_err().is::<Barred>());
        assert_eq!(ips(resolve(Reach::Public, &look, "h.example").await.unwrap()), ["8.8.4.4"]);
    }

    #[tokio::test]
    async fn what_was_checked_is_what_is_dialled_and_every_connection_is_checked_anew() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://h.example:{}/", listener.local_addr().unwrap().port());
        // Were the name looked up twice for one connection, the second answer would be dialled unchecked.
        let look = answers(&[&["127.0.0.1"], &["169.254.169.254"]]);
        // An error means that one is installed already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().no_proxy().pool_max_idle_per_host(0);
        let client = client.dns_resolver(Resolver(Reach::PublicOrLoopback, look)).build().unwrap();
        let serve = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            let _request = stream.read(&mut [0; 1024]).await.unwrap();
            stream.write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n").await.unwrap();
        };
        let (answer, ()) = tokio::join!(client.get(&url).send(), serve);
        assert_eq!(answer.unwrap().status(), 200);
        let error = client.get(&url).send().await.unwrap_err();
        assert!(format!("{error:?}").contains("Barred"), "{error:?}");
    }
}
