//! Which addresses a request may connect to, checked on the address itself, after the name was resolved.
//!
//! An origin that the operator named may be anywhere. A URL that a platform sends (an upload target, a document
//! server) must not aim at the inside of the network the bridge runs in: names are resolved here and every address
//! is checked before it is dialled, so a name cannot be rebound between the check and the connection.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

use super::origin::is_localhost;

/// Which addresses may be connected to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reach {
    /// Any: the operator chose the origin.
    #[default]
    Operator,
    /// Public addresses only: for URLs that a platform sends.
    Public,
    /// Public ones and this machine: for URLs sent by a platform that was itself joined on loopback.
    PublicOrLoopback,
}

/// An address the policy bars; names the host, for the operator to see what was tried.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} is not a public address, and the platform, not the operator, chose it")]
pub(super) struct Barred(pub String);

impl Reach {
    /// Whether this address may be connected to.
    pub fn allows(self, address: IpAddr) -> bool {
        match self {
            Self::Operator => true,
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
        if self.allows(address) { Ok(()) } else { Err(Barred(address.to_string())) }
    }
}

/// Resolves names and drops every address the policy bars.
pub(super) struct Resolver(pub Reach);

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let reach = self.0;
        Box::pin(async move { Ok(Box::new(resolve(reach, name.as_str()).await?.into_iter()) as Addrs) })
    }
}

type BoxError = Box<dyn std::error::Error + Send + Sync>;

async fn resolve(reach: Reach, name: &str) -> Result<Vec<SocketAddr>, BoxError> {
    let found: Vec<SocketAddr> = if is_localhost(name) {
        // Nobody's name server decides where plain http goes.
        [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)].map(|address| (address, 0).into()).into()
    } else {
        tokio::net::lookup_host((name, 0)).await?.collect()
    };
    let allowed: Vec<_> = found.iter().copied().filter(|address| reach.allows(address.ip())).collect();
    if allowed.is_empty() && !found.is_empty() {
        return Err(Box::new(Barred(name.to_owned())));
    }
    Ok(allowed)
}

/// Globally reachable unicast (IANA special-purpose address registries); what embeds an IPv4 address is judged by it.
fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    !(a == 0
        || a >= 224 // multicast, reserved, broadcast
        || address.is_private()
        || address.is_loopback()
        || address.is_link_local() // with 169.254.169.254, the metadata service of clouds
        || address.is_documentation()
        || (a == 100 && (64..128).contains(&b)) // shared by carriers
        || (a == 198 && (b == 18 || b == 19)) // benchmarks
        || (a == 192 && b == 0 && c == 0) // protocol assignments
        || (a == 192 && b == 88 && c == 99)) // 6to4 relays
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    match address.segments() {
        // NAT64 (RFC 6052) and 6to4 (RFC 3056) carry an IPv4 address that is where it really goes.
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..] => is_public_v4(embedded(high, low)),
        // Protocol assignments with Teredo, documentation, documentation.
        [0x2001, second, ..] if second < 0x200 || second == 0xdb8 => false,
        [0x3fff, second, ..] if second < 0x1000 => false,
        [first, ..] => first & 0xe000 == 0x2000,
    }
}

const fn embedded(high: u16, low: u16) -> Ipv4Addr {
    Ipv4Addr::from_bits((high as u32) << 16 | low as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_inside_is_barred_in_every_disguise() {
        for inside in [
            "169.254.169.254",
            "10.0.0.1",
            "172.16.0.1",
            "192.168.1.1",
            "127.0.0.1",
            "0.0.0.0",
            "100.64.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "198.18.0.1",
            "192.0.0.8",
            "::1",
            "::",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "::ffff:10.0.0.1",
            "::127.0.0.1",
            "fe80::1",
            "fc00::1",
            "fd00:ec2::254",
            "ff02::1",
            "64:ff9b::7f00:1",
            "64:ff9b::a9fe:a9fe",
            "2002:7f00:1::",
            "2001:db8::1",
            "2001::1",
            "3fff::1",
        ] {
            assert!(!Reach::Public.allows(inside.parse().unwrap()), "{inside}");
        }
        for outside in ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::1"] {
            assert!(Reach::Public.allows(outside.parse().unwrap()), "{outside}");
        }
    }

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
        assert_eq!(check("https://[::ffff:127.0.0.1]/x"), Err(Barred("::ffff:127.0.0.1".into())));
        // The URL standard reads this as 127.0.0.1.
        assert_eq!(check("https://0x7f.1/"), Err(Barred("127.0.0.1".into())));
        assert_eq!(check("https://h.example/"), Ok(()));
    }

    #[tokio::test]
    async fn a_name_that_means_this_machine_is_barred_too() {
        let error = resolve(Reach::Public, "localhost").await.unwrap_err();
        assert_eq!(error.downcast_ref::<Barred>(), Some(&Barred("localhost".into())));
        let here = resolve(Reach::PublicOrLoopback, "a.localhost.").await.unwrap();
        assert!(here.iter().all(|address| address.ip().is_loopback()));
    }
}
