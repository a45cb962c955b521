//! Where a webhook goes: `http`, `https`, or HTTP over a Unix socket.

use std::path::PathBuf;

use url::Url;

/// Why a URL is refused. None of them repeats the URL.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadUrl {
    /// Not readable.
    #[error("the webhook's URL cannot be read ({0}): give http://…, https://… or unix:/path/to.sock")]
    Unreadable(String),
    /// Another scheme.
    #[error("the webhook's URL begins with `{0}:`: give http://…, https://… or unix:/path/to.sock")]
    Scheme(String),
    /// A user name or password in it.
    #[error("the webhook's URL carries a user or password: leave it out, the signature proves who sends")]
    UserInfo,
    /// A Unix socket without an absolute path, or over the system's limit of 107 bytes.
    #[error("the webhook's socket needs an absolute path of at most 107 bytes: unix:/path/to.sock, unix:/path:/route")]
    Socket,
    /// The client cannot be made.
    #[error("the webhook's HTTP client cannot be made: {0}")]
    Client(String),
}

/// A checked URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// Over the network; plain `http` is the operator's own choice.
    Net(Url),
    /// Over a Unix socket on which the agent listens.
    Unix {
        /// The socket.
        socket: PathBuf,
        /// The route on it, as a URL on `localhost`.
        url: Url,
    },
}

/// `sun_path` of a Unix socket's address, less its closing zero (unix(7)).
const SOCKET_PATH: usize = 107;

impl Target {
    /// Reads and checks a URL: `http`, `https`, `unix:/path` or `unix:/path:/route`.
    pub fn parse(text: &str) -> Result<Self, BadUrl> {
        if let Some(rest) = text.strip_prefix("unix:") {
            return Self::unix(rest);
        }
        let url = Url::parse(text).map_err(|error| BadUrl::Unreadable(error.to_string()))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(BadUrl::Scheme(url.scheme().to_owned()));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(BadUrl::UserInfo);
        }
        Ok(Self::Net(url))
    }

    fn unix(rest: &str) -> Result<Self, BadUrl> {
        let (socket, route) = rest.split_once(":/").map_or((rest, ""), |(socket, route)| (socket, route));
        // `unix:///path` is how many write it.
        let socket = if socket.starts_with("///") { &socket[2..] } else { socket };
        if !socket.starts_with('/') || socket.starts_with("//") || socket.len() > SOCKET_PATH {
            return Err(BadUrl::Socket);
        }
        let url = Url::parse(&format!("http://localhost/{route}"));
        let url = url.map_err(|error| BadUrl::Unreadable(error.to_string()))?;
        Ok(Self::Unix { socket: socket.into(), url })
    }

    /// What is asked for.
    pub fn url(&self) -> Url {
        match self {
            Self::Net(url) | Self::Unix { url, .. } => url.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sockets_with_and_without_a_route() {
        for (text, socket, route) in [
            ("unix:/run/agent.sock", "/run/agent.sock", "/"),
            ("unix:/run/agent.sock:/hook?a=1", "/run/agent.sock", "/hook?a=1"),
            ("unix:///run/agent.sock", "/run/agent.sock", "/"),
        ] {
            let url = Url::parse(&format!("http://localhost{route}")).unwrap();
            assert_eq!(Target::parse(text), Ok(Target::Unix { socket: socket.into(), url }), "{text}");
        }
    }

    #[test]
    fn what_is_no_place_to_deliver_to_is_refused() {
        assert_eq!(Target::parse("ftp://host/"), Err(BadUrl::Scheme("ftp".into())));
        assert_eq!(Target::parse("https://me:pw@host/"), Err(BadUrl::UserInfo));
        assert!(matches!(Target::parse("host/hook"), Err(BadUrl::Unreadable(_))));
        for bad in ["unix:run/agent.sock", "unix:", "unix://host/x", &format!("unix:/{}", "x".repeat(107))] {
            assert_eq!(Target::parse(bad), Err(BadUrl::Socket), "{bad}");
        }
        assert!(matches!(Target::parse("http://127.0.0.1:9/hook"), Ok(Target::Net(_))));
    }
}
