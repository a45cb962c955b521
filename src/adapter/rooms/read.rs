//! How lists of rooms are read from a manifest, and which of their keys go together.

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, Error, IntoDeserializer, MapAccess, SeqAccess, Visitor};

use super::{Held, Rooms, Source};
use crate::adapter::call::{Call, calling, needed};
use crate::adapter::plain::{OneOrMany, Span, missing, read_table};
use crate::adapter::pointer::{Choice, Pointers};
use crate::event::ConversationKind;

/// One table, or a list of them.
#[derive(Clone, Debug, Default)]
pub(in crate::adapter) struct Lists(pub Vec<Rooms>);

impl<'de> Deserialize<'de> for Lists {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = Lists;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a table of keys, or a list of such tables")
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Lists, A::Error> {
                Ok(Lists(vec![Rooms::deserialize(MapAccessDeserializer::new(map))?]))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Lists, A::Error> {
                let mut lists = Vec::new();
                while let Some(rooms) = list.next_element()? {
                    lists.push(rooms);
                }
                Ok(Lists(lists))
            }
        }
        deserializer.deserialize_any(Either)
    }
}

impl<'de> Deserialize<'de> for Held {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = Held;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("direct, group or document, or a choice of them")
            }
            fn visit_str<E: Error>(self, word: &str) -> Result<Held, E> {
                ConversationKind::deserialize(word.into_deserializer()).map(Held::Is)
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Held, A::Error> {
                Choice::deserialize(MapAccessDeserializer::new(map)).map(Held::Told)
            }
        }
        deserializer.deserialize_any(Either)
    }
}

/// A call without keys of its own.
#[derive(Clone, Debug)]
struct Plain(Call);

calling!(RawPlain {});
calling!(RawRooms {
    items: Pointers,
    id: Pointers,
    title: Pointers,
    kind: Option<Held>,
    kept: OneOrMany<String>,
    between: Pointers,
    who: Pointers,
    moved: Pointers,
    every: Option<Span>,
    main: Option<String>,
    messages: Option<Plain>,
});

impl<'de> Deserialize<'de> for Plain {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read_table(deserializer, |mut raw: RawPlain| raw.call().and_then(needed).map(Self))
    }
}

impl<'de> Deserialize<'de> for Rooms {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read_table(deserializer, Self::of)
    }
}

impl Rooms {
    fn of(mut raw: RawRooms) -> Result<Self, String> {
        let call = raw.call()?;
        let RawRooms { items, id, title, kind, kept, between, who, moved, every, main, messages, .. } = raw;
        let from = match call {
            Some(_) if !kept.is_empty() => return Err("a request and `kept` stand here: keep one".to_owned()),
            None if !kept.is_empty() && (!items.is_empty() || !id.is_empty() || every.is_some()) => {
                return Err("`kept` names facts: there is no answer to look into, and no time to ask".to_owned());
            }
            None if !kept.is_empty() => Source::Kept(kept.all().to_vec()),
            call => Source::List(Box::new(needed(call)?)),
        };
        if matches!(from, Source::List(_)) {
            if items.is_empty() {
                return Err(missing("items"));
            }
            if id.is_empty() && between.is_empty() {
                return Err(missing("id"));
            }
        }
        let messages = messages.map(|plain| plain.0);
        if main.is_some() && every.is_none() {
            return Err("`main` stands beside `every`".to_owned());
        }
        Ok(Self { from, items, id, title, kind, between, who, moved, every, main, messages })
    }
}
