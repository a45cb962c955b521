//! The small forms of a manifest: tables that keep their order, lists of one, durations, names.

use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;
use std::time::Duration;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, IntoDeserializer, MapAccess, SeqAccess, Visitor};

/// Reads a scalar through its [`FromStr`]. The check runs inside the visitor, because only there does the YAML
/// reader still know the line of the value.
pub(super) fn read_text<'de, T, D>(deserializer: D, expecting: &'static str) -> Result<T, D::Error>
where
    T: FromStr<Err: fmt::Display>,
    D: Deserializer<'de>,
{
    struct Text<T>(&'static str, PhantomData<T>);
    impl<T: FromStr<Err: fmt::Display>> Visitor<'_> for Text<T> {
        type Value = T;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.0)
        }
        fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
            text.parse().map_err(E::custom)
        }
    }
    deserializer.deserialize_str(Text(expecting, PhantomData))
}

/// A key that does not stand there yet. Refused where it is read, for only there is its line known.
pub(super) struct NewKey<'a>(pub &'a dyn Fn(&str) -> bool);

impl<'de> DeserializeSeed<'de> for NewKey<'_> {
    type Value = String;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<String, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for NewKey<'_> {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<String, E> {
        if (self.0)(key) { Err(E::custom(format!("`{key}` stands here twice: keep one"))) } else { Ok(key.to_owned()) }
    }
}

/// Reads a table of fixed keys and turns it into what it stands for, within the visitor, for the same reason.
pub(super) fn read_table<'de, Raw, T, D>(deserializer: D, turn: fn(Raw) -> Result<T, String>) -> Result<T, D::Error>
where
    Raw: Deserialize<'de>,
    D: Deserializer<'de>,
{
    struct Turned<Raw, T>(fn(Raw) -> Result<T, String>);
    impl<'de, Raw: Deserialize<'de>, T> Visitor<'de> for Turned<Raw, T> {
        type Value = T;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a table of keys")
        }
        fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
            (self.0)(Raw::deserialize(MapAccessDeserializer::new(map))?).map_err(A::Error::custom)
        }
    }
    deserializer.deserialize_map(Turned(turn))
}

/// What a required key says when it is not there.
pub(super) fn missing(key: &str) -> String {
    format!("missing field `{key}`")
}

/// A table that keeps the order of the file and refuses a key that stands twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table<T>(Vec<(String, T)>);

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Table<T> {
    /// What stands under this key.
    pub fn get(&self, key: &str) -> Option<&T> {
        self.0.iter().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    /// The key as the table holds it, and what stands under it.
    pub fn entry(&self, key: &str) -> Option<(&str, &T)> {
        self.iter().find(|(name, _)| *name == key)
    }

    /// Whether the key stands there.
    pub fn has(&self, key: &str) -> bool {
        self.get(key).is_some()
    }

    /// Keys and values, in the order of the file.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &T)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// The values, in the order of the file.
    pub(super) fn values_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.0.iter_mut().map(|(_, value)| value)
    }

    /// The keys, in the order of the file.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }

    /// Nothing stands there.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Table<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Entries<T> {
            type Value = Table<T>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a table of names")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Table<T>, A::Error> {
                let mut table = Table::default();
                while let Some(key) = map.next_key_seed(NewKey(&|key| table.has(key)))? {
                    table.0.push((key, map.next_value()?));
                }
                Ok(table)
            }
        }
        deserializer.deserialize_map(Entries(PhantomData))
    }
}

/// One value, or a list of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OneOrMany<T>(Vec<T>);

impl<T> Default for OneOrMany<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> OneOrMany<T> {
    /// The values; empty where the key is left out.
    pub fn all(&self) -> &[T] {
        &self.0
    }

    /// The key is left out.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for OneOrMany<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Values<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Values<T> {
            type Value = OneOrMany<T>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text or a list of texts")
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(OneOrMany(vec![T::deserialize(text.into_deserializer())?]))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                let mut values = Vec::new();
                while let Some(value) = list.next_element()? {
                    values.push(value);
                }
                if values.is_empty() {
                    return Err(A::Error::custom("the list is empty: name at least one, or leave the key out"));
                }
                Ok(OneOrMany(values))
            }
        }
        deserializer.deserialize_any(Values(PhantomData))
    }
}

/// A length of time as people write it: `250ms`, `75s`, `10m`, `24h`, `7d`; from 1 ms to 366 days.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span(pub Duration);

impl FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let bad = || format!("`{text}` is no length of time: write a whole number and ms, s, m, h or d, as in 75s");
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit) = text.split_at(digits);
        let number: u64 = number.parse().map_err(|_| bad())?;
        let unit = match unit {
            "ms" => 1,
            "s" => 1000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return Err(bad()),
        };
        let millis = number.checked_mul(unit).filter(|millis| (1..=366 * 86_400_000).contains(millis));
        millis.map(|millis| Self(Duration::from_millis(millis))).ok_or_else(|| format!("{} (1ms to 366d)", bad()))
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read_text(deserializer, "a length of time, as in 75s")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time_read_as_written() {
        for (text, millis) in
            [("250ms", 250), ("75s", 75_000), ("10m", 600_000), ("24h", 86_400_000), ("1d", 86_400_000)]
        {
            assert_eq!(text.parse::<Span>().expect(text).0, Duration::from_millis(millis));
        }
        for bad in ["", "s", "5", "5 s", "-5s", "0s", "1.5h", "367d", "99999999999999999999s", "5w"] {
            assert!(bad.parse::<Span>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_table_keeps_its_order_and_refuses_a_second_key() {
        let table: Table<u8> = serde_yaml::from_str("{ z: 1, a: 2 }").expect("a table");
        assert_eq!(table.names().collect::<Vec<_>>(), ["z", "a"]);
        let said = serde_yaml::from_str::<Table<u8>>("{ a: 1, a: 2 }").expect_err("a second a").to_string();
        assert!(said.contains("twice"), "{said}");
    }
}
