//! Values as an OpenAPI schema describes them, and what can be done wrong with them.

use rand::{
    Rng,
    rngs::StdRng,
    seq::{IndexedRandom, IteratorRandom},
};
use serde_json::{Map, Value, json};
use uuid::Uuid;

/// Deepest schema followed.
const DEPTH_MAX: u32 = 6;

/// The document of an edge, and ids that exist.
#[derive(Debug)]
pub struct Document {
    /// The OpenAPI document.
    pub json: Value,
    /// Ids of real things, so that broken requests get as deep as they can.
    pub known: Vec<String>,
}

impl Document {
    /// A value that fits `schema`.
    pub fn value(&self, schema: &Value, random: &mut StdRng, depth: u32) -> Value {
        if depth > DEPTH_MAX {
            return Value::Null;
        }
        if let Some(reference) = schema["$ref"].as_str() {
            let name = reference.rsplit('/').next().unwrap_or_default();
            return self.value(&self.json["components"]["schemas"][name], random, depth + 1);
        }
        for choice in ["oneOf", "anyOf", "enum"] {
            if let Some(one) = schema[choice].as_array().and_then(|all| all.choose(random)) {
                return if choice == "enum" {
                    one.clone()
                } else {
                    self.value(one, random, depth + 1)
                };
            }
        }
        if let Some(parts) = schema["allOf"].as_array() {
            let mut whole = Map::new();
            for part in parts {
                if let Value::Object(fields) = self.value(part, random, depth + 1) {
                    whole.extend(fields);
                }
            }
            return Value::Object(whole);
        }
        self.typed(schema, random, depth)
    }

    fn typed(&self, schema: &Value, random: &mut StdRng, depth: u32) -> Value {
        let kind = match &schema["type"] {
            Value::Array(kinds) => kinds[0].as_str(),
            kind => kind.as_str(),
        };
        match kind.unwrap_or("object") {
            "string" => self.text(schema, random),
            "boolean" => json!(random.random_bool(0.5)),
            "integer" => json!(random.random_range(0..600)),
            "number" => json!(random.random_range(-180.0..180.0)),
            "array" => (0..random.random_range(0..4))
                .map(|_| self.value(&schema["items"], random, depth + 1))
                .collect(),
            "null" => Value::Null,
            _ => self.object(schema, random, depth),
        }
    }

    fn object(&self, schema: &Value, random: &mut StdRng, depth: u32) -> Value {
        let needed = schema["required"].as_array().cloned().unwrap_or_default();
        let fields = schema["properties"].as_object().into_iter().flatten();
        let fields = fields.filter_map(|(name, field)| {
            let is_there = needed.iter().any(|known| known == name) || random.random_bool(0.6);
            is_there.then(|| (name.clone(), self.value(field, random, depth + 1)))
        });
        Value::Object(fields.collect())
    }

    fn text(&self, schema: &Value, random: &mut StdRng) -> Value {
        match schema["format"].as_str() {
            Some("date-time") => {
                let at = chrono::Utc::now() + chrono::TimeDelta::minutes(random.random_range(-120..120));
                json!(at)
            }
            _ if random.random_bool(0.7) => json!(self.known.choose(random)),
            Some("uuid") => json!(Uuid::from_u128(random.random())),
            _ => odd_text(random).into(),
        }
    }
}

/// Texts that have broken programs before.
const ODD: [&str; 34] = [
    "",
    " ",
    "\u{0}",
    "a\u{0}b",
    "\u{7f}",
    "\n",
    "\r\n",
    "\u{feff}",
    "\u{202e}abc",
    "\u{fffd}",
    "\u{10ffff}",
    "\u{d7ff}\u{e000}",
    "\u{1f469}\u{200d}\u{1f692}",
    "\u{645}\u{62d}",
    "null",
    "NaN",
    "-0",
    "1e309",
    "true",
    "{}",
    "%",
    "%s%n",
    "_",
    "\\",
    "'",
    "\"",
    "'; drop table report; --",
    "../../etc/passwd",
    "<script>",
    "{{7*7}}",
    "9999-12-31T23:59:59.999999999Z",
    "-262143-01-01T00:00:00Z",
    "+262142-12-31T23:59:60Z",
    "00000000-0000-0000-0000-000000000000",
];

/// One of them, or a long one, or one of random characters.
pub fn odd_text(random: &mut StdRng) -> String {
    match random.random_range(0..10) {
        0 => "x".repeat(random.random_range(50..5_000)),
        1 => "\u{1f4a1}".repeat(random.random_range(1..400)),
        2 => (0..random.random_range(1..40))
            .filter_map(|_| char::from_u32(random.random_range(0..0x11_0000)))
            .collect(),
        _ => (*ODD.choose(random).expect("there are some")).to_owned(),
    }
}

/// A value of any kind that has broken programs before.
pub fn odd_value(random: &mut StdRng) -> Value {
    let choice = random.random_range(0..14);
    match choice {
        0 => Value::Null,
        1 => json!([]),
        2 => json!({}),
        3 => json!(random.random_bool(0.5)),
        4 => json!(i64::MIN),
        5 => json!(u64::MAX),
        6 => json!(-1),
        7 => json!(1e308),
        8 => json!(-0.0),
        9 => json!([[[[[[]]]]]]),
        10 => json!(vec![0; random.random_range(1..1_200)]),
        11 => json!(f64::from(random.random_range(-200..200)) + 0.5),
        _ => odd_text(random).into(),
    }
}

/// Breaks `value` at one random place.
pub fn break_one(value: &mut Value, random: &mut StdRng) {
    let place = node(value, random);
    match (random.random_range(0..5), place) {
        (0, Value::Object(fields)) => {
            if let Some(name) = fields.keys().choose(random).cloned() {
                fields.remove(&name);
            }
        }
        (1, Value::Object(fields)) => {
            fields.insert(odd_text(random), odd_value(random));
        }
        (2, place) => *place = json!([place.clone()]),
        (_, place) => *place = odd_value(random),
    }
}

/// A random node of the tree, more often a deep one.
fn node<'a>(value: &'a mut Value, random: &mut StdRng) -> &'a mut Value {
    let count = match value {
        Value::Object(fields) => fields.len(),
        Value::Array(items) => items.len(),
        _ => 0,
    };
    if count == 0 || random.random_bool(0.15) {
        return value;
    }
    let at = random.random_range(0..count);
    let inner = match value {
        Value::Object(fields) => fields.values_mut().nth(at),
        Value::Array(items) => items.get_mut(at),
        _ => None,
    };
    node(inner.expect("within the count"), random)
}

/// Breaks bytes: cut off, one changed, one more, a stretch twice.
pub fn break_bytes(bytes: &mut Vec<u8>, random: &mut StdRng) {
    if bytes.is_empty() {
        bytes.push(random.random());
        return;
    }
    let at = random.random_range(0..bytes.len());
    match random.random_range(0..4) {
        0 => bytes.truncate(at),
        1 => bytes[at] = random.random(),
        2 => bytes.insert(at, random.random()),
        _ => bytes.extend_from_within(at..),
    }
}
