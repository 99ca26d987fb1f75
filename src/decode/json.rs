//! JSON out of requests, with a bound on what is made of it: ten megabytes of `{},{},…` would be a gigabyte of values.

use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// Values (members, elements) that are kept of one text.
const MOST: usize = 65_536;
/// And of one member of its outermost object, so that a large one leaves room for those after it.
const MOST_OF_ONE: usize = 8_192;

/// What a text says.
#[derive(Debug)]
pub(super) struct Parsed {
    pub value: Value,
    /// False if it says more than is kept.
    pub whole: bool,
}

/// # Errors
/// The text is not JSON, or is nested more than 128 deep.
pub(super) fn parse(text: &[u8]) -> serde_json::Result<Parsed> {
    let bounds = Bounds {
        all: Cell::new(MOST),
        of_one: Cell::new(MOST_OF_ONE),
        whole: Cell::new(true),
    };
    let mut deserializer = serde_json::Deserializer::from_slice(text);
    let value = Node {
        bounds: &bounds,
        outermost: true,
    }
    .deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(Parsed {
        value,
        whole: bounds.whole.get(),
    })
}

struct Bounds {
    all: Cell<usize>,
    of_one: Cell<usize>,
    whole: Cell<bool>,
}

impl Bounds {
    /// Whether one more value may be kept.
    fn allow(&self) -> bool {
        let (all, of_one) = (self.all.get(), self.of_one.get());
        if all == 0 || of_one == 0 {
            self.whole.set(false);
            return false;
        }
        self.all.set(all - 1);
        self.of_one.set(of_one - 1);
        true
    }
}

#[derive(Clone, Copy)]
struct Node<'b> {
    bounds: &'b Bounds,
    outermost: bool,
}

impl<'de> DeserializeSeed<'de> for Node<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'b> Node<'b> {
    fn inner(&self) -> Node<'b> {
        if self.outermost {
            self.bounds.of_one.set(MOST_OF_ONE);
        }
        Node {
            bounds: self.bounds,
            outermost: false,
        }
    }
}

impl<'de> Visitor<'de> for Node<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, truth: bool) -> Result<Value, E> {
        Ok(Value::Bool(truth))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Value, E> {
        Ok(number.into())
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Value, E> {
        Ok(number.into())
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Value, E> {
        Ok(Number::from_f64(number).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Value, E> {
        Ok(text.into())
    }

    fn visit_string<E: Error>(self, text: String) -> Result<Value, E> {
        Ok(text.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Value, A::Error> {
        let mut kept = Vec::new();
        loop {
            let inner = self.inner();
            if !inner.bounds.allow() {
                while elements.next_element::<IgnoredAny>()?.is_some() {}
                return Ok(Value::Array(kept));
            }
            match elements.next_element_seed(inner)? {
                Some(element) => kept.push(element),
                None => return Ok(Value::Array(kept)),
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut kept = Map::new();
        while let Some(key) = members.next_key::<String>()? {
            let inner = self.inner();
            if inner.bounds.allow() {
                kept.insert(key, members.next_value_seed(inner)?);
            } else {
                members.next_value::<IgnoredAny>()?;
            }
        }
        Ok(Value::Object(kept))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fits_is_kept_whole_and_in_order() {
        let text = r#"{"b":[1,-2,1.5,"x\u00e9",null,true,{"a":{}}],"a":[]}"#;
        let parsed = parse(text.as_bytes()).unwrap();
        assert!(parsed.whole);
        assert_eq!(parsed.value.to_string(), text.replace("\\u00e9", "é"));
        for broken in ["", "{", "[1,]", "{} x", "nul"] {
            assert!(parse(broken.as_bytes()).is_err(), "{broken}");
        }
    }

    #[test]
    fn what_does_not_fit_leaves_room_for_what_comes_after() {
        let many = "{},".repeat(MOST_OF_ONE);
        let text = format!(r#"{{"first":[{many}0],"last":"here"}}"#);
        let parsed = parse(text.as_bytes()).unwrap();
        assert!(!parsed.whole);
        assert_eq!(parsed.value["last"], "here");
        assert_eq!(
            parsed.value["first"].as_array().unwrap().len(),
            MOST_OF_ONE - 1
        );
        let text = format!("[{}0]", "0,".repeat(2 * MOST));
        let parsed = parse(text.as_bytes()).unwrap();
        assert!(!parsed.whole);
        assert_eq!(parsed.value.as_array().unwrap().len(), MOST);
    }
}
