//! How files reach a platform that has them put elsewhere first: asked for, put, and named in the action by their ids.

use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use crate::adapter::call::{Call, calling, needed};
use crate::adapter::plain::read_table;
use crate::adapter::pointer::Pointers;

/// The files of an action as its body names them: nobody gives it, it is made of what was uploaded.
pub const UPLOADS: &str = "uploads";

/// How files are uploaded before the action that names them.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Uploads {
    /// The most files of one action.
    pub files: usize,
    /// The largest file, in bytes.
    pub cap: u64,
    /// Asks for a place for one file: `{file.name}`, `{file.size}`, `{file.md5}` (base64), `{file.type}`.
    #[serde(deserialize_with = "plain_call")]
    pub create: Call,
    /// What its answer tells.
    pub take: Place,
    /// What stands between the ids in `{action.uploads}`; without it they are a list.
    pub join: Option<String>,
}

/// Where a file goes, and what it is called from then on.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// The id by which the action names the file.
    pub signed_id: Pointers,
    /// The URL that takes the bytes by a PUT.
    pub url: Pointers,
    /// A table of headers that go with it.
    #[serde(default)]
    pub headers: Pointers,
}

impl Uploads {
    /// What `{action.uploads}` is for these ids.
    pub fn named(&self, ids: &[String]) -> Value {
        self.join.as_ref().map_or_else(|| ids.into(), |between| ids.join(between).into())
    }
}

impl Place {
    /// The id, the URL and the headers of an answer; `None` where id or URL are missing.
    pub fn read(&self, answer: &Value) -> Option<(String, String, Map<String, Value>)> {
        let headers = self.headers.find(answer).and_then(Value::as_object).cloned().unwrap_or_default();
        Some((self.signed_id.text(answer)?, self.url.text(answer)?, headers))
    }
}

calling!(RawCreate {});

fn plain_call<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Call, D::Error> {
    read_table(deserializer, |mut raw: RawCreate| match raw.call().and_then(needed)? {
        call if call.take.is_empty() => Ok(call),
        _ => Err("`take` stands beside `create`, not in it".to_owned()),
    })
}
