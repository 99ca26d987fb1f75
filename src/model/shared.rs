//! Values that many records share: the requests of a page carry much the same headers, and come from the same few
//! lines of script. Kept once, a page that sends for hours still fits into memory.

use std::borrow::Cow;
use std::collections::HashSet;
use std::ops::Deref;
use std::sync::Arc;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use serde_json::value::RawValue;

/// Header names, in lower case, and values, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Headers(Arc<[(String, String)]>);

/// A JSON object, as it came.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct JsonText(Arc<str>);

/// Gives equal values the same memory.
#[derive(Debug, Default)]
pub struct Pool {
    headers: HashSet<Headers>,
    texts: HashSet<JsonText>,
}

impl Pool {
    pub fn headers(&mut self, headers: Vec<(String, String)>) -> Headers {
        let headers = Headers::from(headers);
        match self.headers.get(&headers) {
            Some(same) => same.clone(),
            None => {
                self.headers.insert(headers.clone());
                headers
            }
        }
    }

    pub fn json(&mut self, text: &RawValue) -> JsonText {
        let text = JsonText(text.get().into());
        match self.texts.get(&text) {
            Some(same) => same.clone(),
            None => {
                self.texts.insert(text.clone());
                text
            }
        }
    }
}

impl Headers {
    /// The first value of that name, whatever its case.
    pub fn first(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }
}

impl Deref for Headers {
    type Target = [(String, String)];

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl From<Vec<(String, String)>> for Headers {
    fn from(headers: Vec<(String, String)>) -> Headers {
        Headers(headers.into())
    }
}

impl JsonText {
    pub fn from_raw(text: &RawValue) -> JsonText {
        JsonText(text.get().into())
    }

    /// What it says.
    pub fn value(&self) -> Value {
        serde_json::from_str(&self.0).unwrap_or_default()
    }
}

/// An empty object.
impl Default for JsonText {
    fn default() -> JsonText {
        JsonText("{}".into())
    }
}

impl From<&Value> for JsonText {
    fn from(value: &Value) -> JsonText {
        JsonText(value.to_string().into())
    }
}

impl JsonSchema for Headers {
    fn schema_name() -> Cow<'static, str> {
        "Headers".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "array",
            "description": "Names, in lower case, and values, in order.",
            "items": { "type": "array", "items": { "type": "string" }, "minItems": 2, "maxItems": 2 },
        })
    }
}

impl JsonSchema for JsonText {
    fn schema_name() -> Cow<'static, str> {
        "JsonText".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "object", "description": "As the browser gave it." })
    }
}

impl Serialize for Headers {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Headers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Headers, D::Error> {
        Ok(Vec::deserialize(deserializer)?.into())
    }
}

impl Serialize for JsonText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let raw: &RawValue = serde_json::from_str(&self.0).map_err(serde::ser::Error::custom)?;
        raw.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for JsonText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<JsonText, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        Ok(JsonText(raw.get().into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_values_share_their_memory_and_are_written_as_they_came() {
        let mut pool = Pool::default();
        let list = || vec![("accept".to_owned(), "*/*".to_owned())];
        let (a, b) = (pool.headers(list()), pool.headers(list()));
        assert!(Arc::ptr_eq(&a.0, &b.0));
        assert_eq!(serde_json::to_string(&a).unwrap(), r#"[["accept","*/*"]]"#);
        let text = r#"{"type":"script", "n":1.0}"#;
        let raw: &RawValue = serde_json::from_str(text).unwrap();
        let (a, b) = (pool.json(raw), pool.json(raw));
        assert!(Arc::ptr_eq(&a.0, &b.0));
        assert_eq!(serde_json::to_string(&a).unwrap(), text);
        assert_eq!(serde_json::from_str::<JsonText>(text).unwrap(), a);
        assert_eq!(a.value()["type"], "script");
    }
}
