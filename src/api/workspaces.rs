//! What the doors ask of the joined workspaces: the seam between the API and the lines.

use futures_util::future::BoxFuture;
use secrecy::SecretString;
use serde_json::{Map, Value};

use super::params;
use super::problem::Problem;
use crate::action::Request;
use crate::event::WorkspaceName;

/// The answer to something that goes over the network.
pub type Asked = BoxFuture<'static, Result<Value, Problem>>;

/// One of a manifest's `asks`.
#[derive(Clone, Debug, PartialEq)]
pub struct Ask {
    /// `history`, `message`, `conversations`, `conversation`, `files`, `people`, `members`, `me`, `document`.
    pub name: &'static str,
    /// The template's scope `ask`.
    pub args: Map<String, Value>,
}

/// What is asked about a workspace's documents.
#[derive(Debug)]
pub enum DocumentWish {
    /// All of them.
    List,
    /// One more, by its share link or token.
    Add(SecretString),
    /// One less, by its id.
    Remove(String),
}

/// The joined workspaces, as the API sees them.
pub trait Workspaces: Send + Sync + 'static {
    /// Lines and credentials of one workspace (design, section 9); `None` where it does not run.
    fn status(&self, name: &WorkspaceName) -> Option<Value>;

    /// Reads from the platform, signed in.
    fn ask(&self, name: WorkspaceName, ask: Ask) -> Asked;

    /// Sends a verb that is never stored, at once; none where the verb is stored, or nobody knows it.
    fn at_once(&self, name: &WorkspaceName, wish: &Request) -> Option<Asked>;

    /// The documents that a workspace was given.
    fn document(&self, name: WorkspaceName, wish: DocumentWish) -> Asked;

    /// Any other request, signed in. Its path was checked by [`free_path`].
    fn call(&self, call: params::Call) -> Asked;

    /// Joins, and brings the workspace to life.
    fn join(&self, join: params::Join) -> Asked;

    /// Ends the workspace and forgets it with its secrets.
    fn leave(&self, name: WorkspaceName) -> Asked;
}

/// Whether `call` may use this path: under the workspace's own base, and nowhere else.
pub fn free_path(path: &str) -> Result<(), Problem> {
    let bare = path.split(['?', '#']).next().unwrap_or_default();
    let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    let climbs = bare.split('/').any(|segment| {
        let dots = segment.to_ascii_lowercase().replace("%2e", ".");
        dots == ".." || dots == "."
    });
    // `//host` is another origin to a URL parser; an encoded slash is one to some servers.
    let elsewhere = !path.starts_with('/') || path.starts_with("//") || bare.to_ascii_lowercase().contains("%2f");
    if elsewhere || climbs || !plain(path) || path.contains('#') {
        return Err(Problem::bad_params(
            "`path` must begin with one `/`, stay under the workspace's own base (no `..`, no host) and be percent-encoded",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_free_path_stays_under_the_base() {
        for good in ["/channels", "/channels?limit=5", "/a/b%20c?x=../..", "/a..b/c"] {
            assert!(free_path(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "channels",
            "//evil.example/x",
            "/\\evil.example",
            "https://evil.example/",
            "/a/../../b",
            "/a/%2e%2E/b",
            "/a/./b",
            "/a%2f..%2fb",
            "/a b",
            "/a\r\nHost: x",
            "/a#b",
            "/é",
        ] {
            assert_eq!(free_path(bad).unwrap_err().kind, "bad_params", "{bad}");
        }
    }
}
