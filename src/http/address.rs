//! What kinds of addresses there are; pure.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Whether a host can have this address at all, whoever names it: one's own network counts, link-local does not (it is
/// where clouds keep their metadata services).
pub(super) fn holds_hosts(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => holds_hosts_v4(address),
        IpAddr::V6(address) => {
            let inner = embedded_v4(address).is_none_or(holds_hosts_v4);
            // The IPv6 metadata service of one cloud (fd00:ec2::254) is no workspace either.
            let metadata = matches!(address.segments(), [0xfd00, 0xec2, ..]);
            inner
                && !metadata
                && !address.is_unspecified()
                && !address.is_multicast()
                && !address.is_unicast_link_local()
        }
    }
}

fn holds_hosts_v4(address: Ipv4Addr) -> bool {
    let [first, ..] = address.octets();
    first != 0 && first < 224 && !address.is_link_local()
}

/// Globally reachable unicast (IANA special-purpose address registries); what embeds an IPv4 address is judged by it.
pub(super) fn is_public(address: IpAddr) -> bool {
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

/// NAT64 (RFC 6052) and 6to4 (RFC 3056) carry an IPv4 address that is where it really goes.
fn embedded_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    match address.segments() {
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..] => Some(embedded(high, low)),
        _ => None,
    }
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    if let Some(inner) = embedded_v4(address) {
        return is_public_v4(inner);
    }
    match address.segments() {
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
            assert!(!is_public(inside.parse().unwrap()), "{inside}");
        }
        for outside in ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::1"] {
            assert!(is_public(outside.parse().unwrap()), "{outside}");
        }
    }

    #[test]
    fn not_even_the_operator_reaches_where_no_workspace_is() {
        for nowhere in [
            "169.254.169.254",
            "::ffff:169.254.169.254",
            "64:ff9b::a9fe:a9fe",
            "2002:a9fe:a9fe::",
            "fe80::1",
            "0.0.0.0",
            "::",
            "255.255.255.255",
            "224.0.0.1",
            "ff02::1",
            "fd00:ec2::254",
        ] {
            assert!(!holds_hosts(nowhere.parse().unwrap()), "{nowhere}");
        }
        for own in ["10.0.0.1", "192.168.1.1", "127.0.0.1", "fd12:3456::1", "8.8.8.8", "2606:4700::1111"] {
            assert!(holds_hosts(own.parse().unwrap()), "{own}");
        }
    }
}
