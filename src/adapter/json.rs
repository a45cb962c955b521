//! A JSON body with references in its strings; values keep their JSON type and never their quotes.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use super::plain::NewKey;
use super::scope::Scope;
use super::template::{Missing, Reference, Template};

/// One value of a body.
#[derive(Clone, Debug, PartialEq)]
pub enum Json {
    /// Sent as it stands: `null`, a boolean, a number.
    Literal(Value),
    /// A string with references. Wholly one reference: the value with its own JSON type.
    Text(Template),
    /// A list.
    List(Vec<Json>),
    /// An object; the keys are plain.
    Object(Vec<(String, Json)>),
}

impl Json {
    /// The body with its values. A key or element that is wholly an optional reference without value is left out.
    pub fn render(&self, scope: &Scope) -> Result<Value, Missing> {
        Ok(match self {
            Self::Literal(value) => value.clone(),
            Self::Text(template) => text(template, scope)?,
            Self::List(items) => {
                let kept = items.iter().filter(|item| !item.left_out(scope));
                Value::Array(kept.map(|item| item.render(scope)).collect::<Result<_, _>>()?)
            }
            Self::Object(fields) => {
                let kept = fields.iter().filter(|(_, value)| !value.left_out(scope));
                let pairs = kept.map(|(key, value)| Ok((key.clone(), value.render(scope)?)));
                Value::Object(pairs.collect::<Result<Map<_, _>, _>>()?)
            }
        })
    }

    /// What it names, wherever in it.
    pub fn references(&self) -> Vec<&Reference> {
        match self {
            Self::Literal(_) => Vec::new(),
            Self::Text(template) => template.references().collect(),
            Self::List(items) => items.iter().flat_map(Self::references).collect(),
            Self::Object(fields) => fields.iter().flat_map(|(_, value)| value.references()).collect(),
        }
    }

    fn left_out(&self, scope: &Scope) -> bool {
        matches!(self, Self::Text(template) if template.left_out(scope))
    }
}

fn text(template: &Template, scope: &Scope) -> Result<Value, Missing> {
    match template.whole() {
        Some(it) => scope.value(it.root, &it.name).ok_or_else(|| Missing(it.to_string())),
        None => template.render(scope).map(Value::String),
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Body)
    }
}

struct Body;

impl<'de> Visitor<'de> for Body {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Json, E> {
        Ok(Json::Literal(Value::Null))
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Json, E> {
        Ok(Json::Literal(value.into()))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Json, E> {
        Ok(Json::Literal(value.into()))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Json, E> {
        Ok(Json::Literal(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Json, E> {
        Ok(Json::Literal(value.into()))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Json, E> {
        value.parse().map(Json::Text).map_err(E::custom)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Json, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element()? {
            items.push(item);
        }
        Ok(Json::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Json, A::Error> {
        let mut fields: Vec<(String, Json)> = Vec::new();
        while let Some(key) = map.next_key_seed(NewKey(&|key| fields.iter().any(|(other, _)| other == key)))? {
            fields.push((key, map.next_value()?));
        }
        Ok(Json::Object(fields))
    }
}
