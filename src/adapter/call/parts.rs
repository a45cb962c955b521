//! How a call is read: its keys as they stand in a manifest, alone or beside the keys of what makes it.

use http::Method;

use super::Call;
use crate::adapter::json::Json;
use crate::adapter::outcome::Rule;
use crate::adapter::path::Path;
use crate::adapter::plain::Table;
use crate::adapter::pointer::Pointers;
use crate::adapter::template::Template;

/// The keys of a call as they stand in a manifest.
#[derive(Default)]
pub(in crate::adapter) struct Parts {
    pub get: Option<Path>,
    pub post: Option<Path>,
    pub put: Option<Path>,
    pub patch: Option<Path>,
    pub delete: Option<Path>,
    pub under: Option<String>,
    pub header: Table<Template>,
    pub json: Option<Json>,
    pub take: Table<Pointers>,
    pub outcomes: Vec<Rule>,
}

impl Parts {
    /// The call; `None` where no method stands there.
    pub(in crate::adapter) fn call(self) -> Result<Option<Call>, String> {
        let methods = [
            (Method::GET, self.get),
            (Method::POST, self.post),
            (Method::PUT, self.put),
            (Method::PATCH, self.patch),
            (Method::DELETE, self.delete),
        ];
        let mut given = methods.into_iter().filter_map(|(method, path)| path.map(|path| (method, path)));
        let Some((method, path)) = given.next() else { return Ok(None) };
        if given.next().is_some() {
            return Err("two methods stand here: keep one of get, post, put, patch, delete".to_owned());
        }
        if self.json.is_some() && method == Method::GET {
            return Err("a get has no body: put the values into its query, or use post".to_owned());
        }
        let Self { under, header, json, take, outcomes, .. } =
            Self { get: None, post: None, put: None, patch: None, delete: None, ..self };
        Ok(Some(Call { method, path, under, in_document: false, header, json, take, outcomes }))
    }
}

/// Refuses what should make a request and names no method.
pub(in crate::adapter) fn needed(call: Option<Call>) -> Result<Call, String> {
    call.ok_or_else(|| "no request stands here: add one of get, post, put, patch, delete".to_owned())
}

/// Defines how something is read that makes a request and has keys of its own beside those of the request:
/// `get|post|put|patch|delete`, `as`, `header`, `json`, `take`, `outcomes`. (A flattened struct would lose the line of every error in it.)
macro_rules! calling {
    ($raw:ident { $($field:ident: $kind:ty,)* }) => {
        #[derive(serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        struct $raw {
            get: Option<$crate::adapter::path::Path>,
            post: Option<$crate::adapter::path::Path>,
            put: Option<$crate::adapter::path::Path>,
            patch: Option<$crate::adapter::path::Path>,
            delete: Option<$crate::adapter::path::Path>,
            #[serde(rename = "as")]
            under: Option<String>,
            #[serde(default)]
            header: $crate::adapter::plain::Table<$crate::adapter::template::Template>,
            json: Option<$crate::adapter::json::Json>,
            #[serde(default)]
            take: $crate::adapter::plain::Table<$crate::adapter::pointer::Pointers>,
            #[serde(default)]
            outcomes: Vec<$crate::adapter::outcome::Rule>,
            $(#[serde(default)] $field: $kind,)*
        }

        impl $raw {
            /// The request, where one stands there.
            fn call(&mut self) -> Result<Option<$crate::adapter::call::Call>, String> {
                $crate::adapter::call::Parts {
                    get: self.get.take(),
                    post: self.post.take(),
                    put: self.put.take(),
                    patch: self.patch.take(),
                    delete: self.delete.take(),
                    under: self.under.take(),
                    header: std::mem::take(&mut self.header),
                    json: self.json.take(),
                    take: std::mem::take(&mut self.take),
                    outcomes: std::mem::take(&mut self.outcomes),
                }
                .call()
            }
        }
    };
}
pub(in crate::adapter) use calling;
