//! Who may talk: on a socket of the file system by what the kernel says of the peer, elsewhere by a token.

use std::os::fd::AsFd;

use axum::http::header::{AUTHORIZATION, HOST, HeaderMap, ORIGIN};
use axum::http::{Request, StatusCode};

use super::token::Token;
use crate::peer;
use crate::protocol::Fault;

/// Says who may talk.
pub(super) enum Gate {
    /// The server's user, root, and the members of a group.
    Peers { group: Option<u32> },
    /// Whoever knows the token.
    Token {
        token: Token,
        /// Only by a name of this host's own: a page in a browser that had its own name lead here is kept out.
        is_loopback: bool,
    },
}

type Refused = (StatusCode, Fault);

impl Gate {
    /// For the server's own user, and root.
    pub(super) fn own() -> Self {
        Self::Peers { group: None }
    }

    /// Whether a peer is let in.
    pub(super) fn of_peer(&self, stream: &impl AsFd) -> bool {
        let Self::Peers { group } = self else { return false };
        peer::is_of_same_user(stream) || group.is_some_and(|group| peer::is_in_group(stream, group))
    }

    /// What is said to those who are not.
    pub(super) fn keeps_out() -> Refused {
        (StatusCode::FORBIDDEN, Fault::refused("CLR-PEER", "this server is not for you"))
    }

    /// Why a request is not taken, of somebody who was let in.
    pub(super) fn refuses<B>(&self, request: &Request<B>) -> Option<Refused> {
        let Self::Token { token, is_loopback } = self else { return None };
        let headers = request.headers();
        // No program but a browser says where a page came from, and no page has any business here.
        if headers.contains_key(ORIGIN) || (*is_loopback && !names_this_host(headers)) {
            return Some(Self::keeps_out());
        }
        let said = headers.get(AUTHORIZATION).and_then(|said| bearer(said.as_bytes()));
        if said.is_some_and(|said| token.is(said)) {
            return None;
        }
        let fault = Fault::refused("CLR-TOKEN", "`Authorization: Bearer` does not say the token");
        Some((StatusCode::UNAUTHORIZED, fault))
    }
}

fn bearer(said: &[u8]) -> Option<&[u8]> {
    let (scheme, token) = said.split_at_checked(7)?;
    scheme.eq_ignore_ascii_case(b"bearer ").then(|| token.trim_ascii())
}

fn names_this_host(headers: &HeaderMap) -> bool {
    let Some(host) = headers.get(HOST).and_then(|host| host.to_str().ok()) else { return false };
    let without_port = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    let name = without_port.trim_start_matches('[').trim_end_matches(']');
    name.eq_ignore_ascii_case("localhost")
        || name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: axum::http::HeaderName, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(name, axum::http::HeaderValue::from_static(value))])
    }

    #[test]
    fn a_host_is_this_one_by_its_own_names_alone() {
        for host in ["localhost", "LOCALHOST:80", "127.0.0.1:8080", "127.0.0.1", "[::1]:1", "[::1]"] {
            assert!(names_this_host(&headers(HOST, host)), "{host}");
        }
        for host in
            ["", "example.org", "127.0.0.1.example.org", "localhost.example.org:1", "10.0.0.1", "[::2]"]
        {
            assert!(!names_this_host(&headers(HOST, host)), "{host}");
        }
        assert!(!names_this_host(&HeaderMap::new()));
    }

    #[test]
    fn a_token_stands_after_its_scheme() {
        assert_eq!(bearer(b"bearer abc "), Some(&b"abc"[..]));
        assert_eq!([&b"abc"[..], b"Basic abc", b"Bearerabc", b""].map(bearer), [None; 4]);
    }
}
