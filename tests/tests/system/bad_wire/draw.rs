//! Messages drawn from the contract's descriptors: every field of its kind, with values that have broken programs.

use std::collections::BTreeMap;

use chrono::Utc;
use prost::{
    Message,
    encoding::{WireType, encode_key, encode_varint},
};
use prost_types::{
    DescriptorProto, FieldDescriptorProto, FileDescriptorSet,
    field_descriptor_proto::{Label, Type},
};
use rand::{Rng, rngs::StdRng, seq::IndexedRandom};
use uuid::Uuid;

use crate::bad_input::schema::{break_bytes, odd_text};

/// Deepest message drawn.
const DEPTH_MAX: u32 = 6;

/// A method of a service.
#[derive(Debug)]
pub struct Method {
    /// `/relight.intake.v1.Intake/Urge`
    pub path: String,
    /// `Urge`
    pub name: String,
    /// The role that serves it.
    pub peer: String,
    /// Name of its message.
    pub input: String,
}

/// The contract.
#[derive(Debug)]
pub struct Wire {
    messages: BTreeMap<String, DescriptorProto>,
    methods: Vec<Method>,
}

impl Wire {
    /// Reads the descriptors.
    ///
    /// # Errors
    /// When they are none.
    pub fn new() -> anyhow::Result<Self> {
        let files = FileDescriptorSet::decode(relight_proto::DESCRIPTORS)?;
        let (mut messages, mut methods) = (BTreeMap::new(), Vec::new());
        for file in &files.file {
            for message in &file.message_type {
                collect(&mut messages, &format!(".{}", file.package()), message);
            }
            for service in &file.service {
                let full = format!("{}.{}", file.package(), service.name());
                let role = file.package().split('.').nth(1).unwrap_or_default();
                // Every service serves its own events.
                let peer = if role == "events" { "intake" } else { role };
                methods.extend(service.method.iter().map(|method| Method {
                    path: format!("/{full}/{}", method.name()),
                    name: method.name().to_owned(),
                    peer: peer.to_owned(),
                    input: method.input_type().to_owned(),
                }));
            }
        }
        anyhow::ensure!(methods.len() > 30, "the contract has its methods");
        Ok(Self { messages, methods })
    }

    /// Every method of every service.
    pub fn methods(&self) -> &[Method] {
        &self.methods
    }

    /// A message of this type.
    pub fn message(&self, name: &str, random: &mut StdRng) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.put(name, &mut bytes, random, 0);
        bytes
    }

    /// One that is damaged.
    pub fn broken(&self, name: &str, random: &mut StdRng) -> Vec<u8> {
        let mut bytes = self.message(name, random);
        for _ in 0..random.random_range(1..4) {
            break_bytes(&mut bytes, random);
        }
        bytes
    }

    fn put(&self, name: &str, into: &mut Vec<u8>, random: &mut StdRng, depth: u32) {
        let Some(message) = self.messages.get(name).filter(|_| depth < DEPTH_MAX) else {
            return;
        };
        // One of a choice, not all of them: the last would win.
        let chosen = message.field.choose(random).map(FieldDescriptorProto::number);
        for field in &message.field {
            let is_choice = field.oneof_index.is_some();
            let is_there = if is_choice {
                chosen == field.number
            } else {
                random.random_bool(0.85)
            };
            let times = match (is_there, field.label()) {
                (false, _) => 0,
                (true, Label::Repeated) => *[0, 1, 2, 600].choose(random).expect("four"),
                (true, _) => 1,
            };
            let times = if depth > 1 { times.min(3) } else { times };
            for _ in 0..times {
                self.put_field(field, into, random, depth);
            }
        }
    }

    fn put_field(&self, field: &FieldDescriptorProto, into: &mut Vec<u8>, random: &mut StdRng, depth: u32) {
        let number = u32::try_from(field.number()).expect("positive");
        match field.r#type() {
            Type::Double => {
                encode_key(number, WireType::SixtyFourBit, into);
                into.extend(odd_number(random).to_le_bytes());
            }
            Type::String | Type::Bytes => put_bytes(number, text(field.name(), random).as_bytes(), into),
            Type::Message => {
                let mut inner = Vec::new();
                self.put(field.type_name(), &mut inner, random, depth + 1);
                put_bytes(number, &inner, into);
            }
            Type::Bool | Type::Enum => put_varint(number, random.random_range(0..4), into),
            _ => put_varint(number, odd_integer(field.name(), random), into),
        }
    }
}

fn collect(messages: &mut BTreeMap<String, DescriptorProto>, within: &str, message: &DescriptorProto) {
    let name = format!("{within}.{}", message.name());
    for inner in &message.nested_type {
        collect(messages, &name, inner);
    }
    messages.insert(name, message.clone());
}

fn put_bytes(number: u32, bytes: &[u8], into: &mut Vec<u8>) {
    encode_key(number, WireType::LengthDelimited, into);
    encode_varint(bytes.len() as u64, into);
    into.extend_from_slice(bytes);
}

fn put_varint(number: u32, value: u64, into: &mut Vec<u8>) {
    encode_key(number, WireType::Varint, into);
    encode_varint(value, into);
}

/// Ids where ids belong, words where words belong, so that a message gets past the first look; or anything.
fn text(field: &str, random: &mut StdRng) -> String {
    const WORDS: [&str; 16] = [
        "S-1",
        "T1",
        "CB1",
        "open",
        "hotline",
        "dispatcher",
        "arrival",
        "watch",
        "tree",
        "meter",
        "agent",
        "fault_repair",
        "test/city/north",
        "+8613900000001",
        "en",
        "123456",
    ];
    match random.random_range(0..10) {
        0..7 if field.ends_with("_id") || field.ends_with("_ids") => {
            Uuid::from_u128(random.random()).to_string()
        }
        0..6 => (*WORDS.choose(random).expect("there are some")).to_owned(),
        _ => odd_text(random),
    }
}

fn odd_number(random: &mut StdRng) -> f64 {
    let odd = [
        f64::NAN,
        f64::INFINITY,
        f64::NEG_INFINITY,
        f64::MAX,
        f64::MIN_POSITIVE,
        -0.0,
        180.0,
        -90.1,
        1e18,
    ];
    if random.random_bool(0.5) {
        random.random_range(-90.0..90.0)
    } else {
        *odd.choose(random).expect("there are some")
    }
}

/// As two's complement, which is how a varint carries a negative one.
fn odd_integer(field: &str, random: &mut StdRng) -> u64 {
    let odd = [
        0,
        1,
        u64::MAX,
        i64::MAX as u64,
        i64::MIN as u64,
        u64::from(u32::MAX),
        1 << 31,
        253_402_300_800,
        500,
        501,
    ];
    if field == "seconds" && random.random_bool(0.5) {
        let now = Utc::now().timestamp().unsigned_abs();
        return now + random.random_range(0..7_200) - 3_600;
    }
    *odd.choose(random).expect("there are some")
}
