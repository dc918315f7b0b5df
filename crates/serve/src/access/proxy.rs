//! Trusted proxies in front of the server.
//!
//! Only `X-Forwarded-*` is read. A proxy that writes it passes `Forwarded` on as the client sent it, so a server that
//! read both would trust the client.

use std::net::IpAddr;
use std::str::FromStr;

use ipnet::IpNet;
use lake_model::Error;

/// A proxy, or a network of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Proxy(IpNet);

impl FromStr for Proxy {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let network = text.parse::<IpNet>().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from));
        network.map(Self).ok_or_else(|| {
            Error::invalid(format!("`{text}` is not an address: expected one such as 10.0.0.1, 10.0.0.0/8 or fd00::/8"))
        })
    }
}

/// Returns whether this address is that of one of the proxies.
pub(super) fn is_trusted(proxies: &[Proxy], address: IpAddr) -> bool {
    proxies.iter().any(|Proxy(network)| network.contains(&address.to_canonical()))
}

/// Returns the address that a request comes from: the last address in the chain that is not a trusted proxy. A client
/// can invent the addresses before it.
pub(super) fn find_client<'a>(
    proxies: &[Proxy],
    peer: IpAddr,
    forwarded: impl DoubleEndedIterator<Item = &'a str>,
) -> IpAddr {
    let mut address = peer.to_canonical();
    let mut chain = forwarded.rev().flat_map(|text| text.rsplit(','));
    while is_trusted(proxies, address) {
        let Some(before) = chain.next().and_then(parse_hop) else { break };
        address = before;
    }
    address
}

/// Parses an entry of the chain; some proxies add a port.
fn parse_hop(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let bare = text.parse().ok().or_else(|| text.parse().ok().map(|socket: std::net::SocketAddr| socket.ip()));
    bare.map(|address: IpAddr| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(proxies: &[&str], peer: &str, forwarded: &[&str]) -> String {
        let proxies: Vec<Proxy> = proxies.iter().map(|text| text.parse().expect("a proxy")).collect();
        find_client(&proxies, peer.parse().expect("an address"), forwarded.iter().copied()).to_string()
    }

    #[test]
    fn only_trusted_proxies_are_believed_and_the_chain_is_read_from_its_end() {
        for (proxies, peer, forwarded, from) in [
            (&[][..], "10.0.0.1", &["203.0.113.7"][..], "10.0.0.1"),
            (&["10.0.0.1"], "10.0.0.1", &["203.0.113.7"], "203.0.113.7"),
            (&["10.0.0.1"], "10.0.0.2", &["203.0.113.7"], "10.0.0.2"),
            (&["10.0.0.0/8"], "10.9.9.9", &["198.51.100.1, 203.0.113.7"], "203.0.113.7"),
            (&["10.0.0.0/8"], "10.9.9.9", &["198.51.100.1", "203.0.113.7, 10.1.1.1"], "203.0.113.7"),
            (&["10.0.0.0/8"], "10.9.9.9", &[], "10.9.9.9"),
            (&["10.0.0.0/8"], "10.9.9.9", &["unknown"], "10.9.9.9"),
            (&["10.0.0.0/8"], "::ffff:10.9.9.9", &["203.0.113.7:4711"], "203.0.113.7"),
            (&["fd00::/8"], "fd12::1", &["[2001:db8::1]:80"], "2001:db8::1"),
            (&["0.0.0.0/0"], "10.0.0.1", &["10.0.0.2, 10.0.0.3"], "10.0.0.2"),
        ] {
            assert_eq!(found(proxies, peer, forwarded), from, "{proxies:?} {peer} {forwarded:?}");
        }
    }

    #[test]
    fn what_is_no_network_is_refused() {
        for text in ["", "10.0.0", "10.0.0.0/33", "10.0.0.0/+8", "::/129", "10.0.0.0/x", "10.0.0.0/", "proxy"] {
            assert!(text.parse::<Proxy>().is_err(), "{text}");
        }
    }
}
